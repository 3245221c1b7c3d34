"""Topics and their subscribers, in this process. A broadcast is encoded once for each dialect its subscribers speak.

Messages of one connection keep the order in which they were broadcast and pushed: batches of two topics are
never open at the same time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast, final

from regrow.gateway._transport._outbox import Batch

from ._subscriptions import EVERYTHING, Subscription

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Set

    from regrow.actors import Pid
    from regrow.gateway._transport._connection import Connection
    from regrow.gateway._transport._transport import Transport

    from ._dialect import Dialect

__all__ = ["Cork", "Group", "PubSub"]

_NOTHING: Final[frozenset[str]] = frozenset()


class Group:
    """Subscribers of one topic that are written the same bytes."""

    __slots__ = ("_topic", "batch", "blocked", "dialect", "intercepts", "members")

    def __init__(self, topic: _Topic, dialect: Dialect, intercepts: Set[str]) -> None:
        self._topic = topic
        self.dialect = dialect
        self.intercepts = intercepts
        """Events that are given to who is asked about them instead."""
        self.members: dict[Any, Callable[[Any], None] | None] = {}
        """Subscribed connections in the order they came, each with what is called with what `intercepts` names."""
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
            self._topic.drop(self)


@final
class ProcessGroup(Group):
    """Processes subscribed to one topic: they intercept everything, so nothing is ever encoded for them."""

    __slots__ = ()

    def __init__(self, topic: _Topic) -> None:
        super().__init__(topic, cast("Dialect", None), EVERYTHING)
        self.members: dict[Pid, Subscription] = {}  # type: ignore[assignment]  # members of another kind

    def add(self, pid: Pid) -> None:
        """Subscribe a living process, once more if it is already."""
        subscription = self.members.get(pid)
        if subscription is None:
            subscription = self.members[pid] = Subscription(pid, self.leave)
        subscription.times += 1

    def leave(self, pid: Pid) -> None:
        """Undo every subscription of a process; none is no error."""
        subscription = self.members.pop(pid, None)
        if subscription is None:
            return
        subscription.end()
        if not self.members:
            self._topic.drop(self)


@final
class _Topic:
    __slots__ = ("groups", "name", "pubsub")

    def __init__(self, pubsub: PubSub, name: str) -> None:
        self.pubsub = pubsub
        self.name = name
        self.groups: list[Group] = []
        """Few: one for each dialect that is spoken, times what is intercepted, and one of processes."""

    def group(self, dialect: Dialect, intercepts: frozenset[str]) -> Group:
        for group in self.groups:
            if group.dialect is dialect and group.intercepts == intercepts:
                return group
        group = Group(self, dialect, intercepts)
        self.groups.append(group)
        return group

    def processes(self) -> ProcessGroup | None:
        return next((group for group in self.groups if isinstance(group, ProcessGroup)), None)

    def drop(self, group: Group) -> None:
        """The last member of a group has left."""
        # Not in place: a process that dies of a broadcast leaves in the middle of it.
        self.groups = [one for one in self.groups if one is not group]
        self.pubsub.forget_if_empty(self)

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
        self,
        name: str,
        connection: Connection,
        intercepts: frozenset[str] = _NOTHING,
        ask: Callable[[Any], None] | None = None,
    ) -> None:
        """Have a connection written every message broadcast on a topic from now on. Idempotent.

        ``ask`` is called with a message whose ``event`` is in ``intercepts`` as it is, and it is not written. It must
        neither block nor raise.
        """
        if self.is_subscribed(name, connection):
            return
        group = self._topic(name).group(connection.dialect, intercepts)
        group.batch = None  # what was broadcast before is not for it
        group.members[connection] = ask
        connection.groups = (*connection.groups, group)

    def unsubscribe(self, name: str, connection: Connection) -> None:
        """Undo `subscribe`; a connection that is not subscribed is no error."""
        for group in connection.groups:
            if group.is_of(self, name):
                group.remove(connection)

    def is_subscribed(self, name: str, connection: Connection) -> bool:
        """Whether a connection is written what is broadcast on a topic."""
        return any(group.is_of(self, name) for group in connection.groups)

    def subscribe_process(self, name: str, pid: Pid) -> None:
        """Have a process sent every message broadcast on a topic from now on, as it is.

        Twice is twice, as in Phoenix. When the process dies its subscriptions are gone before anyone hears of it; a
        process that is dead already is no error.
        """
        if pid.process is not None:
            topic = self._topic(name)
            group = topic.processes()
            if group is None:
                group = ProcessGroup(topic)
                topic.groups.append(group)
            group.add(pid)

    def unsubscribe_process(self, name: str, pid: Pid) -> None:
        """Undo every `subscribe_process` of a process and a topic; none is no error."""
        topic = self._topics.get(name)
        group = None if topic is None else topic.processes()
        if group is not None:
            group.leave(pid)

    def subscribers(self, name: str) -> int:
        """How many connections and processes are subscribed."""
        return sum(len(group.members) for group in self._groups(name))

    def broadcast(self, name: str, message: Any) -> None:
        """Write a message to every connection of a topic, and send it to every process."""
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

    def _topic(self, name: str) -> _Topic:
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = _Topic(self, name)
        return topic

    def _groups(self, name: str) -> Iterator[Group]:
        topic = self._topics.get(name)
        return iter(()) if topic is None else iter(topic.groups)

    def forget_if_empty(self, topic: _Topic) -> None:
        """The last member of one of a topic's groups has left."""
        if not topic.groups:
            del self._topics[topic.name]


def _ask(group: Group, message: Any, sender: Connection | None) -> None:
    """Give a message that is not written to who is asked about it."""
    for member, ask in list(group.members.items()):  # one of them may die of it, and so leave
        if ask is not None and member is not sender:
            ask(message)
