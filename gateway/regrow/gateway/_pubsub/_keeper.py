"""Keeper: who keeps some of what is broadcast, so that it can be told to those who were not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from regrow.gateway._transport._connection import Connection

__all__ = ["Keeper"]


class Keeper(Protocol):
    """Asked about each message that is broadcast on a `PubSub` and has no ``position`` yet."""

    def keep(self, topic: str, message: Any, sender: Connection | None = None, /) -> Any:
        """What is to be broadcast in its place. None if the keeper broadcasts it later, or never."""
        ...
