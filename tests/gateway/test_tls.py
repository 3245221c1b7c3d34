"""TLS on every transport, with clients that are trio's."""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio

from regrow.gateway import Handler, Settings, Tcp
from tests.support.misbehaving_handlers import Fountain, Waiting
from tests.support.raw_client import RawClient, upgrade_request
from tests.support.serving import Served, serving
from tests.support.socket_test import pass_time, socket_test
from tests.support.tls import TlsClient, client_context, server_context, server_tls
from tests.support.wire import BINARY, PING, TEXT, client_frame

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("each_transport")


class Secure:
    """A gateway with a plain port, for the bystander, and one with TLS."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.metrics = served.metrics
        _, address = served.running.addresses
        assert isinstance(address, Tcp)
        self.port = address.port

    @property
    def connections(self) -> int:
        """How many beside the bystander."""
        return len(self.served.running.transport.connections) - 1

    async def client(self, path: str = "/echo", *, receive_buffer: int | None = None) -> TlsClient:
        """Make a WebSocket connection."""
        client = await TlsClient.to(self.port, receive_buffer=receive_buffer)
        await client.upgrade(path)
        return client


@asynccontextmanager
async def secure(
    routes: Mapping[str, type[Handler]] | None = None,
    settings: Settings | None = None,
    context: ssl.SSLContext | None = None,
) -> AsyncGenerator[Secure]:
    listen = Tcp("127.0.0.1", 0, context or server_context())
    async with serving(routes, settings, listen=[listen]) as served:
        yield Secure(served)


@socket_test
async def test_a_client_is_served_and_both_sides_say_goodbye_in_tls() -> None:
    async with secure() as gateway:
        client = await gateway.client()
        assert await client.echoes()
        await client.say_goodbye()
        assert await client.close_code() == 1000
        assert await client.ends_with_goodbye()
        await client.aclose()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@socket_test
async def test_a_certificate_of_files_speaks_versions_1_2_and_1_3_and_agrees_on_http_1_1(
    version: ssl.TLSVersion, tmp_path: Path
) -> None:
    context = client_context()
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    async with secure(context=server_tls(tmp_path).context()) as gateway:
        client = await TlsClient.to(gateway.port, context=context)
        assert client.tls.selected_alpn_protocol() == "http/1.1"
        await client.upgrade()
        assert await client.echoes("x" * 60_000)
        await client.reset()


@pytest.mark.filterwarnings("ignore:.*TLSv1_1 is deprecated:DeprecationWarning")
@socket_test
async def test_an_older_version_is_refused(tmp_path: Path) -> None:
    context = client_context()
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    async with secure(context=server_tls(tmp_path).context()) as gateway:
        with pytest.raises(trio.BrokenResourceError):
            await TlsClient.to(gateway.port, context=context)
        await gateway.served.settle()
        assert gateway.connections == 0
        assert gateway.metrics.refused == 1


@socket_test
async def test_large_messages_go_both_ways() -> None:
    async with secure(settings=Settings(max_message_size=4 << 20, outbox_limit=16 << 20)) as gateway:
        client = await gateway.client()
        text = "".join(map(str, range(500_000)))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send_text, text)
            assert await client.text() == text
        assert await client.echoes()
        await client.reset()


@socket_test
async def test_many_frames_in_one_record_are_all_answered_without_another_byte() -> None:
    async with secure(settings=Settings().unlimited()) as gateway:
        client = await gateway.client()
        texts = [str(number) for number in range(1000)]
        await client.send_text(*texts)
        assert [await client.text() for _ in texts] == texts
        await client.reset()


@socket_test
async def test_more_records_than_one_read_takes_are_all_answered() -> None:
    async with secure(settings=Settings().unlimited()) as gateway:
        client = await gateway.client()
        texts = [f"{number}".rjust(500, "-") for number in range(1000)]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send_text, *texts)
            assert [await client.text() for _ in texts] == texts
        await client.reset()


@socket_test
async def test_a_request_and_frames_in_the_record_of_the_last_handshake_message_are_served() -> None:
    async with secure() as gateway:
        client = await TlsClient.to(gateway.port)
        await client.send(upgrade_request(), client_frame(PING, b"1"), client_frame(TEXT, b"2"))
        assert await client.status() == 101
        assert (await client.frame()).payload == b"1"
        assert await client.text() == "2"
        await client.reset()


@socket_test
async def test_messages_behind_one_that_is_being_handled_wait_and_are_not_lost() -> None:
    Waiting.go = trio.Event()
    async with secure({"/waiting": Waiting}) as gateway:
        client = await gateway.client("/waiting")
        for text in ("one", "two", "three"):
            await client.send_text(text)
            await gateway.served.settle()
        assert gateway.metrics.received == 1
        Waiting.go.set()
        assert [await client.text() for _ in range(3)] == ["one", "two", "three"]
        await client.reset()


@socket_test
async def test_a_consumer_that_reads_in_time_gets_everything() -> None:
    async with secure({"/fountain": Fountain}, Settings(outbox_limit=100_000_000)) as gateway:
        client = await gateway.client("/fountain", receive_buffer=4096)
        await client.send_text(str(4 * 1024 * 1024))
        for _ in range(4 * 1024):
            assert (await client.frame()).payload == b"x" * 1024
        await client.send_text("1024")
        assert (await client.frame()).payload == b"x" * 1024
        await client.reset()


@socket_test
async def test_a_slow_consumer_gets_whole_frames_and_then_1013() -> None:
    async with secure({"/fountain": Fountain}, Settings(outbox_limit=100_000)) as gateway:
        client = await gateway.client("/fountain", receive_buffer=4096)
        await client.send_text(str(32 * 1024 * 1024))
        await pass_time(0)
        assert gateway.metrics.slow_consumers == 1
        frame = await client.frame()
        while frame.opcode == BINARY:
            assert frame.payload == b"x" * 1024
            frame = await client.frame()
        assert frame.code == 1013
        await client.reset()


@pytest.mark.parametrize("words", [upgrade_request(), b"\x16\x03\x01\xff\xff" + b"x" * 70_000, b"\x00" * 5])
@socket_test
async def test_a_client_that_speaks_no_tls_is_closed_at_once_and_counted(words: bytes) -> None:
    async with secure() as gateway:
        client = await RawClient.connect(gateway.port)
        await client.send(words)
        await gateway.served.settle()
        assert gateway.connections == 0
        assert gateway.metrics.refused == 1
        assert b"HTTP" not in await client.rest()
        await client.aclose()


@pytest.mark.parametrize("how", ["close", "reset", "hello and reset"])
@socket_test
async def test_a_client_that_leaves_during_the_handshake_is_gone(how: str) -> None:
    async with secure() as gateway:
        client = await RawClient.connect(gateway.port)
        if how == "hello and reset":
            await client.send(hello())
        await gateway.served.settle()
        assert gateway.connections == 1
        await (client.aclose() if how == "close" else client.reset())
        await gateway.served.settle()
        assert gateway.connections == 0


def hello() -> bytes:
    """The first flight of a client."""
    outgoing = ssl.MemoryBIO()
    client = client_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("stops_at", ["connect", "half a hello", "hello", "handshake", "half a request"])
@socket_test
async def test_one_deadline_covers_everything_from_accept_to_request(stops_at: str) -> None:
    async with secure(settings=Settings(handshake_timeout=10)) as gateway:
        if stops_at in ("handshake", "half a request"):
            client: RawClient = await TlsClient.to(gateway.port)
            if stops_at == "half a request":
                await client.send(b"GET / HT")
        else:
            client = await RawClient.connect(gateway.port)
            await client.send({"connect": b"", "half a hello": hello()[:50], "hello": hello()}[stops_at])
        await pass_time(8)
        assert gateway.connections == 1
        await pass_time(4)
        assert gateway.connections == 0
        await client.reset()


@socket_test
async def test_a_hello_that_comes_a_byte_at_a_time_is_a_hello() -> None:
    class Dribbling(trio.abc.HalfCloseableStream):
        def __init__(self, stream: trio.SocketStream) -> None:
            self._stream = stream

        async def send_all(self, data: bytes | bytearray | memoryview) -> None:
            for at in range(len(data)):
                await self._stream.send_all(bytes(data)[at : at + 1])
                if at % 50 == 0:
                    await gateway.served.settle()

        async def wait_send_all_might_not_block(self) -> None:
            await self._stream.wait_send_all_might_not_block()

        async def send_eof(self) -> None:
            await self._stream.send_eof()

        async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
            return await self._stream.receive_some(max_bytes)

        async def aclose(self) -> None:
            await self._stream.aclose()

    async with secure() as gateway:
        raw = await RawClient.connect(gateway.port)
        tls = trio.SSLStream(Dribbling(raw.stream), client_context(), server_hostname="localhost")
        await tls.do_handshake()
        await tls.send_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await tls.receive_some()).startswith(b"HTTP/1.1 200")
        await raw.reset()


@socket_test
async def test_a_goodbye_of_tls_in_the_segment_of_the_last_message_ends_the_connection() -> None:
    async with secure() as gateway:
        client = await gateway.client()
        ssl_object = client.tls._ssl_object
        ssl_object.write(client_frame(TEXT, b"last"))
        with pytest.raises(ssl.SSLWantReadError):
            ssl_object.unwrap()
        await client.tcp.send_all(client.tls._outgoing.read())
        await pass_time(0)
        assert gateway.connections == 0
        assert gateway.metrics.received == 1
        assert gateway.metrics.lost == 1
        await client.reset()


@socket_test
async def test_an_end_of_tcp_without_a_goodbye_of_tls_ends_the_connection() -> None:
    async with secure() as gateway:
        client = await gateway.client()
        await client.tcp.send_eof()
        await pass_time(0)
        assert gateway.connections == 0
        assert gateway.metrics.lost == 1
        await client.reset()


@socket_test
async def test_bytes_that_are_no_record_break_an_open_connection_and_nothing_else() -> None:
    async with secure() as gateway:
        client = await gateway.client()
        await client.tcp.send_all(b"nonsense" * 100)
        await pass_time(0)
        assert gateway.connections == 0
        assert gateway.metrics.lost == 1
        await client.reset()


@socket_test
async def test_a_violation_is_answered_with_its_code() -> None:
    async with secure() as gateway:
        client = await gateway.client()
        await client.send(client_frame(TEXT, b"\xff"))
        assert await client.close_code() == 1007
        assert await client.ends_with_goodbye()
        await client.aclose()


@socket_test
async def test_a_page_is_answered() -> None:
    async with secure() as gateway:
        client = await TlsClient.to(gateway.port)
        await client.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await client.status() == 200
        assert await client.rest() == b"ok\n"
        await client.aclose()


@socket_test
async def test_a_client_must_show_a_certificate_if_the_context_says_so() -> None:
    context = server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # so that its client learns of it in the handshake
    async with secure(context=context) as gateway:
        with pytest.raises(trio.BrokenResourceError):
            await TlsClient.to(gateway.port)
        await gateway.served.settle()
        assert gateway.connections == 0
        assert gateway.metrics.refused == 1
