"""Topics and their subscribers, in this process. A broadcast is encoded once for each dialect its subscribers speak.

Messages of one connection keep the order in which they were broadcast and pushed: batches of two topics are
never open at the same time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from regrow.actors import send
from regrow.gateway._transport._outbox import Batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regrow.actors import Pid
    from regrow.gateway._transport._connection import Connection
    from regrow.gateway._transport._transport import Transport

    from ._dialect import Dialect

__all__ = ["Cork", "Group", "PubSub"]

_NOTHING: Final[frozenset[str]] = frozenset()


@final
class Group:
    """Subscribers of one topic that are written the same bytes."""

    __slots__ = ("_topic", "batch", "blocked", "dialect", "intercepts", "members")

    def __init__(self, topic: _Topic, dialect: Dialect, intercepts: frozenset[str]) -> None:
        self._topic = topic
        self.dialect = dialect
        self.intercepts = intercepts
        """Events that go to the members' processes instead."""
        self.members: dict[Connection, Pid | None] = {}
        """Subscribed connections in the order they came, each with the process that is asked about `intercepts`."""
        self.batch: Batch | None = None
        """What is broadcast in this tick, while it may still grow."""
        self.blocked: list[Connection] = []
        """Members whose sockets were full when the batch was opened."""

    def is_of(self, pubsub: PubSub, name: str) -> bool:
        """Whether it is a group of this topic."""
        return self._topic.name == name and self._topic.pubsub is pubsub

    def remove(self, connection: Connection) -> None:
        """Undo the subscription of a member."""
        self.batch = None
        del self.members[connection]
        connection.groups = tuple(group for group in connection.groups if group is not self)
        if not self.members:
            self._topic.groups.remove(self)
            self._topic.pubsub.forget_if_empty(self._topic)


@final
class _Topic:
    __slots__ = ("groups", "name", "pubsub")

    def __init__(self, pubsub: PubSub, name: str) -> None:
        self.pubsub = pubsub
        self.name = name
        self.groups: list[Group] = []
        """Few: one for each dialect that is spoken, times what is intercepted."""

    def group(self, dialect: Dialect, intercepts: frozenset[str]) -> Group:
        for group in self.groups:
            if group.dialect is dialect and group.intercepts == intercepts:
                return group
        group = Group(self, dialect, intercepts)
        self.groups.append(group)
        return group

    def close_batches(self) -> None:
        for group in self.groups:
            group.batch = None


@final
class Cork:
    """Which topic's batches may grow. All topics of a transport share one: that is what keeps their order."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.topic: _Topic | None = None

    def pull(self, topic: _Topic) -> None:
        """Let the batches of a topic grow from now on, and those of no other."""
        if self.topic is None:
            self._transport.before_flush(self._close)
        else:
            self.topic.close_batches()
        self.topic = topic

    def open_batch(self, group: Group) -> Batch:
        """Put one batch into the outbox of every member of a group."""
        batch = group.batch = Batch()
        blocked: list[Connection] = []
        group.blocked = blocked
        dirty = self._transport.dirty
        if not dirty:
            self._transport.node.wake()
        for connection in group.members:  # the longest loop there is: nothing is called for most members
            if not connection.flows:
                blocked.append(connection)
            elif connection.outbox is None:
                connection.outbox = batch
                dirty.append(connection)
            else:
                connection.push_batch(batch)
        return batch

    def _close(self) -> None:
        if self.topic is not None:
            self.topic.close_batches()
            self.topic = None


@final
class PubSub:
    """Local publish and subscribe. See: Phoenix.PubSub; the fastlane of Phoenix.Channel.Server."""

    def __init__(self, cork: Cork) -> None:
        self._cork = cork
        self._topics: dict[str, _Topic] = {}

    def subscribe(
        self, name: str, connection: Connection, intercepts: frozenset[str] = _NOTHING, pid: Pid | None = None
    ) -> None:
        """Have a connection written every message broadcast on a topic from now on. Idempotent.

        A message whose ``event`` is in ``intercepts`` is sent to the process ``pid`` as it is, and not written.
        """
        if self.is_subscribed(name, connection):
            return
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = _Topic(self, name)
        group = topic.group(connection.dialect, intercepts)
        group.batch = None  # what was broadcast before is not for it
        group.members[connection] = pid
        connection.groups = (*connection.groups, group)

    def unsubscribe(self, name: str, connection: Connection) -> None:
        """Undo `subscribe`; a connection that is not subscribed is no error."""
        for group in connection.groups:
            if group.is_of(self, name):
                group.remove(connection)

    def is_subscribed(self, name: str, connection: Connection) -> bool:
        """Whether a connection is written what is broadcast on a topic."""
        return any(group.is_of(self, name) for group in connection.groups)

    def subscribers(self, name: str) -> int:
        """How many connections are subscribed."""
        return sum(len(group.members) for group in self._groups(name))

    def broadcast(self, name: str, message: Any) -> None:
        """Write a message to every connection of a topic."""
        topic = self._topics.get(name)
        if topic is None:
            return
        cork = self._cork
        if cork.topic is not topic:
            cork.pull(topic)
        for group in topic.groups:
            if group.intercepts and message.event in group.intercepts:
                _ask(group, message, None)
                continue
            frame = group.dialect.broadcast(message)
            batch = group.batch
            if batch is None:
                batch = cork.open_batch(group)
            batch.frames.append(frame)
            for connection in group.blocked:
                connection.push(frame)

    def broadcast_from(self, connection: Connection, name: str, message: Any) -> None:
        """Like `broadcast`, to all but one connection."""
        for group in self._groups(name):
            if group.intercepts and message.event in group.intercepts:
                _ask(group, message, connection)
                continue
            frame = group.dialect.broadcast(message)
            for member in group.members:
                if member is not connection:
                    member.push(frame)

    def _groups(self, name: str) -> Iterator[Group]:
        topic = self._topics.get(name)
        return iter(()) if topic is None else iter(topic.groups)

    def forget_if_empty(self, topic: _Topic) -> None:
        """The last member of one of a topic's groups has left."""
        if not topic.groups:
            del self._topics[topic.name]


def _ask(group: Group, message: Any, sender: Connection | None) -> None:
    """Give a message that is intercepted to the members' processes."""
    for connection, pid in group.members.items():
        if pid is not None and connection is not sender:
            send(pid, message)
