"""Channel messages as JSON arrays in text frames, and as binary frames if their payload is bytes.

A payload nobody reads is passed on undecoded. Bytes within a payload are base64 in JSON.

See: ``Phoenix.Socket.V2.JSONSerializer``.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, final

import msgspec

from ._binary import BINARY, binary_broadcast, binary_push, binary_reply, decode_binary
from ._messages import Broadcast, Message

if TYPE_CHECKING:
    from regrow.gateway._wire._decoder import Frame
    from regrow.gateway._wire._framing import Framing

__all__ = ["JsonSerializer", "json_serializer"]

_decode = msgspec.json.Decoder(Message).decode
_encode = msgspec.json.Encoder().encode


@final
class _Reply(msgspec.Struct, gc=False):
    """The payload of a ``phx_reply``: cheaper than a dict."""

    status: str
    response: Any


@final
class JsonSerializer:
    """A `Serializer`."""

    __slots__ = ("_binary", "_text")

    def __init__(self, framing: Framing) -> None:
        self._text = framing.text
        self._binary = framing.binary

    def decode(self, frame: Frame) -> Message:
        """Read one message from text, or a push of bytes from a binary frame."""
        if frame.__class__ is str:
            return _decode(frame)
        assert isinstance(frame, bytes)
        return decode_binary(frame)

    def push(self, join_ref: str | None, ref: str | None, topic: str, event: str, payload: Any) -> bytes:
        """``[join_ref, ref, topic, event, payload]``; a binary push has no ref."""
        if payload.__class__ in BINARY:
            return self._binary(binary_push(join_ref, topic, event, payload))
        return self._text(_encode((join_ref, ref, topic, event, payload)))

    def reply(self, join_ref: str | None, ref: str | None, topic: str, status: str, response: Any) -> bytes:
        """``[join_ref, ref, topic, "phx_reply", {"status": status, "response": response}]``."""
        if response.__class__ in BINARY:
            return self._binary(binary_reply(join_ref, ref, topic, status, response))
        return self._text(_encode((join_ref, ref, topic, "phx_reply", _Reply(status, response))))

    def broadcast(self, message: Broadcast) -> bytes:
        """``[null, null, topic, event, payload]``, and a sixth element ``{"epoch", "offset"}`` if it is kept.

        A binary frame has no room for that.
        """
        payload = message.payload
        if payload.__class__ in BINARY:
            return self._binary(binary_broadcast(message.topic, message.event, payload))
        if message.position is not None:
            return self._text(_encode((None, None, message.topic, message.event, payload, message.position)))
        return self._text(_encode((None, None, message.topic, message.event, payload)))


@cache
def json_serializer(framing: Framing) -> JsonSerializer:
    """The one JSON serializer of all connections with this framing, so that they form one group of a topic."""
    return JsonSerializer(framing)
