"""The task driver: a process that is a trio task, for code that waits."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any, final

import trio

from regrow.actors._errors import CannotWaitError, ReceiveTimeoutError
from regrow.actors._processes._context import Running, current, running
from regrow.actors._processes._exit import CRASHES, KILLED, NORMAL, ExitReason, reason_of
from regrow.actors._processes._process import Process, bury
from regrow.actors._servers._callbacks import resolved

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from regrow.actors._processes._node import Node
    from regrow.actors._processes._pid import Pid
    from regrow.actors._processes._start import Ack

__all__ = ["NOTHING", "ZOMBIE_GRACE", "Hibernation", "Pattern", "TaskProcess", "own_task", "receive"]

REDUCTIONS = 100
"""Messages a task may receive without waiting before it lets the others run."""

ZOMBIE_GRACE = 5.0
"""Seconds the code of a killed process may go on before it is reported."""

NOTHING: Any = object()
"""What `TaskProcess.take` returns when no message matches."""


@final
class Hibernation(BaseException):
    """Raised by a process that wants nothing of its stack to stay; see `hibernate`."""

    def __init__(self, function: Callable[..., object], args: tuple[object, ...]) -> None:
        super().__init__()
        self.waking = function, args


class TaskProcess(Process):
    """A process whose code is a coroutine function."""

    __slots__ = (
        "_parked",
        "_reductions",
        "_unwinding",
        "ack",
        "interceptors",
        "mailbox",
        "place",
        "reason",
        "scope",
        "task",
    )

    ack: Ack | None
    """Whom it has to tell that it is ready; None once it is, or if nobody asked."""
    interceptors: tuple[Callable[[object], None], ...]
    """What sees each message right before the process does: see `intercept`."""
    mailbox: deque[object]
    """Messages not taken yet, in order of arrival."""
    place: Running
    """What says to its code, and to the tasks of its nurseries, that this process is running."""
    reason: ExitReason | None
    """Why it died; None while it lives."""
    task: trio.lowlevel.Task | None
    """The only task that may receive from the mailbox; None until it starts."""

    def __init__(self, node: Node, label: str, parent: Pid | None) -> None:
        super().__init__(node, label, parent)
        self.ack = None
        self.interceptors = ()
        self.mailbox = deque()
        self.place = Running(node, self)
        self.scope = trio.CancelScope()
        self.reason = None
        self.task = None
        self._parked = False
        self._reductions = REDUCTIONS
        self._unwinding = False

    def post(self, message: object) -> None:
        """Put a message into the mailbox and wake the task if it waits for one."""
        self.mailbox.append(message)
        if self._parked:
            self._parked = False
            assert self.task is not None
            trio.lowlevel.reschedule(self.task)

    def pending(self) -> int:
        """How many messages wait in the mailbox."""
        return len(self.mailbox)

    def waiting(self) -> list[object]:
        """The messages that wait in the mailbox, in order."""
        return list(self.mailbox)

    def discard(self, unwanted: Callable[[object], bool]) -> None:
        """Drop the first message waiting in the mailbox that is unwanted, if there is one."""
        for index, message in enumerate(self.mailbox):
            if unwanted(message):
                del self.mailbox[index]
                return

    def is_waiting(self) -> bool:
        """Whether it waits for something: not before it begins, nor once what it receives has come."""
        if self._parked:
            return True
        codes = (TaskProcess.wait.__code__, TaskProcess.hibernate.__code__)
        return self.task is not None and all(frame.f_code not in codes for frame, _ in self.task.iter_await_frames())

    def is_running(self) -> bool:
        """False: a task that is killed is dead at once and unwinds as a zombie."""
        return False

    def halt(self, reason: ExitReason, /) -> None:
        """Drop the mailbox and cancel the task, which may still be unwinding when this returns."""
        self.mailbox.clear()
        self.place.bury()
        self.reason = reason
        if not self._unwinding:
            self.scope.cancel()
            if self.task is not None:
                self.node.haunt(self, ZOMBIE_GRACE)

    def yield_soon(self) -> None:
        """Let others run before the message after next: the present step has taken long already."""
        self._reductions = 1

    def turn(self) -> int:
        """What changes with every message taken."""
        return self._reductions

    def rest(self) -> None:
        """Its code has come to its end: from here on there is nothing to cancel."""
        self._unwinding = True
        self.node.rest(self)

    def take(self, patterns: tuple[Pattern, ...], start: int = 0) -> Any:
        """Remove and return the first message from position ``start`` that matches, or `NOTHING`."""
        mailbox = self.mailbox
        message = NOTHING
        if patterns:
            for index, candidate in enumerate(mailbox):
                if index >= start and any(_matches(pattern, candidate) for pattern in patterns):
                    message = candidate
                    del mailbox[index]
                    break
        elif mailbox:
            message = mailbox.popleft()
        if self.interceptors and message is not NOTHING:
            for before in self.interceptors:
                before(message)
        return message

    async def wait(self, patterns: tuple[Pattern, ...] = ()) -> Any:
        """The next matching message, waiting for it if need be. A message is never lost to cancellation."""
        if not self._reductions:
            self._reductions = REDUCTIONS
            await trio.lowlevel.checkpoint()
        message = self.take(patterns)
        if message is not NOTHING:
            self._reductions -= 1
            return message
        while message is NOTHING:
            scanned = len(self.mailbox)  # a waiting process looks at new messages only (rule R-1)
            self._parked = True
            await trio.lowlevel.wait_task_rescheduled(self._abort)
            message = self.take(patterns, scanned)
        self._reductions = REDUCTIONS
        return message

    def spend(self) -> bool:
        """Take a reduction for something that did not wait; False if it is time to let the others run."""
        if self._reductions:
            self._reductions -= 1
            return True
        self._reductions = REDUCTIONS
        return False

    async def hibernate(self) -> None:
        """Wait until there is a message, and take none. The room the mailbox has grown to is given back."""
        if self.mailbox:
            self.mailbox = deque(self.mailbox)
            await trio.lowlevel.checkpoint()
        else:
            self.mailbox = deque()
            self._parked = True
            await trio.lowlevel.wait_task_rescheduled(self._abort)

    def _abort(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        self._parked = False
        return trio.lowlevel.Abort.SUCCEEDED

    async def run(self, function: Callable[..., Awaitable[object]], *args: object) -> None:
        """The life of the process: run the function to its end and turn the way it ended into a reason.

        Nothing a process raises leaves this function. KeyboardInterrupt, SystemExit and their like belong to the
        node and are handed to it.
        """
        if not self.pid.is_alive:  # killed before its first step
            return
        self.task = trio.lowlevel.current_task()
        running.set(self.place)
        reason: ExitReason = KILLED
        outcome = self._outcome(function, args)
        del function, args  # a process that hibernates does not keep what it began with
        try:
            reason = await outcome
        except trio.Cancelled:
            raise
        except BaseException as error:  # noqa: BLE001 - it ends the node, in order, and leaves `open_node`
            self.node.abort(error)
        finally:
            self.rest()
            bury(self, self.doom or reason)

    async def _outcome(self, function: Callable[..., object], args: tuple[object, ...]) -> ExitReason:
        life = self._live(function, args)
        del function, args
        try:
            with self.scope:
                await life
        except CRASHES as error:  # this is where a crash becomes a reason
            reason = reason_of(error)
            if reason.is_abnormal and self.pid.is_alive and self.doom is None:
                self.node.reports.crash(self, reason)
            return reason
        return NORMAL

    async def _live(self, function: Callable[..., object], args: tuple[object, ...]) -> None:
        while True:
            try:
                await resolved(function(*args))
            except Hibernation as pause:
                function, args = pause.waking
            except BaseExceptionGroup as group:
                function, args = _waking_in(group)
            else:
                return
            await self.hibernate()


def _waking_in(group: BaseExceptionGroup[BaseException]) -> tuple[Callable[..., object], tuple[object, ...]]:
    """What to wake to, if nothing but the process's wish to hibernate left its nurseries; raises the rest otherwise."""
    pauses, rest = group.split(Hibernation)
    if rest is not None:
        raise rest
    assert pauses is not None
    pause = pauses.exceptions[0]
    while isinstance(pause, BaseExceptionGroup):
        pause = pause.exceptions[0]
    assert isinstance(pause, Hibernation)
    return pause.waking


Pattern = Any
"""What `receive` selects by: a class (``isinstance``) or a predicate."""


def _matches(pattern: Pattern, message: object) -> bool:
    if isinstance(pattern, type):
        return isinstance(message, pattern)
    return bool(pattern(message))


async def receive(*patterns: Pattern, timeout: float = math.inf) -> Any:
    """Take the first message that matches any pattern from one's own mailbox, leaving the others in order.

    A pattern is a class or a predicate; without patterns the first message matches. ``timeout`` is in seconds;
    0 looks once and does not wait. A cancelled receive takes no message.

    Raises:
        ReceiveTimeoutError: nothing matched in time.
        CannotWaitError: the running process is inline, or the calling task is not the process itself.
        NotAProcessError: the caller is not a process.

    See: Erlang ``receive ... after`` (rule R-1).
    """
    process = own_task("receive")
    if math.isinf(timeout):
        return await process.wait(patterns)
    if timeout <= 0:
        message = process.take(patterns)
        if message is not NOTHING:
            return message
    else:
        with trio.move_on_after(timeout):
            return await process.wait(patterns)
        message = process.take(patterns)
        if message is not NOTHING:
            return message
    raise ReceiveTimeoutError(f"no matching message within {timeout} s")


def own_task(verb: str) -> TaskProcess:
    """The running process, if the caller is its one task.

    Raises:
        CannotWaitError: it is inline, or the calling task is one of its nurseries.
        NotAProcessError: the caller is not a process.
    """
    process = current()
    if not isinstance(process, TaskProcess):
        raise CannotWaitError(f"{process} is inline and cannot {verb}: messages come to its callbacks")
    if process.task is not trio.lowlevel.current_task():
        raise CannotWaitError(f"only the task of {process} itself may {verb}, not one of its nurseries")
    return process
