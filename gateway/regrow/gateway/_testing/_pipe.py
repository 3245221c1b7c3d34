"""Pipe: the two ends of a connection in memory. The server's end stands in for a socket."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, final

from regrow.gateway._wire._frames import text_frame

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pipe", "client_frame", "server_frames"]

_number = count(1).__next__
_MASKED = 0x80
_LENGTH_16, _LENGTH_64 = 126, 127


@final
class Pipe:
    """What the transport sees as a socket that always takes everything, and what the client reads and writes."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._number = _number()
        self._input = b""
        self._output = b""
        self.is_broken = False
        """Whether the client is gone."""
        self.is_closed = False
        """Whether the server has closed it."""

    # The client's end.

    def feed(self, data: bytes) -> None:
        """The client says something."""
        self._input += data
        self._ring()

    def hang_up(self) -> None:
        """The client is gone without a word."""
        self.is_broken = True
        self._ring()

    def drain(self) -> bytes:
        """What the server wrote since this was asked last."""
        data, self._output = self._output, b""
        return data

    # The server's end.

    @property
    def is_readable(self) -> bool:
        """Whether `recv` has something to say."""
        return bool(self._input) or self.is_broken

    def fileno(self) -> int:
        return self._number

    def recv(self, size: int) -> bytes:
        data, self._input = self._input[:size], self._input[size:]
        return data

    def send(self, data: bytes | memoryview) -> int:
        if self.is_broken:
            raise BrokenPipeError
        self._output += data
        return len(data)

    def shutdown(self, how: int) -> None:
        """The server says no more."""

    def setsockopt(self, level: int, name: int, value: bytes) -> None:
        """There is no kernel to be told."""

    def close(self) -> None:
        self.is_closed = True


def client_frame(text: bytes) -> bytes:
    """A text message as a client writes it, under a mask of zeros."""
    frame = text_frame(text)
    header = len(frame) - len(text)
    return bytes((frame[0], frame[1] | _MASKED)) + frame[2:header] + bytes(4) + text


def server_frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The whole frames at the beginning of what a server wrote, as opcode and payload, and what is behind them."""
    frames: list[tuple[int, bytes]] = []
    while len(data) >= 2:  # noqa: PLR2004 - the two bytes every header begins with
        length, start = data[1], 2
        if length in (_LENGTH_16, _LENGTH_64):
            start = 4 if length == _LENGTH_16 else 10
            length = int.from_bytes(data[2:start])
        stop = start + length
        if len(data) < stop:
            break
        frames.append((data[0] & 0x0F, data[start:stop]))
        data = data[stop:]
    return frames, data
