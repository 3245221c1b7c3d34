"""The Phoenix Channels V2 messages as JSON arrays: ``[join_ref, ref, topic, event, payload]``.

A payload nobody reads is passed on undecoded. See: ``Phoenix.Socket.V2.JSONSerializer``.
"""

from __future__ import annotations

from typing import Any, final

import msgspec

from regrow.gateway._wire._frames import text_frame

__all__ = ["INVALID_MESSAGE", "Message", "decode", "encode", "reply"]

INVALID_MESSAGE = (msgspec.DecodeError, RecursionError)
"""What `decode` raises: not JSON, nested too deeply, or not an array of the five elements."""


@final
class Message(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a client says. Elements behind the fifth are ignored, as Phoenix does."""

    join_ref: str | None
    """The ``ref`` of the join this message belongs to."""
    ref: str | None
    """What the reply is to carry; None if none is wanted."""
    topic: str
    event: str
    payload: msgspec.Raw
    """JSON, not decoded."""


decode = msgspec.json.Decoder(Message).decode
"""Read one message from text.

Raises:
    msgspec.DecodeError: it is not JSON, or not an array of the five elements.
    RecursionError: it is nested too deeply.
"""

_encode = msgspec.json.Encoder().encode


def encode(join_ref: str | None, ref: str | None, topic: str, event: str, payload: Any) -> bytes:
    """The frame of a message to the client.

    Raises:
        TypeError: the payload has no JSON form.
    """
    return text_frame(_encode((join_ref, ref, topic, event, payload)))


def reply(join_ref: str | None, ref: str | None, topic: str, status: str, response: Any) -> bytes:
    """The frame of a ``phx_reply``; ``status`` is ``ok`` or ``error``."""
    return text_frame(_encode((join_ref, ref, topic, "phx_reply", {"status": status, "response": response})))
