"""Certificates of an authority that only this run of the tests trusts, and clients that trust it."""

from __future__ import annotations

import functools
import ssl
from typing import TYPE_CHECKING

import trio
import trustme

from regrow.gateway import Tls
from tests.support.raw_client import RawClient

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["TlsClient", "client_context", "server_context", "server_tls"]

HOST = "127.0.0.1"


@functools.cache
def authority() -> trustme.CA:
    return trustme.CA()


@functools.cache
def certificate() -> trustme.LeafCert:
    return authority().issue_cert(HOST, "localhost")


def server_context() -> ssl.SSLContext:
    """A context for a listener, with nothing but its certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with certificate().private_key_and_cert_chain_pem.tempfile() as path:
        context.load_cert_chain(path)
    return context


def server_tls(folder: Path) -> Tls:
    """A certificate and its key as files."""
    chain, key = folder / "certificate.pem", folder / "key.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate().cert_chain_pems))
    key.write_bytes(certificate().private_key_pem.bytes())
    return Tls(chain, key)


def client_context() -> ssl.SSLContext:
    """A context for a client."""
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=authority().cert_pem.bytes().decode())
    return context


class TlsClient(RawClient):
    """A client over TLS. What it sends in one call is one record, or several if it is large."""

    def __init__(self, stream: trio.SocketStream, context: ssl.SSLContext) -> None:
        super().__init__(stream)
        self.tcp = stream
        self.tls = trio.SSLStream(stream, context, server_hostname=HOST)

    @classmethod
    async def to(
        cls, port: int, *, receive_buffer: int | None = None, context: ssl.SSLContext | None = None
    ) -> TlsClient:
        """Connect, and shake hands."""
        raw = await RawClient.connect(port, receive_buffer=receive_buffer)
        client = cls(raw.stream, context or client_context())
        try:
            await client.tls.do_handshake()
        except BaseException:
            await client.reset()
            raise
        return client

    async def send(self, *parts: bytes) -> None:
        """Send bytes in one write."""
        await self.tls.send_all(b"".join(parts))

    async def _receive_more(self) -> bool:
        try:
            data = await self.tls.receive_some()
        except trio.BrokenResourceError:
            data = b""
        self._received += data
        return bool(data)

    async def ends_with_goodbye(self) -> bool:
        """Wait for the end; whether the server said goodbye in TLS, and nothing before."""
        return await self.tls.receive_some() == b""  # without a goodbye it raises
