"""MemoryStore: histories that end with the program."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, final

from ._history import Ack
from ._position import new_epoch
from ._store import TopicState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._history import History
    from ._store import Head, Record

__all__ = ["MemoryStore"]


@final
class _Topic:
    __slots__ = ("ack", "epoch", "head", "records")

    def __init__(self, epoch: str, ack: Ack) -> None:
        self.epoch = epoch
        self.head = 0
        self.ack = ack
        self.records: dict[int, Record] = {}


@final
class MemoryStore:
    """A `HistoryStore` in this program's memory: it survives crashes of any actor, and nothing more.

    ``clock`` tells Unix time in seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._topics: dict[str, _Topic] = {}
        self._is_clean = True

    def open(self) -> None:
        """Make ready; see `HistoryStore.open`."""
        if not self._is_clean:
            for topic in self._topics.values():
                if topic.ack is Ack.SENT:
                    topic.epoch = new_epoch()
        self._is_clean = False

    def load(self, topic: str, history: History) -> TopicState:
        """What is kept of a topic."""
        state = self._topics.get(topic)
        if state is None:
            state = self._topics[topic] = _Topic(new_epoch(), history.ack)
        state.ack = history.ack
        now = self._clock()
        tail: list[Record] = []
        for offset in range(state.head, 0, -1):
            record = state.records.get(offset)
            if record is None or record.expires <= now or len(tail) == history.count:
                break
            tail.append(record)
        tail.reverse()
        return TopicState(state.epoch, state.head, tail)

    def append(self, records: Sequence[Record], heads: Sequence[Head]) -> None:
        """Keep messages."""
        for head in heads:
            topic = self._topics.get(head.topic)
            if topic is None:
                topic = self._topics[head.topic] = _Topic(head.epoch, head.ack)
            topic.epoch, topic.head, topic.ack = head.epoch, head.offset, head.ack
        for record in records:
            self._topics[record.topic].records[record.offset] = record
        for head in heads:
            kept = self._topics[head.topic].records
            for offset in [offset for offset in kept if not head.first <= offset <= head.offset]:
                del kept[offset]

    def expire(self) -> None:
        """Drop what is too old, and topics of which nothing is left: they begin a new epoch."""
        now = self._clock()
        for topic in self._topics.values():
            for record in [one for one in topic.records.values() if one.expires <= now]:
                del topic.records[record.offset]

    def close(self) -> None:
        """Nothing is lost as long as this value lives."""
        self._is_clean = True

    def abandon(self) -> None:
        """Leave it unclean."""
