"""Topics and their subscribers, in this process. A broadcast is encoded once for each dialect its subscribers speak.

Messages of one connection keep the order in which they were broadcast and pushed: batches of two topics are
never open at the same time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from regrow.gateway._transport._outbound import Outbound

from ._groups import Identity, ProcessGroup, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from regrow.actors import Pid
    from regrow.gateway._transport._connection import Connection

    from ._cork import Cork
    from ._groups import Group
    from ._keeper import Keeper

__all__ = ["PubSub"]

_NOTHING: Final[frozenset[str]] = frozenset()


@final
class PubSub:
    """Local publish and subscribe. See: Phoenix.PubSub; the fastlane of Phoenix.Channel.Server."""

    def __init__(self, cork: Cork) -> None:
        self._cork = cork
        self.keeper: Keeper | None = None
        """Who keeps some of what is broadcast."""
        self._topics: dict[str, Topic] = {}

    # Connections.

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

    def identify(self, name: str, connection: Connection) -> None:
        """Have a connection closed with 1001 once ``disconnect`` is broadcast on a topic. Idempotent.

        It is written nothing of that topic, unless it also subscribes to it.
        """
        group = self._topic(name).identity()
        if connection not in group.members:
            group.members[connection] = None
            connection.groups = (*connection.groups, group)

    def identified(self, name: str) -> list[Connection]:
        """The connections that ``disconnect`` on a topic would close."""
        return [member for group in self._groups(name) if isinstance(group, Identity) for member in group.members]

    # Processes.

    def subscribe_process(self, name: str, pid: Pid) -> None:
        """Have a process sent every message broadcast on a topic from now on, as it is.

        Twice is twice, as in Phoenix. When the process dies its subscriptions are gone before anyone hears of it; a
        process that is dead already is no error.
        """
        if pid.process is not None:
            self._topic(name).processes().add(pid)

    def unsubscribe_process(self, name: str, pid: Pid) -> None:
        """Undo every `subscribe_process` of a process and a topic; none is no error."""
        for group in self._groups(name):
            if isinstance(group, ProcessGroup):
                group.leave(pid)

    # What is there.

    def subscribers(self, name: str) -> int:
        """How many connections and processes are subscribed."""
        return sum(len(group.members) for group in self._groups(name) if not isinstance(group, Identity))

    def size(self) -> tuple[int, int]:
        """How many topics have a subscriber, and how many subscriptions there are."""
        groups = (group for topic in self._topics.values() for group in topic.groups)
        return len(self._topics), sum(len(group.members) for group in groups)

    # Messages.

    def broadcast(self, name: str, message: Any, push: Callable[[Outbound, bytes], None] = Outbound.push) -> None:
        """Write a message to every connection of a topic, and send it to every process.

        ``push`` is how it is written to those whose sockets are full.

        Raises:
            HistoryBehindError: it must be stored before, and cannot be.
        """
        if self.keeper is not None and message.position is None:
            message = self.keeper.keep(name, message)
            if message is None:
                return
        topic = self._topics.get(name)
        if topic is None:
            return
        cork = self._cork
        if cork.topic is not topic:
            cork.pull(topic)
        for group in topic.groups:
            if group.intercepts and message.event in group.intercepts:
                group.intercepted(message, None)
                continue
            frame = group.dialect.broadcast(message)
            batch = group.batch
            if batch is None:
                batch = cork.open_batch(group)
            batch.frames.append(frame)
            reached, metrics = len(group.members), cork.metrics
            metrics.deliveries += reached
            metrics.batched += reached - len(group.blocked)
            for connection in group.blocked:
                push(connection, frame)

    def broadcast_from(
        self, connection: Connection, name: str, message: Any, push: Callable[[Outbound, bytes], None] = Outbound.push
    ) -> None:
        """Like `broadcast`, to all but one connection."""
        if self.keeper is not None and message.position is None:
            message = self.keeper.keep(name, message, connection)
            if message is None:
                return
        for group in self._groups(name):
            if group.intercepts and message.event in group.intercepts:
                group.intercepted(message, connection)
                continue
            frame = group.dialect.broadcast(message)
            self._cork.metrics.deliveries += len(group.members) - (connection in group.members)
            for member in group.members:
                if member is not connection:
                    push(member, frame)

    def _topic(self, name: str) -> Topic:
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = Topic(self, name)
        return topic

    def _groups(self, name: str) -> Iterator[Group]:
        topic = self._topics.get(name)
        return iter(()) if topic is None else iter(topic.groups)

    def forget_if_empty(self, topic: Topic) -> None:
        """The last member of one of a topic's groups has left."""
        if not topic.groups:
            del self._topics[topic.name]
