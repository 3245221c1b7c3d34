"""Channel messages as JSON arrays in text frames. A payload nobody reads is passed on undecoded.

See: ``Phoenix.Socket.V2.JSONSerializer``.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, final

import msgspec

from ._messages import Broadcast, Message

if TYPE_CHECKING:
    from regrow.gateway._wire._decoder import Frame
    from regrow.gateway._wire._framing import Framing

__all__ = ["JsonSerializer", "json_serializer"]

_decode = msgspec.json.Decoder(Message).decode
_encode = msgspec.json.Encoder().encode


@final
class JsonSerializer:
    """A `Serializer`."""

    __slots__ = ("_text",)

    def __init__(self, framing: Framing) -> None:
        self._text = framing.text

    def decode(self, frame: Frame) -> Message:
        """Read one message from text."""
        if not isinstance(frame, str):
            raise msgspec.DecodeError("binary messages are not spoken here")
        return _decode(frame)

    def push(self, join_ref: str | None, ref: str | None, topic: str, event: str, payload: Any) -> bytes:
        """``[join_ref, ref, topic, event, payload]``."""
        return self._text(_encode((join_ref, ref, topic, event, payload)))

    def reply(self, join_ref: str | None, ref: str | None, topic: str, status: str, response: Any) -> bytes:
        """``[join_ref, ref, topic, "phx_reply", {"status": status, "response": response}]``."""
        return self._text(_encode((join_ref, ref, topic, "phx_reply", {"status": status, "response": response})))

    def broadcast(self, message: Broadcast) -> bytes:
        """``[null, null, topic, event, payload]``."""
        return self._text(_encode((None, None, message.topic, message.event, message.payload)))


@cache
def json_serializer(framing: Framing) -> JsonSerializer:
    """The one JSON serializer of all connections with this framing, so that they form one group of a topic."""
    return JsonSerializer(framing)
