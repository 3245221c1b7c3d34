"""Topics and their subscribers, in this process. A broadcast encodes once; every outbox gets the same bytes.

Messages of one connection keep the order in which they were broadcast and pushed: batches of two topics are
never open at the same time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from regrow.gateway._transport._outbox import Batch

if TYPE_CHECKING:
    from regrow.gateway._transport._connection import Connection
    from regrow.gateway._transport._port import ReadinessPort

__all__ = ["PubSub"]


@final
class _Topic:
    __slots__ = ("batch", "blocked", "members")

    def __init__(self) -> None:
        self.members: dict[Connection, None] = {}
        """Subscribed connections, in the order they came."""
        self.batch: Batch | None = None
        """What is broadcast in this tick, while it may still grow."""
        self.blocked: list[Connection] = []
        """Members whose sockets were full when the batch was opened."""


@final
class PubSub:
    """Local publish and subscribe. See: Phoenix.PubSub; the fastlane of Phoenix.Channel.Server."""

    def __init__(self, port: ReadinessPort) -> None:
        self._port = port
        self._topics: dict[str, _Topic] = {}
        self._open: _Topic | None = None

    def subscribe(self, name: str, connection: Connection) -> None:
        """Have a connection written every frame broadcast on a topic from now on. Idempotent."""
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = _Topic()
        topic.batch = None  # what was broadcast before is not for it
        if connection not in topic.members:
            topic.members[connection] = None
            connection.topics = (*connection.topics, name)

    def unsubscribe(self, name: str, connection: Connection) -> None:
        """Undo `subscribe`; a connection that is not subscribed is no error."""
        topic = self._topics.get(name)
        if topic is not None:
            topic.batch = None
            topic.members.pop(connection, None)
            connection.topics = tuple(other for other in connection.topics if other != name)
            if not topic.members:
                del self._topics[name]

    def unsubscribe_all(self, connection: Connection) -> None:
        """Undo every `subscribe` of a connection."""
        for name in connection.topics:
            self.unsubscribe(name, connection)

    def subscribers(self, name: str) -> int:
        """How many connections are subscribed."""
        topic = self._topics.get(name)
        return 0 if topic is None else len(topic.members)

    def broadcast(self, name: str, frame: bytes) -> None:
        """Write ``frame`` to every connection of a topic."""
        topic = self._topics.get(name)
        if topic is None:
            return
        batch = topic.batch
        if batch is None or topic is not self._open:
            batch = self._open_batch(topic)
        batch.frames.append(frame)
        for connection in topic.blocked:
            connection.push(frame)

    def broadcast_from(self, connection: Connection, name: str, frame: bytes) -> None:
        """Like `broadcast`, to all but one connection."""
        topic = self._topics.get(name)
        if topic is None:
            return
        for member in topic.members:
            if member is not connection:
                member.push(frame)

    def _open_batch(self, topic: _Topic) -> Batch:
        if self._open is None:
            self._port.before_flush(self._close_batch)
        else:
            self._open.batch = None
        self._open = topic
        batch = topic.batch = Batch()
        blocked: list[Connection] = []
        topic.blocked = blocked
        dirty = self._port.dirty
        if not dirty:
            self._port.node.wake()
        for connection in topic.members:  # the longest loop there is: nothing is called for most members
            if not connection.flows:
                blocked.append(connection)
            elif connection.outbox is None:
                connection.outbox = batch
                dirty.append(connection)
            else:
                connection.push_batch(batch)
        return batch

    def _close_batch(self) -> None:
        if self._open is not None:
            self._open.batch = None
            self._open = None
