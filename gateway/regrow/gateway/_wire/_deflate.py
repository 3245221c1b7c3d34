"""permessage-deflate without context takeover: each message is compressed by itself. See: RFC 7692 section 7.

Nothing is kept for a connection. One compressor serves all connections that settled on the same parameters, so a
broadcast is compressed once for all of them; a decompressor lives as long as the message it undoes.
"""

from __future__ import annotations

import zlib
from functools import cache
from typing import TYPE_CHECKING, Final, final

from ._frames import BINARY, TEXT, binary_frame, compressed_frame, text_frame
from ._framing import Framing

if TYPE_CHECKING:
    from zlib import _Compress, _Decompress  # pyright: ignore[reportPrivateUsage] - the types have no public names

__all__ = ["BombError", "CorruptError", "Inflater", "deflate_framing"]

_EMPTY_BLOCK: Final = b"\x00\x00\xff\xff"
"""What the sender of a message leaves out at its end (section 7.2.1)."""

_END: Final = _EMPTY_BLOCK + b"\x01" + _EMPTY_BLOCK
"""The same, and a last block: whether the decompressor reaches it says whether the message was whole."""

_RAW: Final = -15
"""A raw stream with the largest window: it decompresses what was compressed with any."""

_MOST_STREAMS: Final = 64
"""Blocks marked as last in one message. Each costs a decompressor and none is needed (section 7.2.3.4)."""

_MEMORY_LEVEL: Final = 8


class CorruptError(Exception):
    """What a client compressed cannot be decompressed."""


class BombError(Exception):
    """What a client compressed is larger than it may be; decompression went no further."""


@final
class _Deflater:
    """Compresses messages, each by itself.

    The compressor is emptied and reset behind each message (``Z_FULL_FLUSH``) rather than made anew, which costs up to
    twenty times as much where its 256 KiB come from the kernel. It is out of the pool while it works: if something is
    raised in between, a compressor that still holds a part of somebody's message is dropped, and two threads never
    share one.
    """

    __slots__ = ("_idle", "_level", "_threshold", "_window_bits")

    def __init__(self, window_bits: int, level: int, threshold: int) -> None:
        self._window_bits = window_bits
        self._level = level
        self._threshold = threshold
        self._idle: list[_Compress] = []

    def text(self, payload: bytes) -> bytes:
        """The frame of a text message."""
        if len(payload) >= self._threshold:
            compressed = self._deflate(payload)
            if len(compressed) < len(payload):
                return compressed_frame(TEXT, compressed)
        return text_frame(payload)

    def binary(self, payload: bytes) -> bytes:
        """The frame of a binary message."""
        if len(payload) >= self._threshold:
            compressed = self._deflate(payload)
            if len(compressed) < len(payload):
                return compressed_frame(BINARY, compressed)
        return binary_frame(payload)

    def _deflate(self, payload: bytes) -> bytes:
        try:
            compressor = self._idle.pop()
        except IndexError:
            compressor = zlib.compressobj(self._level, zlib.DEFLATED, -self._window_bits, _MEMORY_LEVEL)
        data = compressor.compress(payload) + compressor.flush(zlib.Z_FULL_FLUSH)
        self._idle.append(compressor)
        return data[: -len(_EMPTY_BLOCK)]


@cache
def deflate_framing(window_bits: int, level: int, threshold: int) -> Framing:
    """The one framing of all connections with these parameters: messages of ``threshold`` bytes or more are compressed.

    A message that compression would not make shorter stays as it is. ``window_bits`` is from 9 to 15: zlib makes no
    raw stream with a window of 8.
    """
    deflater = _Deflater(window_bits, level, threshold)
    return Framing(deflater.text, deflater.binary, Inflater)


@final
class Inflater:
    """Decompresses one message of at most ``limit`` bytes, as it comes."""

    __slots__ = ("_room", "_stream", "_streams")

    def __init__(self, limit: int) -> None:
        self._room = limit
        self._stream: _Decompress | None = None
        """None before the first byte."""
        self._streams = 0

    def inflate(self, data: bytes) -> bytes:
        """Take what one fragment brought; what it decompresses to.

        Raises:
            BombError: with it the message is longer than the limit. A byte more than that was decompressed.
            CorruptError: it is no compressed data.
        """
        parts: list[bytes] = []
        stream = self._stream
        while data:
            if stream is None or stream.eof:  # the beginning, or behind a block that was marked as last
                stream = self._begin_stream()
            parts.append(self._decompress(stream, data))
            data = stream.unused_data
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _begin_stream(self) -> _Decompress:
        self._streams += 1
        if self._streams > _MOST_STREAMS:
            raise BombError
        self._stream = stream = zlib.decompressobj(_RAW)
        return stream

    def finish(self, data: bytes) -> bytes:
        """Take what the last fragment brought.

        Raises:
            BombError: with it the message is longer than the limit.
            CorruptError: it is no compressed data, or not all of it.
        """
        if not data and self._stream is None:
            return b""  # an empty message has one byte (section 7.2.3.6), but some leave that out too
        part = self.inflate(data + _END)
        if self._stream is None or not self._stream.eof:
            raise CorruptError
        return part

    def _decompress(self, stream: _Decompress, data: bytes) -> bytes:
        try:
            part = stream.decompress(data, self._room + 1)
        except zlib.error:
            raise CorruptError from None
        self._room -= len(part)
        if self._room < 0:
            raise BombError
        return part
