"""GenServer: a process that answers requests. Instance attributes are its state.

The rules of which callback runs when, and of what its outcome does, stand apart from the two drivers that follow
them: one that calls, one that awaits.
"""

from __future__ import annotations

import math
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, ClassVar

from regrow.actors._processes._context import current
from regrow.actors._processes._exit import CRASHES, TIMEOUT, ExitProcess, bad_return, reason_of
from regrow.actors._processes._inline import InlineProcess
from regrow.actors._processes._monitors import monitor
from regrow.actors._processes._process import bury
from regrow.actors._processes._reports import ServerTerminated
from regrow.actors._processes._signals import Exit
from regrow.actors._processes._start import Ack, Ignore, start_inline, start_monitor_task, start_task
from regrow.actors._processes._task import TaskProcess
from regrow.actors._servers._call import Call, Cast, From, StopRequest
from regrow.actors._servers._callbacks import are_plain, resolved
from regrow.actors._servers._observed import Continue, Idle, observed_route
from regrow.actors._servers._outcomes import HIBERNATE, UNSET, Fail, Hibernate, NoReply, Ok, Reply, Stop
from regrow.actors._servers._server_callbacks import CALLBACKS, ServerCallbacks
from regrow.actors._servers._server_state import become
from regrow.actors._system._system import serve_system_message, start_debugging, take_system_message
from regrow.actors._system._system_messages import SystemMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from regrow.actors._processes._bounded import Bounded
    from regrow.actors._processes._names import Name
    from regrow.actors._processes._pid import Pid, Ref
    from regrow.actors._processes._timers import Timer
    from regrow.actors._system._system_events import Debugging, Event, Option

__all__ = ["GenServer"]


class GenServer(ServerCallbacks):
    """Subclass it and define the callbacks; instance attributes are the state.

    If every callback is a plain function the process is inline: it costs under a kibibyte, runs inside the
    tick, and cannot wait. If any is ``async def`` it is a trio task. Nothing else changes.

    A callback that raises, or returns something outside its contract, ends the process after ``terminate``
    (rules G-9, G-10); its supervisor decides what comes next.

    See: OTP ``gen_server``.
    """

    _inline: ClassVar[bool] = True
    _debugging: Debugging | None = None
    _parent: Pid | None = None
    _timeout: float | None = None
    _timer: Timer | Hibernate | None = None

    def __init_subclass__(cls) -> None:
        """Choose the driver: what the callbacks are decides it."""
        super().__init_subclass__()
        cls._inline = are_plain(cls, CALLBACKS)

    @classmethod
    async def start_link(
        cls,
        *args: Any,
        name: Name | None = None,
        timeout: float = math.inf,
        mailbox: Bounded | None = None,
        debug: Iterable[Option] = (),
    ) -> Pid | None:
        """Start a linked process and wait until ``init(*args)`` has returned.

        None if it returned `IGNORE`. ``timeout`` in seconds bounds ``init`` of a task process, ``mailbox`` the
        messages that may wait. ``debug`` lists what is done with its events from the first on: `sys.Trace`, `sys.Log`
        and so on.

        Raises:
            AlreadyStartedError: the name is held by a living process; ``init`` did not run (rule G-2).
            InitFailedError: ``init`` raised or returned `Stop`; ``terminate`` does not run (rule G-1).

        See: OTP ``gen_server:start_link/4``.
        """
        server = cls()
        server._parent = current().pid
        start_debugging(server, debug)
        if cls._inline:
            return start_inline(server, args, linked=True, name=name, mailbox=mailbox)
        return await start_task(server, args, linked=True, name=name, timeout=timeout, mailbox=mailbox)

    @classmethod
    async def start(
        cls,
        *args: Any,
        name: Name | None = None,
        timeout: float = math.inf,
        mailbox: Bounded | None = None,
        debug: Iterable[Option] = (),
    ) -> Pid | None:
        """Like `start_link`, without the link: nobody is its parent. See: OTP ``gen_server:start/4``."""
        server = cls()
        start_debugging(server, debug)
        if cls._inline:
            return start_inline(server, args, linked=False, name=name, mailbox=mailbox)
        return await start_task(server, args, linked=False, name=name, timeout=timeout, mailbox=mailbox)

    @classmethod
    async def start_monitor(
        cls,
        *args: Any,
        name: Name | None = None,
        timeout: float = math.inf,
        mailbox: Bounded | None = None,
        debug: Iterable[Option] = (),
    ) -> tuple[Pid, Ref] | None:
        """Like `start`, monitored atomically: the `Down` with the returned ref comes however soon it dies.

        A start that fails leaves no `Down`.

        See: OTP ``gen_server:start_monitor/4``, which returns the ref with the error.
        """
        server = cls()
        start_debugging(server, debug)
        if cls._inline:
            pid = start_inline(server, args, linked=False, name=name, mailbox=mailbox)
            return None if pid is None else (pid, monitor(pid))
        return await start_monitor_task(server, args, name=name, timeout=timeout, mailbox=mailbox)

    @property
    def is_hibernating(self) -> bool:
        """Whether a callback returned `HIBERNATE` and no message has come since; system messages do not count."""
        return self._timer is HIBERNATE

    # The rules: which callback runs, and what its outcome does.

    def _route(self, message: object) -> tuple[Callable[..., Any], tuple[Any, ...], From | None]:
        kind = message.__class__
        if self._timer is None and kind not in _PROTOCOL:
            return self.handle_info, (message,), None
        if self._timer is not None:  # any message ends the wait for a timeout (rule G-11)
            if kind is Idle:
                return self._idle_over(message)
            self._timer.cancel()
            if kind is SystemMessage:  # and then it begins anew
                return self._system, (message,), None
            self._timer = None
        if kind is Call:
            return self.handle_call, (message.request, message.caller), message.caller  # type: ignore[attr-defined]
        if kind is Cast:
            return self.handle_cast, (message.request,), None  # type: ignore[attr-defined]
        return self._route_rare(kind, message)

    def _route_rare(self, kind: type, message: Any) -> tuple[Callable[..., Any], tuple[Any, ...], None]:
        if kind is StopRequest or (kind is Exit and message.pid is self._parent):
            return Stop, (message.reason,), None
        if kind is Continue:
            return self.handle_continue, (message.continuation,), None
        if kind is SystemMessage:
            return self._system, (message,), None
        if kind is Idle:
            return _nothing, (), None
        return self.handle_info, (message,), None

    def _idle_over(self, message: object) -> tuple[Callable[..., Any], tuple[Any, ...], None]:
        assert isinstance(message, Idle)
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
        timeout = outcome.timeout
        if timeout is not None:
            if timeout is HIBERNATE:
                self._timer = HIBERNATE
            elif timeout < math.inf:
                self._expect_within(timeout)
        return None if outcome.continue_ is UNSET else outcome

    def _begun(self, outcome: Any) -> Any:
        """Carry out what ``init`` returned: `IGNORE`, `Fail`, an outcome to continue, or None. Raises if to stop."""
        if outcome is None or isinstance(outcome, (Ignore, Fail)):
            return outcome
        if isinstance(outcome, Ok):
            return self._rearm(outcome)
        if isinstance(outcome, Stop):
            raise ExitProcess(outcome.reason)
        raise ExitProcess(bad_return(self.init, outcome, "None, Ok, IGNORE, Fail or Stop"))

    def _expect_within(self, timeout: float) -> None:
        process = current()
        timers = process.node.timers
        timer: Timer = timers.after(timeout, lambda: process.post(Idle(timer)) if process.pid.is_alive else None)
        self._timer = timer
        self._timeout = timeout

    # System messages: see `_system.Special`.

    def _system(self, message: SystemMessage) -> Any:
        if isinstance(self.pid.process, InlineProcess):
            reason = take_system_message(self, message)
            return None if reason is None else Stop(reason)
        return self._serve_system(message)

    async def _serve_system(self, message: SystemMessage) -> Stop | None:
        reason = await serve_system_message(self, message)
        return None if reason is None else Stop(reason)

    def system_continue(self) -> None:
        """Wait the full timeout again that was being waited for (rule G-11)."""
        if self._timer is not None and self._timer is not HIBERNATE:
            assert self._timeout is not None
            self._expect_within(self._timeout)

    def system_code_change(self, actor: type | None, old_version: Any, extra: Any, /) -> Any:
        """Become an ``actor``, and have its `code_change` convert the state."""
        if actor is not None:
            if not issubclass(actor, GenServer) or actor._inline is not self._inline:
                driver = "plain functions" if self._inline else "some of them `async def`"
                raise TypeError(f"{type(self).__qualname__} becomes only a GenServer whose callbacks are {driver}")
            become(self, actor)
        return self.code_change(old_version, extra)

    def system_observe(self, tell: Callable[[Event], None] | None, /) -> None:
        """Tell each message taken, and what came of it: by another `_route`, for this one server."""
        if tell is None:
            del vars(self)["_route"]
        else:
            vars(self)["_route"] = partial(observed_route, self._route, tell)

    # The inline driver.

    def begin(self, *args: Any) -> Ignore | Fail | None:
        """Run ``init``. Called by the start protocol."""
        more = self._begun(self.init(*args))
        if isinstance(more, (Ignore, Fail)):
            return more
        if more is not None:
            process = self.pid.process
            assert isinstance(process, InlineProcess)
            process.post_first(Continue(more.continue_))
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
                self._end(more, args, caller)
                return
            callback, args, caller = self.handle_continue, (more.continue_,), None

    def _end(self, last: Stop, args: tuple[Any, ...], caller: From | None) -> None:
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
            process.node.reports.add(ServerTerminated, self, args[0] if args else None, reason, caller)
            process.node.reports.crash(process, reason)
        bury(process, reason)  # it dies when this callback returns, which is cheaper than raising through it

    # The task driver.

    async def live(self, ack: Ack, args: tuple[Any, ...]) -> None:
        """Run ``init``, then serve. Called by the start protocol."""
        more = self._begun(await resolved(self.init(*args)))
        if isinstance(more, Ignore):
            ack.ignored()
            return
        if isinstance(more, Fail):
            ack.failed(more.reason)
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
                await self._end_task(more, args, caller)
            callback, args, caller = self.handle_continue, (more.continue_,), None

    async def _end_task(self, last: Stop, args: tuple[Any, ...], caller: From | None) -> None:
        reason = last.reason
        if current().is_condemned():
            raise ExitProcess(reason)
        try:
            await resolved(self.terminate(reason))
        except CRASHES as error:  # it replaces the reason (rule G-13)
            reason = reason_of(error)
        if last.reply is not UNSET and caller is not None:
            caller.answer(last.reply)
        process = current()
        if reason.is_abnormal and process.pid.is_alive:
            process.node.reports.add(ServerTerminated, self, args[0] if args else None, reason, caller)
        raise ExitProcess(reason)


_PROTOCOL = frozenset((Call, Cast, StopRequest, Exit, SystemMessage, Continue, Idle))
"""Messages that mean something to every server; whatever else comes goes to `handle_info`."""


def _nothing() -> None:
    """What a timeout that was cancelled in time does."""
