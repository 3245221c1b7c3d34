"""WebSocket frames as tests write and read them: byte by byte, so that every rule can be broken."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle

__all__ = [
    "BINARY",
    "CLOSE",
    "CONTINUATION",
    "PING",
    "PONG",
    "TEXT",
    "ServerFrame",
    "client_close",
    "client_frame",
    "header",
    "masked",
    "parse_frame",
]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


@dataclass(frozen=True, slots=True)
class ServerFrame:
    """What a server wrote: never masked."""

    opcode: int
    payload: bytes
    fin: bool = True

    @property
    def code(self) -> int | None:
        """The code of a close frame, if it has one."""
        assert self.opcode == CLOSE
        return int.from_bytes(self.payload[:2]) if self.payload else None


def masked(data: bytes, mask: bytes) -> bytes:
    """XOR, a byte at a time."""
    return bytes(byte ^ key for byte, key in zip(data, cycle(mask), strict=False))


def header(first: int, length: int, mask: bytes | None = b"mask") -> bytes:
    """The header of a frame that declares ``length`` in the fewest bytes; None for a mask leaves the frame unmasked."""
    bit = 0 if mask is None else 0x80
    if length < 126:
        size = bytes((bit | length,))
    elif length < 65_536:
        size = bytes((bit | 126,)) + length.to_bytes(2)
    else:
        size = bytes((bit | 127,)) + length.to_bytes(8)
    return bytes((first,)) + size + (mask or b"")


def client_frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bytes | None = b"\x12\x34\x56\x78"
) -> bytes:
    """A frame as a client writes it, or, without a mask, as it must not."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    return header(first, len(payload), mask) + (payload if mask is None else masked(payload, mask))


def client_close(code: int | None = 1000, reason: bytes = b"") -> bytes:
    """A close frame as a client writes it."""
    return client_frame(CLOSE, b"" if code is None else code.to_bytes(2) + reason)


def parse_frame(data: bytes) -> tuple[ServerFrame, bytes] | None:
    """The first frame a server wrote and what is behind it; None if it is not whole."""
    if len(data) < 2:
        return None
    assert not data[0] & 0x70, "a server sets no reserved bits: no extension was negotiated"
    assert not data[1] & 0x80, "a server does not mask"
    length, start = data[1], 2
    if length >= 126:
        start = 4 if length == 126 else 10
        if len(data) < start:
            return None
        length = int.from_bytes(data[2:start])
    if len(data) < start + length:
        return None
    return ServerFrame(data[0] & 0x0F, data[start : start + length], bool(data[0] & 0x80)), data[start + length :]
