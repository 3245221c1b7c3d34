"""The handle of a reply: given once, wanted by one, and told if the callee dies first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, final

import trio

from regrow.actors._errors import CallError
from regrow.actors._processes._context import current
from regrow.actors._processes._exit import TIMEOUT, ExitReason
from regrow.actors._processes._monitors import watch
from regrow.actors._processes._pid import Pid, Ref
from regrow.actors._processes._task import TaskProcess

if TYPE_CHECKING:
    from regrow.actors._processes._process import Process
    from regrow.actors._processes._send import Destination

__all__ = ["From", "Waiter"]


class From(Ref):
    """Whom to reply to: what `handle_call` gets, to keep or pass on. Only the first reply counts (rule G-7)."""

    __slots__ = ()

    @property
    def client(self) -> Pid | None:
        """The process that asked, if it is known."""
        return None

    def answer(self, value: object) -> None:
        """Give the reply; a no-op unless it is the first and still wanted."""
        raise NotImplementedError

    def fire(self, reason: ExitReason) -> None:
        """The callee died without a reply."""
        raise NotImplementedError


_WAITING: Any = object()
_ABANDONED: Any = object()


async def _pause_now_and_then() -> None:
    """Let others run, but not each time: what is there already costs a reduction of its caller and no task switch."""
    caller = current()
    if isinstance(caller, TaskProcess) and caller.spend():
        await trio.lowlevel.checkpoint_if_cancelled()
    else:
        await trio.lowlevel.checkpoint()


@final
class Waiter(From):
    """The handle of a task that waits."""

    __slots__ = ("_callee", "_caller", "_failure", "_task", "_value")

    def __init__(self, callee: Process, caller: Process) -> None:
        self._callee = callee
        self._caller = caller
        self._failure: ExitReason | None = None
        self._task: trio.lowlevel.Task | None = None
        self._value: Any = _WAITING
        watch(callee, self)

    @property
    def client(self) -> Pid:
        """The process that waits."""
        return self._caller.pid

    def answer(self, value: object) -> None:
        if self._value is _WAITING:
            self._value = value
            self._settle()

    def fire(self, reason: ExitReason) -> None:
        if self._value is _WAITING:
            self._value = _ABANDONED
            self._failure = reason
            self._settle()

    def _settle(self) -> None:
        if self._callee.watchers is not None:
            self._callee.watchers.discard(self)
        self._wake()

    async def wait_within(self, timeout: float) -> None:
        """Wait at most ``timeout`` seconds; if cancelled, a later reply is dropped."""
        if self._value is not _WAITING:
            await _pause_now_and_then()
            return
        timer = None
        if timeout < math.inf:
            timer = self._callee.node.timers.after(max(timeout, 0), self._wake)
        try:
            self._task = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(self._abort)
        except BaseException:
            self.abandon()
            raise
        finally:
            if timer is not None and timer.is_pending:
                timer.cancel()

    def _wake(self) -> None:
        if self._task is not None:
            task, self._task = self._task, None
            trio.lowlevel.reschedule(task)

    def _abort(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED

    def result(self, callee: Destination) -> Any:
        """The reply. From here on the handle is dead: a later reply is dropped (rule G-4)."""
        value, self._value = self._value, _ABANDONED
        if value is _WAITING:
            self._settle()
            raise CallError(TIMEOUT, callee)
        if self._failure is not None:
            raise CallError(self._failure, callee)
        return value

    def died_of(self, callee: Destination) -> ExitReason:
        """What the callee died of, when no reply but its death was waited for."""
        if self._failure is None:
            self.abandon()
            raise CallError(TIMEOUT, callee)
        return self._failure

    def abandon(self) -> None:
        """Stop waiting; a reply that comes later is dropped."""
        if self._value is _WAITING:
            self._value = _ABANDONED
            self._settle()
