"""Room: what a user writes to have one process for all who are in a topic, and the process that runs it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from regrow.actors import (
    NORMAL,
    Down,
    ExitProcess,
    StopRequest,
    are_plain,
    monitor,
    reason_of,
    receive,
    resolved,
    send_after,
)
from regrow.actors.sys import SystemMessage
from regrow.gateway._channels._messages import Broadcast
from regrow.gateway._channels._outcomes import Error, Ok
from regrow.gateway._channels._replies import reply_to
from regrow.gateway._history._receipt import Receipt

from ._member import Member

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors import Ack, ExitReason, Pid, Timer
    from regrow.gateway._channels._replies import ReplyRef
    from regrow.gateway._transport._connection import Connection

    from ._rooms import RoomEntry, RoomMessage

__all__ = ["Room"]


class Room:
    """One topic, served by one process for all its members. Instance attributes are the state they share.

    A channel class names it as its ``room`` and hands messages to it with `Channel.hand_on`; the room takes them one
    after the other, whoever they come from. It is started when the first member joins and ends when the last has
    left. If all callbacks are plain functions the process is inline; if any is ``async def`` it is a trio task.

    A callback that raises ends the process, not the channels of its members: whoever waits for an answer gets an
    error reply, ``room crashed``, and its supervisor starts a new process with fresh state, which meets the members
    again. After more crashes than `Settings.room_restarts` the members' channels end too, and their clients join again.
    """

    linger: ClassVar[float] = 0.0
    """Seconds for which an empty room stays."""

    pid: Pid
    """This process."""
    entry: RoomEntry
    """What outlives the process."""

    _inline: ClassVar[bool] = True
    _receipt: Receipt | None = None
    """For what the callback that runs has broadcast and is not stored yet."""
    _ref: ReplyRef | None = None
    _timer: Timer | None = None
    _lingering: _Linger | None = None

    def __init_subclass__(cls) -> None:
        """Choose the driver, and check what is declared.

        Raises:
            TypeError: ``linger`` is no number of seconds.
        """
        super().__init_subclass__()
        cls._inline = are_plain(cls, _CALLBACKS)
        if not cls.linger >= 0:
            raise TypeError(f"{cls.__qualname__}.linger is {cls.linger!r}: it must be 0 or more seconds")

    @classmethod
    def is_inline(cls) -> bool:
        """Whether every callback is a plain function, so that the process runs inside the tick."""
        return cls._inline

    @property
    def topic(self) -> str:
        """What it is the room of."""
        return self.entry.topic

    @property
    def members(self) -> tuple[Member, ...]:
        """Who is in the topic, in the order they joined, whether or not `joined` has been called with them yet."""
        return tuple(self.entry.members.values())

    def init(self) -> Any:
        """The room opens, or begins again after a crash."""

    def joined(self, member: Member) -> Any:
        """A client has joined. Called once for each that a process of the room meets, before anything it says."""

    def left(self, member: Member, reason: ExitReason) -> Any:
        """A client is gone, whatever its channel ended of. Called once for each that `joined` was called with."""

    def handle_in(self, member: Member, event: str, payload: Any) -> Any:  # noqa: ARG002 - overridden
        """A member's channel handed on a message. `Ok`, `Error`, or None for no reply, or for one that comes later."""
        return Error({"reason": f"unmatched event: {event}"})

    def handle_info(self, message: Any) -> Any:
        """Another process sent a message. Returns None."""

    def terminate(self, reason: ExitReason) -> Any:
        """The room ends: everybody has left, the gateway stops, or a callback crashed."""

    reply = staticmethod(reply_to)

    def reply_ref(self) -> ReplyRef:
        """What it takes to answer the message that is being handled later: see `reply`. For `handle_in`.

        Raises:
            RuntimeError: no message is being handled, or the client wants no reply to it.
        """
        if self._ref is None:
            raise RuntimeError("there is nothing to reply to: this is not handle_in, or the message has no ref")
        return self._ref

    def broadcast(self, event: str, payload: Any) -> None:
        """Send every client in the topic an event; it is encoded once for all.

        If it is kept with `Ack.DURABLE` they are sent it once it is stored, and so is what `handle_in` returns.
        """
        self._publish(Broadcast(self.topic, event, payload), None)

    def broadcast_from(self, member: Member, event: str, payload: Any) -> None:
        """Send every client in the topic but one an event."""
        self._publish(Broadcast(self.topic, event, payload), member.connection)

    def _publish(self, message: Broadcast, sender: Connection | None) -> None:
        port = self.entry.port
        if port.archive is not None:
            if self._receipt is None:
                self._receipt = Receipt()
            port.archive.keep_for(self._receipt, self.topic, message, sender)
        elif sender is None:
            port.pubsub.broadcast(self.topic, message)
        else:
            port.pubsub.broadcast_from(sender, self.topic, message)

    # The rules: which callback runs, and what its outcome does.

    def _route(self, message: object) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        self._ref = None
        if message is self.entry:
            item = self.entry.take()
            if isinstance(item, Member):
                monitor(item.pid)
                return self.joined, (item,)
            return self._hand_in(*item)
        if isinstance(message, Down) and message.target in self.entry.members:
            member = self.entry.members.pop(message.target)
            return self.left, (member, message.reason)
        if isinstance(message, (SystemMessage, _Linger)):
            return _nothing, ()
        return self.handle_info, (message,)

    def _hand_in(self, member: Member, message: RoomMessage) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        self._ref = message.ref
        return self.handle_in, (member, message.event, message.payload)

    def _settle(self, message: object, outcome: Any) -> bool:
        """Carry out an outcome; whether the room is over."""
        entry = self.entry
        receipt, self._receipt = self._receipt, None
        if message is entry:
            ref = self._ref
            if isinstance(outcome, (Ok, Error)) and not isinstance(entry.current, Member):
                if ref is not None and receipt is None:
                    reply_to(ref, outcome)
                elif ref is not None and receipt is not None:
                    receipt.when_settled(partial(_reply_stored, ref, outcome))
                outcome = None
        if outcome is not None:
            legal = "Ok, Error or None" if message is entry else "None"
            raise TypeError(f"a callback of {type(self).__qualname__} returns {legal}, got {outcome!r}")
        if message is entry:
            entry.done()
        if entry.members:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            return False
        return self._is_over(message)

    def _is_over(self, message: object) -> bool:
        """Whether an empty room ends, rather than to wait for somebody."""
        if self.linger and not (isinstance(message, _Linger) and message is self._lingering):
            if self._timer is None:
                self._lingering = _Linger()
                self._timer = send_after(self.linger, self.pid, self._lingering)
            return False
        self.entry.close()
        return True

    # The drivers.

    def begin(self, *_args: Any) -> None:
        """Run `init`. Called by the start protocol."""
        self.init()

    def dispatch(self, message: object) -> None:
        """Take one message. Called by the inline driver."""
        if isinstance(message, StopRequest):
            self.terminate(message.reason)
            raise ExitProcess(message.reason)
        try:
            callback, args = self._route(message)
            is_over = self._settle(message, callback(*args))
        except (Exception, ExitProcess) as error:
            reason = reason_of(error)
            self.terminate(reason)
            raise ExitProcess(reason) from error
        if is_over:
            self.terminate(NORMAL)
            raise ExitProcess(NORMAL)

    async def live(self, ack: Ack, _args: tuple[Any, ...]) -> None:
        """Run `init`, then take messages until the process ends. Called by the start protocol."""
        await resolved(self.init())
        ack.ready()
        while True:
            message = await receive()
            if isinstance(message, StopRequest):
                await resolved(self.terminate(message.reason))
                raise ExitProcess(message.reason)
            try:
                callback, args = self._route(message)
                is_over = self._settle(message, await resolved(callback(*args)))
            except (Exception, ExitProcess) as error:
                reason = reason_of(error)
                await resolved(self.terminate(reason))
                raise ExitProcess(reason) from error
            if is_over:
                await resolved(self.terminate(NORMAL))
                return


_CALLBACKS = ("init", "joined", "left", "handle_in", "handle_info", "terminate")


class _Linger:
    """An empty room has waited for long enough."""


def _reply_stored(ref: ReplyRef, outcome: Ok | Error, receipt: Receipt) -> None:
    reply_to(ref, outcome if receipt.refusal is None else Error({"reason": receipt.refusal}))


def _nothing() -> None:
    """What a room does with what is not meant for its callbacks."""
