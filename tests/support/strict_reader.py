"""What a server wrote on one connection, read without mercy: anything that is not well-formed fails the test."""

from __future__ import annotations

import json
import zlib

import msgspec

from tests.support.wire import BINARY, CLOSE, PING, PONG, TEXT, parse_frame

__all__ = ["STATUSES", "read_strictly"]

STATUSES = frozenset((101, 200, 400, 403, 404, 405, 408, 413, 426, 429, 431, 503, 505))
CLOSE_CODES = frozenset((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1012, 1013, *range(3000, 5000)))
"""What a gateway may say. 1011 is not among them: no handler of the fuzzer is at fault."""

_END = b"\r\n\r\n"


def read_strictly(data: bytes, *, is_channels: bool) -> int | None:
    """Check all a server said; the status of its answer, None if there is none. The last frame may be incomplete."""
    if not data:
        return None
    head, end, rest = data.partition(_END)
    assert end, f"an answer without an end: {head!r}"
    lines = head.decode("ascii").split("\r\n")
    version, status, _phrase = lines[0].split(" ", 2)
    assert version == "HTTP/1.1"
    assert int(status) in STATUSES, lines
    pairs = [line.split(": ", 1) for line in lines[1:]]
    fields = {name.lower(): value for name, value in pairs}
    if int(status) != 101:
        assert len(rest) <= int(fields["content-length"])
        assert ["Connection", "close"] in pairs
        return int(status)
    is_compressed = "permessage-deflate" in fields.get("sec-websocket-extensions", "")
    is_packed = fields.get("sec-websocket-protocol") == "regrow.msgpack"
    _read_frames(rest, is_compressed=is_compressed, is_packed=is_packed, is_channels=is_channels)
    return 101


def _read_frames(data: bytes, *, is_compressed: bool, is_packed: bool, is_channels: bool) -> None:
    is_closed = False
    while data:
        deflated = bool(data[0] & 0x40)
        assert is_compressed or not deflated
        parsed = parse_frame(bytes((data[0] & ~0x40,)) + data[1:])
        if parsed is None:
            return
        frame, data = parsed
        assert not is_closed, "something behind the close frame"
        assert frame.fin
        payload = zlib.decompressobj(-15).decompress(frame.payload + b"\x00\x00\xff\xff") if deflated else frame.payload
        match frame.opcode:
            case 0x1 | 0x2:
                assert frame.opcode in {TEXT, BINARY}
                _read_message(frame.opcode, payload, is_packed=is_packed, is_channels=is_channels)
            case 0x8:
                assert frame.opcode == CLOSE
                assert frame.code is None or frame.code in CLOSE_CODES, frame
                frame.payload[2:].decode()
                is_closed = True
            case _:
                assert frame.opcode in {PING, PONG}
                assert not deflated


def _read_message(opcode: int, payload: bytes, *, is_packed: bool, is_channels: bool) -> None:
    if opcode == TEXT:
        text = payload.decode()
        if is_channels:  # an echo may say anything
            assert len(json.loads(text, parse_int=float)) == 5
    elif is_packed:
        message = msgspec.msgpack.decode(payload)
        assert len(message) == 5
