"""Serializers: the channel protocol's messages as bytes. One value serves every connection that speaks the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from regrow.gateway._wire._decoder import Frame

    from ._messages import Broadcast, Message

__all__ = ["Serializer"]


class Serializer(Protocol):
    """A `Dialect` of channels.

    What encodes raises TypeError for a payload that has no form in it, and ValueError for a field that is too long.
    """

    def decode(self, frame: Frame, /) -> Message:
        """Read one message.

        Raises:
            msgspec.DecodeError: it is not one.
            UnspokenFrameError: it is text or binary, and only the other is spoken. Also a `msgspec.DecodeError`.
            RecursionError: it is nested too deeply.
        """
        ...

    def push(self, join_ref: str | None, ref: str | None, topic: str, event: str, payload: Any, /) -> bytes:
        """The frame of an event for one client."""
        ...

    def reply(self, join_ref: str | None, ref: str | None, topic: str, status: str, response: Any, /) -> bytes:
        """The frame of a ``phx_reply``; ``status`` is ``ok`` or ``error``."""
        ...

    def broadcast(self, message: Broadcast, /) -> bytes:
        """The frame of an event for everyone in a topic."""
        ...
