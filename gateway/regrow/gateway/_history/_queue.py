"""WriteQueue: what is broadcast and not stored yet, bounded in bytes."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple, final

if TYPE_CHECKING:
    from regrow.gateway._channels._messages import Broadcast
    from regrow.gateway._transport._connection import Connection

    from ._log import Log
    from ._receipt import Receipt

__all__ = ["Pending", "WriteQueue"]

_OVERHEAD = 512
"""Bytes that a message takes in memory beside its payload, about."""


@final
class Pending(NamedTuple):
    """A message that waits to be stored."""

    log: Log
    message: Broadcast
    """As it is broadcast."""
    kept: Broadcast
    """As it is kept: its payload is frozen."""
    size: int
    """Bytes of its payload."""
    at: float
    """When it was broadcast, Unix time."""
    sender: Connection | None
    """Who is not to be sent it."""
    receipt: Receipt | None
    """Who waits for it to be stored."""


@final
class WriteQueue:
    """Messages in the order in which they were broadcast. Invariant: ``0 <= size <= limit``."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[Pending] = deque()
        self.size = 0
        """Bytes."""

    def __len__(self) -> int:
        return len(self._waiting)

    def has_room(self, size: int) -> bool:
        """Whether a message with a payload of this size may be put in."""
        return self.size + size + _OVERHEAD <= self._limit

    def put(self, pending: Pending) -> None:
        """Add the newest message; there must be room."""
        self.size += pending.size + _OVERHEAD
        self._waiting.append(pending)

    def peek(self) -> list[Pending]:
        """All that waits, oldest first. It goes on taking up room until it is removed."""
        return list(self._waiting)

    def remove(self, count: int) -> None:
        """Remove the oldest."""
        for _ in range(count):
            self.size -= self._waiting.popleft().size + _OVERHEAD

    def keep_only(self, wanted: list[Pending]) -> None:
        """Let only these wait, in this order."""
        self._waiting = deque(wanted)
        self.size = sum(one.size + _OVERHEAD for one in wanted)
