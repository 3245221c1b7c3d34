"""The WebSocket decoder: bytes of a client in, messages out. No socket and no clock. See: RFC 6455 section 5.

A text message comes out as ``str``, a binary one as ``bytes``. A control frame, and whatever breaks the
protocol, comes out as a value too, after the messages that were complete before it.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from ._deflate import BombError, CorruptError
from ._frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from ._mask import apply_mask

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.gateway._settings._settings import Settings

    from ._deflate import Inflater

__all__ = ["Decoder", "Ending", "Frame"]

Frame = str | bytes
"""One message of a client: text or binary."""

_MASKED = 0x80
_FIN_TEXT = 0x80 | TEXT
_FIN_BINARY = 0x80 | BINARY
_RSV = 0x70
_RSV1 = 0x40
_LENGTH_16, _LENGTH_64 = 126, 127
_MAX_CONTROL = 125
_MAX_CHUNKS = 64
"""Reads that are kept apart: a client that sends a byte or two at a time must not cost twenty times what it says."""

PROTOCOL_ERROR: Final = 1002
INVALID_DATA: Final = 1007
TOO_BIG: Final = 1009

_CLOSE_CODES = frozenset((*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)))
"""Codes a peer may send. 1004, 1005, 1006 and 1015 are reserved; below 3000 the rest is unassigned."""


@final
@dataclass(frozen=True, slots=True)
class Ending:
    """The last thing a client said: it closed, or broke the protocol."""

    code: int | None
    """The close code to answer with; None for a close frame without one."""
    reason: str
    """What to tell the client that broke the protocol; empty if it closed."""
    is_violation: bool
    """Whether the client broke the protocol rather than closed."""


class _Violation(Exception):  # noqa: N818 - the client's, not ours
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.ending = Ending(code, reason, is_violation=True)


@final
class _Partial:
    """A fragmented message of which some fragments are here."""

    __slots__ = ("_text", "count", "inflater", "parts", "size")

    def __init__(self, opcode: int, inflater: Inflater | None) -> None:
        self.inflater = inflater
        self._text = codecs.getincrementaldecoder("utf-8")() if opcode == TEXT else None
        self.parts: list[str] | list[bytes] = []
        self.size = 0
        self.count = 0

    def add(self, payload: bytes, *, final: bool) -> None:
        """Add a fragment. Text is decoded as it comes, so that a bad byte fails fast (RFC 6455 8.1)."""
        self.size += len(payload)
        self.count += 1
        if self.inflater is not None:
            payload = self.inflater.finish(payload) if final else self.inflater.inflate(payload)
        part = payload if self._text is None else self._text.decode(payload, final)
        self.parts.append(part)  # type: ignore[arg-type]

    def message(self) -> Frame:
        return b"".join(self.parts) if self._text is None else "".join(self.parts)  # type: ignore[arg-type]


@final
class Decoder:
    """The decoder of one connection, between two messages or inside one.

    A connection needs one only while a message is incomplete: a fresh decoder decodes whole frames all the same.
    """

    __slots__ = ("_chunks", "_have", "_inflater", "_need", "_partial", "_pings", "_settings", "ending")

    ending: Ending | None
    """Set once the client closed or broke the protocol; whatever follows is ignored."""

    def __init__(self, settings: Settings, inflater: Callable[[int], Inflater] | None = None) -> None:
        self._settings = settings
        self._inflater = inflater
        self._chunks: list[bytes] = []
        self._have = 0
        self._need = 0
        self._partial: _Partial | None = None
        self._pings: list[bytes] = []
        self.ending = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is kept: no partial frame, no partial message, no ending."""
        return not self._chunks and self._partial is None and self.ending is None

    def take_pings(self) -> list[bytes]:
        """The payloads of the pings that came since this was asked last, to be answered."""
        if not self._pings:
            return []
        pings, self._pings = self._pings, []
        return pings

    def feed(self, data: bytes) -> list[Frame]:
        """Take what a read brought; the messages that are complete with it, in order."""
        if self.ending is not None:
            return []
        if self._chunks:
            # A large frame is joined once, when it is whole, not once a read.
            self._chunks.append(data)
            self._have += len(data)
            if self._have < self._need:
                if len(self._chunks) > _MAX_CHUNKS:
                    self._chunks = [b"".join(self._chunks)]
                return []
            data = b"".join(self._chunks)
            self._chunks = []
        messages: list[Frame] = []
        try:
            rest = self._decode(data, messages)
        except _Violation as violation:
            self.ending = violation.ending
            return messages
        if rest < len(data) and self.ending is None:
            self._chunks = [data[rest:]]
            self._have = len(data) - rest
        return messages

    def _decode(self, data: bytes, messages: list[Frame]) -> int:  # noqa: C901, PLR0912 - one loop: a call a frame costs
        """Append whole messages; the position of the first byte not used."""
        limit = self._settings.max_message_size
        pos, end = 0, len(data)
        while end - pos >= 2:  # noqa: PLR2004 - the two bytes every header begins with
            first, length = data[pos], data[pos + 1] & 0x7F
            if data[pos + 1] < _MASKED:
                raise _Violation(PROTOCOL_ERROR, "a client must mask its frames")
            start = pos + 6
            if length >= _LENGTH_16:
                size = 2 if length == _LENGTH_16 else 8
                start += size
                if end < start - 4:
                    self._need = start - pos
                    return pos
                length = int.from_bytes(data[pos + 2 : pos + 2 + size])
            if (first == _FIN_TEXT or first == _FIN_BINARY) and self._partial is None:  # noqa: PLR1714, SIM109 - twice as fast as `in`
                if length > limit:
                    raise _Violation(TOO_BIG, f"message of {length} bytes, the limit is {limit}")
                stop = start + length
                if stop > end:
                    self._need = stop - pos
                    return pos
                payload = apply_mask(data[start:stop], data[start - 4 : start])
                if first == _FIN_TEXT:
                    try:
                        messages.append(payload.decode())
                    except UnicodeDecodeError:
                        raise _Violation(INVALID_DATA, "text is not UTF-8") from None
                else:
                    messages.append(payload)
                pos = stop
                continue
            self._check(first, length)
            stop = start + length
            if stop > end:
                self._need = stop - pos
                return pos
            payload = apply_mask(data[start:stop], data[start - 4 : start])
            if first & 0x08:
                self._control(first & 0x0F, payload)
                if self.ending is not None:
                    return stop
            else:
                self._fragment(first, payload, messages)
            pos = stop
        self._need = 2
        return pos

    def _check(self, first: int, length: int) -> None:
        """Refuse a frame from its header alone, before its payload is buffered."""
        opcode = first & 0x0F
        if first & _RSV and not self._may_be_compressed(first):
            raise _Violation(PROTOCOL_ERROR, "reserved bits are set that no extension gives a meaning to")
        if opcode in (CLOSE, PING, PONG):
            if not first & 0x80:
                raise _Violation(PROTOCOL_ERROR, "a control frame must not be fragmented")
            if length > _MAX_CONTROL:
                raise _Violation(PROTOCOL_ERROR, f"control frame of {length} bytes, at most {_MAX_CONTROL} are allowed")
            return
        if opcode not in (CONTINUATION, TEXT, BINARY):
            raise _Violation(PROTOCOL_ERROR, f"reserved opcode {opcode}")
        partial = self._partial
        if (opcode == CONTINUATION) != (partial is not None):
            wrong = "continuation without a message" if partial is None else "new message inside a fragmented one"
            raise _Violation(PROTOCOL_ERROR, wrong)
        size = length + (partial.size if partial is not None else 0)
        limit = self._settings.max_message_size
        if first & _RSV1 or (partial is not None and partial.inflater is not None):
            limit = _most_compressed(limit)
        if size > limit:
            raise _Violation(TOO_BIG, f"message of {size} bytes, the limit is {limit}")
        if partial is not None and partial.count >= self._settings.max_fragments:
            raise _Violation(TOO_BIG, f"more than {self._settings.max_fragments} fragments")

    def _may_be_compressed(self, first: int) -> bool:
        """Whether it begins a message, with no reserved bit but the one that says compressed (RFC 7692 section 6)."""
        return self._inflater is not None and first & _RSV == _RSV1 and first & 0x0F in (TEXT, BINARY)

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._pings.append(payload)
        elif opcode == CLOSE:
            self.ending = _closed(payload)

    def _fragment(self, first: int, payload: bytes, messages: list[Frame]) -> None:
        partial = self._partial
        limit = self._settings.max_message_size
        if partial is None:
            inflater = self._inflater(limit) if first & _RSV1 and self._inflater is not None else None
            partial = self._partial = _Partial(first & 0x0F, inflater)
        final = bool(first & 0x80)
        try:
            partial.add(payload, final=final)
        except UnicodeDecodeError:
            raise _Violation(INVALID_DATA, "text is not UTF-8") from None
        except CorruptError:
            raise _Violation(INVALID_DATA, "message is not compressed as negotiated") from None
        except BombError:
            raise _Violation(TOO_BIG, f"message of more than {limit} bytes when decompressed") from None
        if final:
            self._partial = None
            messages.append(partial.message())


def _most_compressed(limit: int) -> int:
    """Bytes that a message within the limit has at most on the wire: compression may add a little."""
    return limit + limit // 16 + 64


def _closed(payload: bytes) -> Ending:
    """Judge a close frame. See: RFC 6455 sections 5.5.1 and 7.4."""
    if not payload:
        return Ending(None, "", is_violation=False)
    code = int.from_bytes(payload[:2])
    if len(payload) == 1 or code not in _CLOSE_CODES:
        raise _Violation(PROTOCOL_ERROR, "invalid close code")
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        raise _Violation(INVALID_DATA, "close reason is not UTF-8") from None
    return Ending(code, "", is_violation=False)
