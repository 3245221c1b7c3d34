"""GenServer: a process that answers requests. Instance attributes are its state.

The rules of which callback runs when, and of what its outcome does, stand apart from the two drivers that follow
them: one that calls, one that awaits.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from types import CoroutineType
from typing import TYPE_CHECKING, Any, ClassVar, final

from ._call import Call, Cast, From, StopRequest
from ._callbacks import are_plain, resolved
from ._context import current
from ._exit import CRASHES, TIMEOUT, ExitProcess, ExitReason, bad_return, reason_of
from ._inline import InlineProcess
from ._outcomes import UNSET, NoReply, Ok, Reply, Stop
from ._process import bury
from ._signals import Exit
from ._start import Ack, Ignore, start_inline, start_task
from ._task import TaskProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._names import Name
    from ._pid import Pid
    from ._timers import Timer

__all__ = ["GenServer"]

logger = logging.getLogger("regrow")


@final
@dataclass(frozen=True, slots=True)
class _Idle:
    """A return-value timeout ran out."""

    timer: object


@final
@dataclass(frozen=True, slots=True)
class _Continue:
    """What ``init`` of an inline process put off."""

    continuation: Any


class GenServer:
    """Subclass it and define the callbacks; instance attributes are the state.

    If every callback is a plain function the process is inline: it costs under a kibibyte, runs inside the
    tick, and cannot wait. If any is ``async def`` it is a trio task. Nothing else changes.

    A callback that raises, or returns something outside its contract, ends the process after ``terminate``
    (rules G-9, G-10); its supervisor decides what comes next.

    See: OTP ``gen_server``.
    """

    pid: Pid
    """This process. Set before ``init`` runs."""

    _inline: ClassVar[bool] = True
    _parent: Pid | None = None
    _timer: Timer | None = None

    def __init_subclass__(cls) -> None:
        """Choose the driver: what the callbacks are decides it."""
        super().__init_subclass__()
        cls._inline = are_plain(cls, _CALLBACKS)

    @classmethod
    async def start_link(cls, *args: Any, name: Name | None = None, timeout: float = math.inf) -> Pid | None:
        """Start a linked process and wait until ``init(*args)`` has returned.

        None if it returned `IGNORE`. ``timeout`` in seconds bounds ``init`` of a task process.

        Raises:
            AlreadyStartedError: the name is held by a living process; ``init`` did not run (rule G-2).
            InitFailedError: ``init`` raised or returned `Stop`; ``terminate`` does not run (rule G-1).

        See: OTP ``gen_server:start_link/4``.
        """
        server = cls()
        server._parent = current().pid
        if cls._inline:
            return start_inline(server, args, linked=True, name=name)
        return await start_task(server, args, linked=True, name=name, timeout=timeout)

    @classmethod
    async def start(cls, *args: Any, name: Name | None = None, timeout: float = math.inf) -> Pid | None:
        """Like `start_link`, without the link: nobody is its parent. See: OTP ``gen_server:start/4``."""
        server = cls()
        if cls._inline:
            return start_inline(server, args, linked=False, name=name)
        return await start_task(server, args, linked=False, name=name, timeout=timeout)

    def init(self, *args: Any, **kwargs: Any) -> Any:
        """Set up the state from the arguments of `start_link`. None or `Ok` to go on, `IGNORE` or `Stop` not to.

        The signature is the widest there is, so that an override may name its own parameters.
        """

    def handle_call(self, request: Any, caller: From, /) -> Any:
        """Answer a request: `Reply`, `NoReply` (answer later with `reply`), or `Stop`."""
        raise NotImplementedError(f"{type(self).__qualname__} defines no handle_call, got {request!r}")

    def handle_cast(self, request: Any, /) -> Any:
        """Take a request that wants no reply. None, `NoReply` or `Stop`."""
        raise NotImplementedError(f"{type(self).__qualname__} defines no handle_cast, got {request!r}")

    def handle_info(self, message: Any, /) -> Any:
        """Take any other message: `Down`, `Exit` of others than the parent, timers, plain values."""
        logger.warning("%s %s got an unexpected message: %r", type(self).__qualname__, self.pid, message)

    def handle_continue(self, continuation: Any, /) -> Any:
        """Do what a callback put off with ``continue_``, before any message. None, `NoReply` or `Stop`."""
        raise NotImplementedError(f"{type(self).__qualname__} defines no handle_continue")

    def terminate(self, reason: ExitReason, /) -> Any:
        """Clean up. Runs after `Stop`, a crash, `stop`, and the parent's exit if the process traps exits.

        It does not run when ``init`` failed, when an exit signal ends a process that does not trap exits, nor
        on kill. What it raises replaces the reason (rule G-13).
        """

    # The rules: which callback runs, and what its outcome does.

    def _route(self, message: object) -> tuple[Callable[..., Any], tuple[Any, ...], From | None]:
        kind = message.__class__
        if self._timer is None and kind not in _PROTOCOL:
            return self.handle_info, (message,), None
        if self._timer is not None:  # any message ends the wait for a timeout (rule G-11)
            if kind is _Idle:
                return self._idle_over(message)
            self._timer.cancel()
            self._timer = None
        if kind is Call:
            return self.handle_call, (message.request, message.caller), message.caller  # type: ignore[attr-defined]
        if kind is Cast:
            return self.handle_cast, (message.request,), None  # type: ignore[attr-defined]
        if kind is StopRequest:
            return Stop, (message.reason,), None  # type: ignore[attr-defined]
        if kind is Exit and message.pid is self._parent:  # type: ignore[attr-defined]
            return Stop, (message.reason,), None  # type: ignore[attr-defined]
        if kind is _Continue:
            return self.handle_continue, (message.continuation,), None  # type: ignore[attr-defined]
        if kind is _Idle:
            return _nothing, (), None
        return self.handle_info, (message,), None

    def _idle_over(self, message: object) -> tuple[Callable[..., Any], tuple[Any, ...], None]:
        assert isinstance(message, _Idle)
        if message.timer is not self._timer:
            return _nothing, (), None
        self._timer = None
        return self.handle_info, (TIMEOUT,), None

    def _settle(self, callback: Callable[..., Any], outcome: Any, caller: From | None) -> Any:
        """Carry out an outcome. What is left to do: a `Stop`, an outcome to continue, or None."""
        if outcome is None and caller is None:
            return None
        if type(outcome) is Reply and caller is not None:
            caller.answer(outcome.value)
        elif type(outcome) is Stop:
            return outcome
        elif type(outcome) is not NoReply:
            expected = "Reply, NoReply or Stop" if caller is not None else "None, NoReply or Stop"
            return Stop(bad_return(callback, outcome, expected))
        return self._rearm(outcome)

    def _rearm(self, outcome: Any) -> Any:
        if outcome.timeout is not None and outcome.timeout < math.inf:
            self._expect_within(outcome.timeout)
        return None if outcome.continue_ is UNSET else outcome

    def _begun(self, outcome: Any) -> Any:
        """Carry out what ``init`` returned: `IGNORE`, an outcome to continue, or None. Raises if it is a stop."""
        if outcome is None or isinstance(outcome, Ignore):
            return outcome
        if isinstance(outcome, Ok):
            return self._rearm(outcome)
        if isinstance(outcome, Stop):
            raise ExitProcess(outcome.reason)
        raise ExitProcess(bad_return(self.init, outcome, "None, Ok, IGNORE or Stop"))

    def _expect_within(self, timeout: float) -> None:
        process = current()
        timers = process.node.timers
        timer: Timer = timers.after(timeout, lambda: process.post(_Idle(timer)) if process.pid.is_alive else None)
        self._timer = timer

    # The inline driver.

    def begin(self, *args: Any) -> Ignore | None:
        """Run ``init``. Called by the start protocol."""
        more = self._begun(self.init(*args))
        if isinstance(more, Ignore):
            return more
        if more is not None:
            process = self.pid.process
            assert isinstance(process, InlineProcess)
            process.post_first(_Continue(more.continue_))
        return None

    def dispatch(self, message: object) -> None:
        """Take one message. Called by the inline driver."""
        callback, args, caller = self._route(message)
        while True:
            try:
                outcome = callback(*args)
            except CRASHES as error:  # terminate must see the reason
                outcome = Stop(reason_of(error))
            if outcome is None and caller is None:
                return
            more = self._settle(callback, outcome, caller)
            if more is None:
                return
            if more.__class__ is Stop:
                self._end(more, caller)
                return
            callback, args, caller = self.handle_continue, (more.continue_,), None

    def _end(self, last: Stop, caller: From | None) -> None:
        process = current()
        if process.is_condemned():  # an exit signal came first: it runs no code of its target
            return
        reason = last.reason
        try:
            self.terminate(reason)
        except CRASHES as error:  # it replaces the reason (rule G-13)
            reason = reason_of(error)
        if last.reply is not UNSET and caller is not None:
            caller.answer(last.reply)
        if reason.is_abnormal:
            process.node.reports.crash(process, reason)
        bury(process, reason)  # it dies when this callback returns, which is cheaper than raising through it

    # The task driver.

    async def live(self, ack: Ack, args: tuple[Any, ...]) -> None:
        """Run ``init``, then serve. Called by the start protocol."""
        more = self._begun(await resolved(self.init(*args)))
        if isinstance(more, Ignore):
            ack.ignored()
            return
        ack.ready()
        if more is not None:
            await self._run(self.handle_continue, (more.continue_,), None)
        process = current()
        assert isinstance(process, TaskProcess)
        while True:
            await self._run(*self._route(await process.wait()))

    async def _run(self, callback: Callable[..., Any], args: tuple[Any, ...], caller: From | None) -> None:
        while True:
            try:
                outcome = callback(*args)
                if outcome.__class__ is CoroutineType:
                    outcome = await outcome
            except CRASHES as error:  # terminate must see the reason
                outcome = Stop(reason_of(error))
            more = self._settle(callback, outcome, caller)
            if more is None:
                return
            if more.__class__ is Stop:
                await self._end_task(more, caller)
            callback, args, caller = self.handle_continue, (more.continue_,), None

    async def _end_task(self, last: Stop, caller: From | None) -> None:
        reason = last.reason
        if current().is_condemned():
            raise ExitProcess(reason)
        try:
            await resolved(self.terminate(reason))
        except CRASHES as error:  # it replaces the reason (rule G-13)
            reason = reason_of(error)
        if last.reply is not UNSET and caller is not None:
            caller.answer(last.reply)
        raise ExitProcess(reason)


_PROTOCOL = frozenset((Call, Cast, StopRequest, Exit, _Continue, _Idle))
"""Messages that mean something to every server; whatever else comes goes to `handle_info`."""

_CALLBACKS = ("init", "handle_call", "handle_cast", "handle_info", "handle_continue", "terminate")


def _nothing() -> None:
    """What a timeout that was cancelled in time does."""
