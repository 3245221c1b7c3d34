"""Log: one topic's history in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from ._history import Ack
from ._ring import Ring
from ._store import Head

if TYPE_CHECKING:
    from ._history import History

__all__ = ["Log"]


@final
class Log:
    """What has been broadcast on one topic, and how far its numbering has come."""

    __slots__ = ("assigned", "events", "history", "ring", "topic", "touched", "unstored")

    ring: Ring
    """What has been broadcast and is kept."""
    assigned: int
    """The last offset given to a message. With `Ack.DURABLE` it is ahead of ``ring.head`` by what is being stored."""
    touched: float
    """When it was last used, on trio's clock."""
    unstored: bool
    """Whether the stored `Head` is not that of this log."""

    def __init__(self, topic: str, history: History, epoch: str, head: int, now: float) -> None:
        self.topic = topic
        self.history = history
        self.events = frozenset(history.events)
        self.ring = Ring(history, epoch, head)
        self.assigned = head
        self.touched = now
        self.unstored = False

    @property
    def is_durable(self) -> bool:
        """Whether messages are stored before they are broadcast."""
        return self.history.ack is Ack.DURABLE

    def head(self) -> Head:
        """What is to be stored beside its messages."""
        ring = self.ring
        return Head(self.topic, ring.epoch, self.assigned, ring.first, self.history.ack)
