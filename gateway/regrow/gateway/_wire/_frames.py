"""WebSocket frames on the wire, as the server writes them. See: RFC 6455 section 5."""

from __future__ import annotations

__all__ = [
    "BINARY",
    "CLOSE",
    "CONTINUATION",
    "PING",
    "PONG",
    "TEXT",
    "binary_frame",
    "close_frame",
    "compressed_frame",
    "end_of_frame",
    "ping_frame",
    "pong_frame",
    "text_frame",
]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

_FIN = 0x80
_RSV1 = 0x40
_LENGTH_16, _LENGTH_64 = 126, 127
_SHORT = 126
_LONG = 1 << 16

# Headers of short frames are looked up instead of built: one addition a frame.
_TEXT_HEADERS = tuple(bytes((_FIN | TEXT, length)) for length in range(_SHORT))
_BINARY_HEADERS = tuple(bytes((_FIN | BINARY, length)) for length in range(_SHORT))
# Those of longer ones are a number, to which the length is added.
_TEXT_16 = int.from_bytes((_FIN | TEXT, _LENGTH_16, 0, 0))
_BINARY_16 = int.from_bytes((_FIN | BINARY, _LENGTH_16, 0, 0))

MAX_REASON = 123
"""Bytes of a close reason: a control frame carries 125, two of which are the code."""


def text_frame(payload: bytes) -> bytes:
    """A whole text message in one frame. ``payload`` must be UTF-8."""
    length = len(payload)
    if length < _SHORT:
        return _TEXT_HEADERS[length] + payload
    if length < _LONG:
        return (_TEXT_16 + length).to_bytes(4) + payload
    return bytes((_FIN | TEXT, _LENGTH_64)) + length.to_bytes(8) + payload


def binary_frame(payload: bytes) -> bytes:
    """A whole binary message in one frame."""
    length = len(payload)
    if length < _SHORT:
        return _BINARY_HEADERS[length] + payload
    if length < _LONG:
        return (_BINARY_16 + length).to_bytes(4) + payload
    return bytes((_FIN | BINARY, _LENGTH_64)) + length.to_bytes(8) + payload


def compressed_frame(opcode: int, payload: bytes) -> bytes:
    """A whole message whose payload is compressed, in one frame. See: RFC 7692 section 6."""
    first, length = _FIN | _RSV1 | opcode, len(payload)
    if length < _SHORT:
        return bytes((first, length)) + payload
    if length < _LONG:
        return bytes((first, _LENGTH_16)) + length.to_bytes(2) + payload
    return bytes((first, _LENGTH_64)) + length.to_bytes(8) + payload


def ping_frame(payload: bytes) -> bytes:
    """A question whether the client is there, with a payload of at most 125 bytes that it is to send back."""
    return bytes((_FIN | PING, len(payload))) + payload


def pong_frame(payload: bytes) -> bytes:
    """The answer to a ping, with the ping's payload of at most 125 bytes."""
    return bytes((_FIN | PONG, len(payload))) + payload


def close_frame(code: int | None, reason: str = "") -> bytes:
    """A close frame; without a code its payload is empty. A reason too long is cut at a character."""
    if code is None:
        return bytes((_FIN | CLOSE, 0))
    text = reason.encode()[:MAX_REASON].decode(errors="ignore").encode()
    return bytes((_FIN | CLOSE, 2 + len(text))) + code.to_bytes(2) + text


def end_of_frame(data: bytes, offset: int) -> int:
    """Where the frame ends that ``offset`` lies in; ``data`` is a sequence of whole frames we wrote.

    An offset between two frames is where the first of them ends.
    """
    end = 0
    while end < offset:
        length = data[end + 1]
        if length < _SHORT:
            end += 2 + length
        elif length == _LENGTH_16:
            end += 4 + int.from_bytes(data[end + 2 : end + 4])
        else:
            end += 10 + int.from_bytes(data[end + 2 : end + 10])
    return end
