"""What is known of one topic a client has joined, kept in its session so that it survives the socket's process."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, final

import msgspec

from ._messages import Broadcast, Message
from ._outcomes import Error
from ._replies import push_reply

if TYPE_CHECKING:
    from regrow.actors import ExitReason, Pid, Ref
    from regrow.gateway._transport._connection import Connection

    from ._backpressure import Milestone

__all__ = ["Joined", "Mail"]


@final
class Joined:
    """One topic a client has joined, or is joining."""

    __slots__ = ("earlier", "join", "lead", "milestone", "pid", "reason", "topic", "waiting")

    def __init__(self, join: Message, lead: int) -> None:
        self.lead = lead
        """Messages that may be handed on before `look` is to be called."""
        self.milestone: Milestone | None = None
        """What its channel has to reach before the client is read again."""
        self.topic = join.topic
        self.join = join
        self.pid: Pid | None = None
        """The channel process, once its supervisor has started it."""
        self.waiting: list[Message | Milestone] | Mail | None = []
        """Messages the process is not sent: those that came before there was one, which are kept in a list; or all,
        if the server rejoins."""
        self.reason: ExitReason | None = None
        """What the process ended of, unless the server rejoins; None while it lives."""
        self.earlier: Pid | None = None
        """The process of an earlier join of the topic, which must be gone before this one starts."""

    def process_exited(self, _pid: Pid, reason: ExitReason) -> None:
        """The process is dead, maybe before the socket watched it. A `regrow.actors.PortOwner`."""
        self.reason = reason

    @property
    def mail(self) -> Mail | None:
        """The mail of a channel that the server rejoins."""
        return self.waiting if isinstance(self.waiting, Mail) else None


@final
class Mail:
    """What comes for a channel that the server rejoins, kept until the channel has dealt with it.

    The process finds this value in its mailbox once for each message and takes the message from here. So whatever it
    dies of, nothing is lost but the message it was handling. A `regrow.actors.PortOwner`.
    """

    __slots__ = ("_connection", "_joined", "_pid", "_queue", "current", "has_joined", "reason", "supervisor", "watch")

    def __init__(self, connection: Connection, joined: Joined) -> None:
        self._connection = connection
        self._joined = joined
        self._pid: Pid | None = None
        self._queue: deque[Message | Broadcast | Milestone] = deque()
        self.current: Message | Broadcast | Milestone | None = None
        """What is being handled."""
        self.has_joined = False
        """Whether `Channel.join` has let the client in once."""
        self.reason: ExitReason | None = None
        """What the channel ended of for good: quietly, or while it joined. None while it lives or is to come back."""
        self.supervisor: Pid | None = None
        """Who restarts it."""
        self.watch: Ref | None = None
        """The socket's monitor of the supervisor, while it is to restart the channel."""

    def __len__(self) -> int:
        return len(self._queue)

    def append(self, message: Message | Broadcast | Milestone) -> None:
        """Put a message behind the others."""
        self._queue.append(message)
        if self._pid is not None:
            self._notify(self._pid)

    def attach(self, pid: Pid) -> None:
        """A process serves the channel from now on: first it joins, without a reply if that is not the first time."""
        if not (self._queue and _is_join(self._queue[0])):  # it is, if the last one died before it took that
            join = self._joined.join
            self._queue.appendleft(msgspec.structs.replace(join, ref=None) if self.has_joined else join)
        self._pid = pid
        for _ in self._queue:
            self._notify(pid)

    def _notify(self, pid: Pid) -> None:
        process = pid.process
        if process is not None:
            process.post(self)

    def take(self) -> Message | Broadcast | Milestone:
        """The next message."""
        self.current = self._queue.popleft()
        return self.current

    def done(self) -> None:
        """The message that was taken is dealt with."""
        if _is_join(self.current):
            self.has_joined = True
        self.current = None

    def process_exited(self, _pid: Pid, reason: ExitReason) -> None:
        """The process is dead: say so to whoever waits for the message it died of."""
        self._pid = None
        current, self.current = self.current, None
        if not reason.is_abnormal or _is_join(current):
            self.reason = reason
        else:
            self._refuse(current)

    def give_up(self) -> None:
        """No process will take what is left."""
        while self._queue:
            self._refuse(self._queue.popleft())

    def _refuse(self, message: Message | Broadcast | Milestone | None) -> None:
        if isinstance(message, Message) and message.ref is not None:
            join_ref = self._joined.join.join_ref
            push_reply(self._connection, join_ref, message.ref, message.topic, Error({"reason": "channel crashed"}))


def _is_join(message: Message | Broadcast | Milestone | None) -> bool:
    return isinstance(message, Message) and message.event == "phx_join"
