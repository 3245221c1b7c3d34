"""Groups: the subscribers of one topic that are treated alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, final

from regrow.gateway._wire._framing import PLAIN

from ._subscriptions import EVERYTHING, Subscription

if TYPE_CHECKING:
    from collections.abc import Callable, Set

    from regrow.actors import Pid
    from regrow.gateway._transport._connection import Connection
    from regrow.gateway._transport._outbox import Batch

    from ._dialect import Dialect
    from ._pubsub import PubSub

__all__ = ["DISCONNECT", "Group", "Identity", "ProcessGroup", "Topic"]

DISCONNECT: Final = "disconnect"
"""The event that ends the connections of an identity."""

_GOING_AWAY = 1001

G = TypeVar("G", bound="Group")


class Group:
    """Subscribers of one topic that are written the same bytes."""

    __slots__ = ("_topic", "batch", "blocked", "dialect", "intercepts", "members")

    def __init__(self, topic: Topic, dialect: Dialect, intercepts: Set[str]) -> None:
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
        """Whether its members are subscribed to this topic."""
        return self._topic.name == name and self._topic.pubsub is pubsub

    def intercepted(self, message: Any, sender: Connection | None) -> None:
        """Give a message that is not written to who is asked about it."""
        for member, ask in list(self.members.items()):  # one of them may die of it, and so leave
            if ask is not None and member is not sender:
                ask(message)

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

    def __init__(self, topic: Topic) -> None:
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
class Identity(Group):
    """Connections that are one and the same to the application, and end together. They are written nothing.

    They are closed here rather than by their processes, so that one whose process is being restarted is, too.
    """

    __slots__ = ()

    def __init__(self, topic: Topic) -> None:
        super().__init__(topic, PLAIN, EVERYTHING)

    def is_of(self, pubsub: PubSub, name: str) -> bool:  # noqa: ARG002 - a member is no subscriber
        """Nobody is subscribed by it."""
        return False

    def intercepted(self, message: Any, sender: Connection | None) -> None:
        """Close the members if they are to be disconnected."""
        if message.event == DISCONNECT:
            for connection in list(self.members):
                if connection is not sender:
                    connection.close(_GOING_AWAY, "disconnected by the server")


@final
class Topic:
    """One topic and its groups. It is forgotten with the last of them."""

    __slots__ = ("groups", "name", "pubsub")

    def __init__(self, pubsub: PubSub, name: str) -> None:
        self.pubsub = pubsub
        self.name = name
        self.groups: list[Group] = []
        """Few: one for each dialect that is spoken, times what is intercepted; one of processes; one identity."""

    def group(self, dialect: Dialect, intercepts: frozenset[str]) -> Group:
        """The group of connections that speak a dialect and intercept the same."""
        for group in self.groups:
            if group.dialect is dialect and group.intercepts == intercepts:
                return group
        return self._add(Group(self, dialect, intercepts))

    def processes(self) -> ProcessGroup:
        """The group of processes."""
        found = next((group for group in self.groups if isinstance(group, ProcessGroup)), None)
        return found or self._add(ProcessGroup(self))

    def identity(self) -> Identity:
        """The group of connections whose identity the topic is."""
        found = next((group for group in self.groups if isinstance(group, Identity)), None)
        return found or self._add(Identity(self))

    def _add(self, group: G) -> G:
        self.groups.append(group)
        return group

    def drop(self, group: Group) -> None:
        """The last member of a group has left."""
        # Not in place: a process that dies of a broadcast leaves in the middle of it.
        self.groups = [one for one in self.groups if one is not group]
        self.pubsub.forget_if_empty(self)

    def close_batches(self) -> None:
        """Let nothing more follow what was broadcast in it."""
        for group in self.groups:
            group.batch = None
