"""Archive: the histories of one gateway. What is broadcast is numbered and kept inside the tick, and stored off it.

The order of things, which is what the guarantees rest on:

* `Ack.SENT`: a message gets its offset, goes into the topic's ring, is broadcast, and is stored a little later.
  What was sent to somebody may be lost by ``kill -9``; its topic then begins a new epoch (see `SqliteStore`), so
  that no offset is met twice.
* `Ack.DURABLE`: a message gets its offset and is stored; then it goes into the ring, is broadcast, and its
  sender has its reply. If it cannot be stored nobody was sent it, and its offset is given to another.

Because a ring holds what was broadcast and nothing else, and because a client is subscribed in the same step in
which it is told what it missed, it gets each message once and in order.

A store that fails does not stop the topics. Those of `Ack.SENT` go on from memory, and what was not stored is tried
again; if the queue is full by then, messages are kept in memory only: in the store they count as too old. Messages
of `Ack.DURABLE` that wait for the store are refused; those that come later wait for the next try.
"""

from __future__ import annotations

import logging
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, final

import trio

from regrow.gateway._channels._messages import Broadcast
from regrow.gateway._errors import HistoryBehindError

from ._log import Log
from ._payload import frozen_payload, stored_payload, thawed_payload
from ._position import Position
from ._queue import Pending, WriteQueue
from ._store import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from regrow.gateway._pubsub._pubsub import PubSub
    from regrow.gateway._settings._settings import Settings
    from regrow.gateway._transport._connection import Connection

    from ._history import History
    from ._position import RecoverRequest
    from ._receipt import Receipt
    from ._ring import Missed
    from ._store import Head, HistoryStore, TopicState

__all__ = ["Archive", "Work"]

logger = logging.getLogger("regrow.gateway")

BEHIND: Final = "history is behind"
FAILED: Final = "history failed"
UNAVAILABLE: Final = "history is unavailable"

_IDLE: Final = 60.0
"""Seconds after which a topic without members leaves memory."""

_DECLARATIONS: Final = 4096
"""Topics whose channel class is remembered."""


@final
class _Loading:
    """A topic that is being read from the store, and what waits for it."""

    __slots__ = ("failed", "history", "queued", "ready")

    def __init__(self, history: History) -> None:
        self.history = history
        self.ready: list[Callable[[], None]] = []
        self.failed: list[Callable[[str], None]] = []
        self.queued: list[tuple[Broadcast, Connection | None, Receipt | None, int]] = []
        """Messages and the bytes of their payloads."""


@final
class Work:
    """What the writer does in one go, in a worker thread."""

    __slots__ = ("heads", "loads", "pending", "records")

    def __init__(
        self,
        loads: list[tuple[str, History]],
        pending: list[Pending],
        records: Sequence[Record],
        heads: Sequence[Head],
    ) -> None:
        self.loads = loads
        self.pending = pending
        self.records = records
        self.heads = heads

    def carry_out(self, store: HistoryStore) -> list[tuple[str, TopicState]]:
        """Store, then load. Blocks. Raises whatever the store raises."""
        if self.heads:
            store.append(self.records, self.heads)
        return [(topic, store.load(topic, history)) for topic, history in self.loads]


@final
class Archive:
    """Every topic with a history of one gateway.

    ``declared`` tells the history that a topic's channel class declares. ``clock`` tells Unix time in seconds;
    within memory trio's clock decides what is too old.
    """

    def __init__(
        self,
        store: HistoryStore,
        settings: Settings,
        pubsub: PubSub,
        declared: Callable[[str], History | None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store = store
        self.settings = settings
        self.now: Callable[[], float] = trio.current_time
        self.unstorable = 0
        """Messages of `Ack.SENT` that were broadcast and kept in memory, and could not be stored."""
        self._pubsub = pubsub
        self._declared = lru_cache(_DECLARATIONS)(declared)
        self._clock = clock
        self._logs: dict[str, Log] = {}
        self._loading: dict[str, _Loading] = {}
        self._queue = WriteQueue(settings.history_queue)
        self._queued_behind_loads = 0
        self._unstored: dict[str, Log] = {}
        self._work = trio.Event()
        self._urgent = trio.Event()

    # What channels and pubsub ask, in the tick.

    def keep(
        self, topic: str, message: Broadcast, sender: Connection | None = None, receipt: Receipt | None = None
    ) -> Broadcast | None:
        """What is to be broadcast at once in place of a message: None if it is not its time yet.

        A message of a topic that is not in memory waits until the topic is loaded, whether or not anybody has
        joined it.

        Raises:
            HistoryBehindError: it would have to be stored before it is broadcast, and cannot be.
            TypeError: its payload has no form in JSON.
        """
        log = self._logs.get(topic)
        if log is None:
            history = self._declared(topic)
            if history is None or message.event not in history.events:
                return message
            self._keep_once_loaded(topic, history, message, sender, receipt)
            return None
        if message.event not in log.events:
            return message
        return self._keep(log, message, sender, receipt)

    def keep_for(self, receipt: Receipt, topic: str, message: Broadcast, sender: Connection | None) -> None:
        """Store a message and broadcast it then; ``receipt`` tells whether it was.

        Raises:
            TypeError: its payload has no form in JSON.
        """
        try:
            at_once = self.keep(topic, message, sender, receipt)
        except HistoryBehindError:
            receipt.expect()
            receipt.refused(BEHIND)
        else:
            if at_once is not None:  # another channel class has loaded the topic, and its history is not durable
                self._publish(topic, at_once, sender)

    def _keep(
        self, log: Log, message: Broadcast, sender: Connection | None, receipt: Receipt | None
    ) -> Broadcast | None:
        payload = frozen_payload(message.payload)
        size = len(memoryview(payload))
        has_room = self._queue.has_room(size)
        if log.is_durable and not has_room:
            raise HistoryBehindError(f"{BEHIND}: {self._queue.size} bytes wait to be stored")
        log.assigned += 1
        position = Position(log.ring.epoch, log.assigned)
        positioned = Broadcast(message.topic, message.event, message.payload, position)
        kept = positioned if payload is message.payload else Broadcast(message.topic, message.event, payload, position)
        now = log.touched = self.now()
        log.unstored = True
        self._unstored[log.topic] = log
        if has_room:
            self._queue.put(Pending(log, positioned, kept, size, self._clock(), sender, receipt))
            self._work.set()
        else:
            self.unstorable += 1
        if log.is_durable:
            if receipt is not None:
                receipt.expect()
            self._urgent.set()
            return None
        log.ring.append(kept, now, size)
        return positioned

    def _keep_once_loaded(
        self, topic: str, history: History, message: Broadcast, sender: Connection | None, receipt: Receipt | None
    ) -> None:
        size = len(memoryview(frozen_payload(message.payload)))
        if not self._queue.has_room(self._queued_behind_loads + size):
            raise HistoryBehindError(f"{BEHIND}: {topic!r} is not loaded yet")
        self._queued_behind_loads += size
        if receipt is not None:
            receipt.expect()
        self._load(topic, history).queued.append((message, sender, receipt, size))

    def is_loaded(self, topic: str) -> bool:
        """Whether a topic is in memory, so that it may be joined at once."""
        return topic in self._logs

    def load(self, topic: str, history: History, ready: Callable[[], None], failed: Callable[[str], None]) -> None:
        """Call ``ready`` once a topic is in memory, or ``failed`` with the reason why it cannot be."""
        loading = self._load(topic, history)
        loading.ready.append(ready)
        loading.failed.append(failed)

    def _load(self, topic: str, history: History) -> _Loading:
        loading = self._loading.get(topic)
        if loading is None:
            loading = self._loading[topic] = _Loading(history)
            self._urgent.set()
            self._work.set()
        return loading

    def missed(self, topic: str, asked: RecoverRequest | None) -> Missed | None:
        """What a client is told that joins now. None if the topic is not in memory any more."""
        log = self._logs.get(topic)
        if log is None:
            return None
        log.touched = self.now()
        return log.ring.missed(asked, log.touched)

    # What the writer asks.

    @property
    def has_work(self) -> bool:
        """Whether there is something to store or to load."""
        return bool(self._unstored or self._loading)

    async def work_to_do(self) -> None:
        """Return once there is something to store or to load.

        Messages nobody waits for gather for `Settings.history_flush_interval`.
        """
        if not self.has_work:
            await self._work.wait()
        with trio.move_on_after(self.settings.history_flush_interval):
            await self._urgent.wait()

    def take(self) -> Work:
        """What is to be stored and loaded now. It stays here until `done` or `failed`."""
        self._work, self._urgent = trio.Event(), trio.Event()
        pending = self._queue.peek()
        heads = [log.head() for log in self._unstored.values()]
        return Work(
            [(topic, loading.history) for topic, loading in self._loading.items()],
            pending,
            [_record(one) for one in pending],
            heads,
        )

    def done(self, work: Work, states: list[tuple[str, TopicState]]) -> None:
        """Everything is stored, and topics are loaded."""
        self._queue.remove(len(work.pending))
        for head in work.heads:
            log = self._unstored.get(head.topic)
            if log is not None and log.assigned == head.offset:
                log.unstored = False
                del self._unstored[head.topic]
        for pending in work.pending:
            if pending.log.is_durable:
                pending.log.ring.append(pending.kept, self.now(), pending.size)
                self._publish(pending.log.topic, pending.message, pending.sender)
                if pending.receipt is not None:
                    pending.receipt.stored()
        for topic, state in states:
            self._loaded(topic, state)

    def _publish(self, topic: str, message: Broadcast, sender: Connection | None) -> None:
        try:
            if sender is None:
                self._pubsub.broadcast(topic, message)
            else:
                self._pubsub.broadcast_from(sender, topic, message)
        except Exception:
            # It is stored and has its offset: who asks for it later gets it, and the others must not suffer.
            logger.exception("a message of %r could not be broadcast", topic)

    def _loaded(self, topic: str, state: TopicState) -> None:
        loading = self._loading.pop(topic)
        if not self._has_room():
            self._give_up(loading, "too many topics have a history")
            return
        now = self.now()
        log = self._logs[topic] = Log(topic, loading.history, state.epoch, state.head - len(state.records), now)
        log.assigned = state.head
        for record in state.records:
            position = Position(state.epoch, record.offset)
            payload = thawed_payload(record.payload, record.is_binary)
            age = max(0.0, self._clock() - record.at)
            log.ring.append(Broadcast(topic, record.event, payload, position), now - age, len(record.payload))
        for message, sender, receipt, size in loading.queued:
            self._queued_behind_loads -= size
            self._keep_queued(log, message, sender, receipt)
        for ready in loading.ready:
            ready()

    def _keep_queued(self, log: Log, message: Broadcast, sender: Connection | None, receipt: Receipt | None) -> None:
        try:
            positioned = self._keep(log, message, sender, receipt)
        except HistoryBehindError:
            if receipt is not None:
                receipt.refused(BEHIND)
            return
        if positioned is not None:
            self._publish(log.topic, positioned, sender)
        if receipt is not None:
            receipt.stored()  # what it expected was the load; `_keep` expects the rest

    def failed(self) -> None:
        """The store failed. Who waits for it is told; what nobody waits for is tried again."""
        waiting = self._queue.peek()
        self._queue.keep_only([one for one in waiting if not one.log.is_durable])
        for one in waiting:
            if one.log.is_durable:
                one.log.assigned = one.log.ring.head
        for log in self._logs.values():
            # The store begins new epochs when it is opened again: topics in memory need none, and tell it so.
            log.unstored = True
            self._unstored[log.topic] = log
        if self._unstored:
            self._work.set()
        loading, self._loading = list(self._loading.values()), {}
        for one in waiting:
            if one.log.is_durable and one.receipt is not None:
                one.receipt.refused(FAILED)
        for load in loading:
            self._give_up(load, UNAVAILABLE)

    def stopping(self) -> None:
        """Nobody waits to join any more."""
        for loading in self._loading.values():
            loading.ready.clear()
            loading.failed.clear()

    def _give_up(self, loading: _Loading, why: str) -> None:
        for message, _sender, receipt, size in loading.queued:
            self._queued_behind_loads -= size
            if receipt is not None:
                receipt.refused(why)
            else:
                logger.error("a message of %r was dropped: %s", message.topic, why)
        for failed in loading.failed:
            failed(why)

    # Memory.

    def sweep(self) -> None:
        """Drop what is too old, and topics nobody has used for a minute."""
        now = self.now()
        for log in list(self._logs.values()):
            log.ring.expire(now)
            if log.touched <= now - _IDLE:
                self._unload(log)

    def _has_room(self) -> bool:
        """Whether there is room for one more topic; the least recently used that can be spared makes it."""
        if len(self._logs) < self.settings.history_topics:
            return True
        return any(self._unload(log) for log in sorted(self._logs.values(), key=_touched))

    def _unload(self, log: Log) -> bool:
        if log.unstored or self._pubsub.subscribers(log.topic):
            return False
        del self._logs[log.topic]
        return True

    def report(self) -> dict[str, Any]:
        """Gauges: topics in memory, messages and bytes that wait to be stored, messages that never will be."""
        return {
            "topics": len(self._logs),
            "waiting": len(self._queue),
            "waiting_bytes": self._queue.size,
            "unstorable": self.unstorable,
        }


def _record(pending: Pending) -> Record:
    message = pending.kept
    assert message.position is not None
    payload, is_binary = stored_payload(message.payload)
    expires = pending.at + pending.log.history.age
    return Record(pending.log.topic, message.position.offset, message.event, payload, is_binary, pending.at, expires)


def _touched(log: Log) -> float:
    return log.touched
