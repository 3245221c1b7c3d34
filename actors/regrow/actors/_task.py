"""The task driver: a process that is a trio task, for code that waits."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any, final

import trio

from ._context import Running, current, running
from ._errors import CannotWaitError, ReceiveTimeoutError
from ._exit import CRASHES, KILLED, NORMAL, ExitReason, reason_of
from ._process import Process, bury

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ._node import Node
    from ._pid import Pid

__all__ = ["NOTHING", "Pattern", "TaskProcess", "receive"]

REDUCTIONS = 100
"""Messages a task may receive without waiting before it lets the others run."""

ZOMBIE_GRACE = 5.0
"""Seconds a killed task may take to unwind before it is reported."""

NOTHING: Any = object()
"""What `TaskProcess.take` returns when no message matches."""


@final
class TaskProcess(Process):
    """A process whose code is a coroutine function."""

    __slots__ = ("_parked", "_reductions", "_unwinding", "interceptors", "mailbox", "reason", "scope", "task")

    interceptors: tuple[Callable[[object], None], ...]
    """What sees each message right before the process does: see `intercept`."""
    mailbox: deque[object]
    """Messages not taken yet, in order of arrival."""
    reason: ExitReason | None
    """Why it died; None while it lives."""
    task: trio.lowlevel.Task | None
    """The only task that may receive from the mailbox; None until it starts."""

    def __init__(self, node: Node, label: str, parent: Pid | None) -> None:
        super().__init__(node, label, parent)
        self.interceptors = ()
        self.mailbox = deque()
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

    def is_running(self) -> bool:
        """False: a task that is killed is dead at once and unwinds as a zombie."""
        return False

    def halt(self, reason: ExitReason, /) -> None:
        """Drop the mailbox and cancel the task, which may still be unwinding when this returns."""
        self.mailbox.clear()
        self.reason = reason
        if not self._unwinding:
            self.scope.cancel()
            self.node.haunt(self, ZOMBIE_GRACE)

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
        running.set(Running(self))
        reason: ExitReason = KILLED
        try:
            reason = await self._outcome(function, args)
        except trio.Cancelled:
            raise
        except BaseException as error:  # noqa: BLE001 - it ends the node, in order, and leaves `open_node`
            self.node.abort(error)
        finally:
            self.rest()
            bury(self, reason)

    async def _outcome(self, function: Callable[..., Awaitable[object]], args: tuple[object, ...]) -> ExitReason:
        try:
            with self.scope:
                await function(*args)
        except CRASHES as error:  # this is where a crash becomes a reason
            reason = reason_of(error)
            if reason.is_abnormal and self.pid.is_alive:
                self.node.reports.crash(self, reason)
            return reason
        return NORMAL


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
    process = _own_mailbox()
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


def _own_mailbox() -> TaskProcess:
    process = current()
    if not isinstance(process, TaskProcess):
        raise CannotWaitError(f"{process} is inline and cannot receive: messages come to its callbacks")
    if process.task is not trio.lowlevel.current_task():
        raise CannotWaitError(f"only the task of {process} may receive from its mailbox")
    return process
