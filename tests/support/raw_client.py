"""A WebSocket client over bare TCP that follows the protocol only as far as its test wants."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

import trio

from tests.support.wire import CLOSE, PING, TEXT, ServerFrame, client_close, client_frame, parse_frame

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RawClient", "upgrade_request"]

HEADERS = {
    "Host": "localhost",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
"""The example of RFC 6455 section 1.3."""


def upgrade_request(path: str = "/echo", headers: Mapping[str, str | None] | None = None) -> bytes:
    """Ask for a WebSocket, with some headers changed, or left out where None."""
    merged = {**HEADERS, **(headers or {})}
    lines = [f"{name}: {value}" for name, value in merged.items() if value is not None]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()


class RawClient:
    """One TCP connection."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._received = b""

    @classmethod
    async def connect(cls, port: int, *, source: str = "127.0.0.1", receive_buffer: int | None = None) -> RawClient:
        """Connect, from an address of choice, with a receive buffer of choice, and say nothing yet."""
        sock = trio.socket.socket()
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            await sock.bind((source, 0))
            await sock.connect(("127.0.0.1", port))
        except OSError:
            sock.close()
            raise
        return cls(trio.SocketStream(sock))

    async def aclose(self) -> None:
        """Close TCP without a word."""
        await trio.aclose_forcefully(self.stream)

    async def reset(self) -> None:
        """Break the connection, if it is not closed yet."""
        if self.stream.socket.fileno() < 0:
            return
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await trio.aclose_forcefully(self.stream)

    async def send(self, *parts: bytes) -> None:
        """Send bytes in one write."""
        await self.stream.send_all(b"".join(parts))

    async def send_text(self, *texts: str) -> None:
        """Send text messages in one write."""
        await self.send(*(client_frame(TEXT, text.encode()) for text in texts))

    async def _receive_more(self) -> bool:
        try:
            data = await self.stream.receive_some()
        except trio.BrokenResourceError:
            data = b""
        self._received += data
        return bool(data)

    # HTTP.

    async def head(self) -> str:
        """The head of an HTTP response."""
        while b"\r\n\r\n" not in self._received:
            assert await self._receive_more(), f"ended within the head: {self._received!r}"
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        return head.decode("latin-1")

    async def status(self) -> int:
        """The status of an HTTP response."""
        return int((await self.head()).split(" ", 2)[1])

    async def upgrade(self, path: str = "/echo", headers: Mapping[str, str | None] | None = None) -> None:
        """Open the WebSocket."""
        await self.send(upgrade_request(path, headers))
        assert await self.status() == 101

    async def rest(self) -> bytes:
        """Everything until the server ends the connection."""
        while await self._receive_more():
            pass
        rest, self._received = self._received, b""
        return rest

    # WebSocket.

    async def frame(self) -> ServerFrame:
        """The next frame."""
        while (parsed := parse_frame(self._received)) is None:
            assert await self._receive_more(), f"ended within a frame: {self._received[:99]!r}"
        frame, self._received = parsed
        return frame

    async def text(self) -> str:
        """The next frame, which must be text."""
        frame = await self.frame()
        assert frame.opcode == TEXT, frame
        return frame.payload.decode()

    async def close_code(self) -> int | None:
        """The code of the close frame, which must be the next frame and the last word."""
        frame = await self.frame()
        assert frame.opcode == CLOSE, frame
        return frame.code

    async def is_ended(self) -> bool:
        """Wait for the server to end TCP; whether nothing came before."""
        return await self.rest() == b""

    async def say_goodbye(self, code: int | None = 1000) -> None:
        """Send a close frame."""
        await self.send(client_close(code))

    async def echoes(self, text: str = "still here?") -> bool:
        """Whether an echo handler behind this connection is alive, and nothing came unasked."""
        await self.send_text(text)
        return await self.frame() == ServerFrame(TEXT, text.encode())

    async def pong(self, payload: bytes = b"") -> bytes:
        """Ping, and wait for the pong."""
        await self.send(client_frame(PING, payload))
        return (await self.frame()).payload
