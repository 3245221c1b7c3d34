"""Channel messages whose payload is bytes, as binary frames beside JSON text.

::

    client's push   00 | join_ref ref topic event  | the four | data
    push            00 | join_ref topic event      | the three | data
    reply           01 | join_ref ref topic status | the four | data
    broadcast       02 | topic event               | the two | data

Behind the kind comes the size of each field in one byte. A join_ref or ref of None is an empty field, as in Phoenix.

See: ``Phoenix.Socket.V2.JSONSerializer``; ``assets/js/phoenix/serializer.js``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from ._messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BINARY", "binary_broadcast", "binary_push", "binary_reply", "decode_binary"]

BINARY: Final = frozenset((bytes, bytearray, memoryview))
"""The classes of a payload that makes a message binary."""

_PUSH, _REPLY, _BROADCAST = 0, 1, 2
_MAX_FIELD = 255
_HEADER = 5
"""Bytes of a client's push before its first field."""


def binary_push(join_ref: str | None, topic: str, event: str, data: bytes | bytearray | memoryview) -> bytes:
    """An event for one client. It carries no ref.

    Raises:
        ValueError: a field is longer than 255 bytes.
    """
    return _message(_PUSH, data, join_ref=join_ref, topic=topic, event=event)


def binary_reply(
    join_ref: str | None, ref: str | None, topic: str, status: str, data: bytes | bytearray | memoryview
) -> bytes:
    """A ``phx_reply``.

    Raises:
        ValueError: a field is longer than 255 bytes.
    """
    return _message(_REPLY, data, join_ref=join_ref, ref=ref, topic=topic, status=status)


def binary_broadcast(topic: str, event: str, data: bytes | bytearray | memoryview) -> bytes:
    """An event for everyone in a topic.

    Raises:
        ValueError: a field is longer than 255 bytes.
    """
    return _message(_BROADCAST, data, topic=topic, event=event)


def _message(kind: int, data: bytes | bytearray | memoryview, **fields: str | None) -> bytes:
    encoded = [(text or "").encode() for text in fields.values()]
    for name, field in zip(fields, encoded, strict=True):
        if len(field) > _MAX_FIELD:
            raise ValueError(
                f"{name} has {len(field)} bytes: beside a binary payload it may have {_MAX_FIELD}, its size is one byte"
            )
    return b"".join((bytes((kind, *map(len, encoded))), *encoded, data))


def decode_binary(frame: bytes) -> Message:
    """Read what a client pushes.

    Raises:
        msgspec.DecodeError: it is no push, ends within its fields, or a field is not UTF-8.
    """
    if len(frame) < _HEADER:
        raise msgspec.DecodeError(f"a binary message begins with {_HEADER} bytes, this one has {len(frame)}")
    if frame[0] != _PUSH:
        raise msgspec.DecodeError(f"a client's binary message is of kind {_PUSH} (push), this one is of {frame[0]}")
    end = _HEADER + sum(frame[1:_HEADER])
    if len(frame) < end:
        raise msgspec.DecodeError(f"the fields take {end} bytes, the binary message has {len(frame)}")
    try:
        join_ref, ref, topic, event = _fields(frame)
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(f"a field of the binary message is not UTF-8: {error.reason}") from None
    return Message(join_ref or None, ref or None, topic, event, frame[end:])


def _fields(frame: bytes) -> Iterator[str]:
    start = _HEADER
    for size in frame[1:_HEADER]:
        yield frame[start : start + size].decode()
        start += size
