"""The rooms of one gateway, by topic, and what outlives the process of each: its members and what they said."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, final

from regrow.actors import Failure, current_node, exit_signal
from regrow.gateway._channels._outcomes import Error
from regrow.supervisors import ChildSpec, Restart, RestartLimit, start_child_soon

from ._member import Member
from ._starting import start_room

if TYPE_CHECKING:
    from regrow.actors import ExitReason, Pid
    from regrow.gateway._channels._process import ChannelProcess
    from regrow.gateway._channels._replies import ReplyRef
    from regrow.gateway._transport._transport import Transport

    from ._room import Room

__all__ = ["ROOM_CRASHED", "ROOM_LOST", "ROOM_SUPERVISOR", "RoomEntry", "RoomMessage", "Rooms"]

ROOM_SUPERVISOR: Final = "regrow.rooms"
"""The name of the supervisor of all rooms."""

ROOM_LOST: Final = Failure("its room could not be started, or crashed too often")
"""What the channels of a room end of that is given up."""

ROOM_CRASHED: Final = {"reason": "room crashed"}
"""The response of the error reply to a message that a room did not get to answer."""


@final
@dataclass(frozen=True, slots=True)
class RoomMessage:
    """What a member handed on."""

    event: str
    payload: Any
    ref: ReplyRef | None


@final
class RoomEntry:
    """One room. Its process finds this value in its mailbox once for each item and takes the item from here.

    A `regrow.actors.PortOwner`.
    """

    __slots__ = ("_queue", "_rooms", "current", "has_started", "kind", "members", "pid", "port", "supervisor", "topic")

    def __init__(self, rooms: Rooms, kind: type[Room], topic: str, port: Transport, supervisor: Pid) -> None:
        self._rooms = rooms
        self._queue: deque[Member | tuple[Member, RoomMessage]] = deque()
        self.kind = kind
        self.topic = topic
        self.port = port
        self.supervisor = supervisor
        self.pid: Pid | None = None
        """Its process, while there is one."""
        self.has_started = False
        self.members: dict[Pid, Member] = {}
        """Those that have joined and whose end no process of the room has seen, in the order they came."""
        self.current: Member | tuple[Member, RoomMessage] | None = None
        """What is being handled."""

    def enter(self, member: Member) -> None:
        """A client has joined the topic."""
        self.members[member.pid] = member
        if self.pid is not None:
            self.add(member)

    def add(self, item: Member | tuple[Member, RoomMessage]) -> None:
        """Put an item behind the others."""
        self._queue.append(item)
        self._notify()

    def attach(self, pid: Pid) -> None:
        """A process serves the room from now on: first it meets those who are there."""
        self.pid = pid
        self.has_started = True
        self._queue.extendleft(reversed(self.members.values()))
        for _ in self._queue:
            self._notify()

    def _notify(self) -> None:
        if self.pid is not None and self.pid.process is not None:
            self.pid.process.post(self)

    def take(self) -> Member | tuple[Member, RoomMessage]:
        """The next item."""
        self.current = self._queue.popleft()
        return self.current

    def done(self) -> None:
        """The item that was taken is dealt with."""
        self.current = None

    def process_exited(self, _pid: Pid, reason: ExitReason) -> None:
        """The process is dead: say so to whoever waits for an answer. Those who join are met by the next.

        There is none if it was stopped while members were there; what they hand on then is an error.
        """
        self.pid = None
        current, self.current = self.current, None
        items = (current, *self._queue)
        self._queue.clear()
        for item in items:
            if isinstance(item, tuple) and item[1].ref is not None:
                item[1].ref.answer(Error(ROOM_CRASHED))
        if not reason.is_abnormal:
            self.close()

    def close(self) -> None:
        """The room is over, and who joins next opens another."""
        self._rooms.forget(self)

    def give_up(self) -> None:
        """There will be no process: its members have to join again. Called by the supervisor."""
        self._rooms.forget(self)
        for pid in list(self.members):
            exit_signal(pid, ROOM_LOST)


@final
class Rooms:
    """Every room of one gateway that somebody is in."""

    def __init__(self) -> None:
        self._entries: dict[str, RoomEntry] = {}

    def enter(self, kind: type[Room], channel: ChannelProcess) -> None:
        """A channel has joined: let it into the room of its topic, which is opened if it is the first.

        Raises:
            RuntimeError: the supervisor of the rooms is not there: it is being restarted.
            TypeError: the topic has a room of another class.
        """
        entry = self._entries.get(channel.topic)
        if entry is None or not entry.supervisor.is_alive:
            entry = self._open(kind, channel)
        elif entry.kind is not kind:
            raise TypeError(
                f"{channel.topic!r} has a {entry.kind.__qualname__}: it cannot be a {kind.__qualname__} too"
            )
        entry.enter(Member(channel.pid, channel.connection, channel.topic, channel.join_ref))

    def tell(self, channel: ChannelProcess, message: RoomMessage) -> None:
        """Hand a message of a member to its room.

        Raises:
            RuntimeError: the channel is in no room.
        """
        entry = self._entries.get(channel.topic)
        member = None if entry is None else entry.members.get(channel.pid)
        if entry is None or member is None:
            raise RuntimeError(f"a channel of {type(channel).__qualname__} is in no room: declare one, and join first")
        entry.add((member, message))

    def forget(self, entry: RoomEntry) -> None:
        """A room is over."""
        if self._entries.get(entry.topic) is entry:
            del self._entries[entry.topic]

    def _open(self, kind: type[Room], channel: ChannelProcess) -> RoomEntry:
        supervisor = current_node().whereis(ROOM_SUPERVISOR)
        if supervisor is None:
            raise RuntimeError("the supervisor of the rooms is being restarted")
        port = channel.connection.port
        entry = self._entries[channel.topic] = RoomEntry(self, kind, channel.topic, port, supervisor)
        settings = port.settings
        start_child_soon(
            supervisor,
            ChildSpec(
                id=channel.topic,
                start=partial(start_room, kind),
                args=(entry,),
                restart=Restart.TRANSIENT,
                limit=RestartLimit(settings.room_restarts, settings.room_restart_period),
                given_up=entry.give_up,
            ),
        )
        return entry
