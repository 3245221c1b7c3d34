"""GenStatem: a process that is a state machine. Instance attributes are its data.

What an outcome does stands in `_gen_statem_machine`; here are the callbacks, and the two drivers that call them:
one that calls, one that awaits.
"""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, ClassVar, final

import trio

from regrow.actors._processes._context import current
from regrow.actors._processes._exit import CRASHES, ExitProcess, ExitReason, bad_return, reason_of
from regrow.actors._processes._inline import InlineProcess
from regrow.actors._processes._process import bury
from regrow.actors._processes._reports import ServerTerminated
from regrow.actors._processes._signals import Exit
from regrow.actors._processes._start import Ack, Ignore, start_inline, start_task
from regrow.actors._processes._task import TaskProcess
from regrow.actors._servers._call import Call, Cast, From, StopRequest
from regrow.actors._servers._callbacks import are_plain, resolved
from regrow.actors._servers._outcomes import UNSET, Fail, Stop
from regrow.actors._servers._server_state import become
from regrow.actors._state_machines._gen_statem_callbacks import CALLBACKS, StatemCallbacks
from regrow.actors._state_machines._gen_statem_events import Info
from regrow.actors._state_machines._gen_statem_machine import BEGINNING, Machine, RefusedError, check_reply
from regrow.actors._state_machines._gen_statem_observed import observed_arrival, observed_settling
from regrow.actors._state_machines._gen_statem_outcomes import Next, StopAndReply
from regrow.actors._state_machines._gen_statem_states import states_of
from regrow.actors._system._system import serve_system_message, start_debugging, take_system_message
from regrow.actors._system._system_messages import SystemMessage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from regrow.actors._processes._names import Name
    from regrow.actors._processes._pid import Pid
    from regrow.actors._processes._timers import Timer
    from regrow.actors._system._system_events import Debugging, Event, Option

__all__ = ["GenStatem"]


@final
@dataclass(frozen=True, slots=True)
class _Rang:
    """A timer of the machine ran out."""

    key: object
    timer: Timer


@final
@dataclass(frozen=True, slots=True)
class _Begin:
    """What ``init`` of an inline process put off: the start is over before the first state is entered."""

    outcome: Next


class GenStatem(StatemCallbacks):
    """Subclass it and define ``init`` and the states; instance attributes are the data.

    Either each state is a method, declared with `state`, that takes an event::

        class Door(GenStatem):
            def init(self, code):
                self.code = code
                return Next(self.locked)

            @state
            def locked(self, event):
                match event:
                    case Cast(code) if code == self.code:
                        return Next(self.open, After(10, StateTimeout()))

            @state
            def open(self, event):
                match event:
                    case StateTimeout():
                        return Next(self.locked)
                    case Cast():
                        return Keep(POSTPONE)

    or `handle_event` takes them all, and a state is any value that can be compared. One event is handled at a time.
    It is answered with `Next`, `Keep`, `Repeat`, `Stop` or `StopAndReply`; None keeps the state, except for a call,
    which wants an explicit outcome.

    If every callback and every state is a plain function the process is inline; if any is ``async def`` it is a
    trio task. `call`, `cast`, `send_request`, `reply` and `stop` work as with a `GenServer`.

    A callback that raises, or returns something outside its contract, ends the process after ``terminate``.

    See: OTP ``gen_statem``.
    """

    _inline: ClassVar[bool] = True
    _debugging: Debugging | None = None
    _parent: Pid | None = None

    def __init_subclass__(cls) -> None:
        """Find the states and choose the driver."""
        super().__init_subclass__()
        cls._states = states = states_of(cls)
        for name in states:
            if hasattr(GenStatem, name):
                raise TypeError(f"{cls.__qualname__} cannot have a state {name!r}: GenStatem.{name} is something else")
        cls._inline = are_plain(cls, CALLBACKS) and not any(
            inspect.iscoroutinefunction(state.function) for state in states.values()
        )

    @classmethod
    async def start_link(
        cls, *args: Any, name: Name | None = None, timeout: float = math.inf, debug: Iterable[Option] = ()
    ) -> Pid | None:
        """Start a linked process and wait until ``init(*args)`` has returned; then the first state is entered.

        None if it returned `IGNORE`. ``timeout`` in seconds bounds ``init`` of a task process.
        ``debug`` lists what is done with its events from the first on: `sys.Trace`, `sys.Log` and so on.

        Raises:
            AlreadyStartedError: the name is held by a living process; ``init`` did not run.
            InitFailedError: ``init`` raised or returned `Stop` or `Fail`; ``terminate`` does not run.
            TypeError: the class has neither states nor a `handle_event`.

        See: OTP ``gen_statem:start_link/4``.
        """
        machine = cls._made()
        machine._parent = current().pid
        start_debugging(machine, debug)
        if cls._inline:
            return start_inline(machine, args, linked=True, name=name)
        return await start_task(machine, args, linked=True, name=name, timeout=timeout)

    @classmethod
    async def start(
        cls, *args: Any, name: Name | None = None, timeout: float = math.inf, debug: Iterable[Option] = ()
    ) -> Pid | None:
        """Like `start_link`, without the link: nobody is its parent. See: OTP ``gen_statem:start/4``."""
        machine = cls._made()
        start_debugging(machine, debug)
        if cls._inline:
            return start_inline(machine, args, linked=False, name=name)
        return await start_task(machine, args, linked=False, name=name, timeout=timeout)

    @classmethod
    def _made(cls) -> GenStatem:
        if not cls._states and cls.handle_event is StatemCallbacks.handle_event:
            raise TypeError(
                f"{cls.__qualname__} has no states: declare methods with @state, or define handle_event(event, state)"
            )
        return cls()

    @property
    def is_hibernating(self) -> bool:
        """Whether the last event was answered with `HIBERNATE`, and none waits."""
        return self._machine.hibernates

    # The rules: which event a message is, and what the outcome of one does.

    def _arrived(self, message: Any) -> Any:
        """What a message is: an event, a `Stop`, or None if it is nothing any more."""
        kind = message.__class__
        if kind is Call or kind is Cast:
            return message
        if kind is _Rang:
            return self._machine.timeouts.rang(message.key, message.timer)
        if kind is StopRequest:
            return Stop(message.reason)
        if kind is Exit and message.pid is self._parent:
            return Stop(message.reason)
        if kind is _Begin:
            return self._settle(BEGINNING, message.outcome)
        if kind is SystemMessage:
            return _going_on(take_system_message(self, message))
        return Info(message)

    def _settle(self, event: Any, outcome: Any) -> Any:
        """Carry out an outcome: the event to handle next, a `Stop`, or None to look at the mailbox."""
        machine = self._machine
        acting = machine.acting
        try:
            kind = outcome.__class__
            if kind is Stop or kind is StopAndReply:
                return _last(outcome)
            if kind is Next and self._states:
                self._check_state(outcome.state)
            return machine.settle(event, outcome)
        except RefusedError as refusal:
            return Stop(bad_return(self._callback(event, acting), outcome, str(refusal)))

    def _callback(self, event: Any, acting: Any) -> Callable[..., object]:
        if event is BEGINNING:
            return self.init
        return self._states[acting].function if self._states else self.handle_event

    def _begun(self, outcome: Any) -> Next | Ignore | Fail:
        """Carry out what ``init`` returned, up to the entering of the first state. Raises if it is a stop."""
        if isinstance(outcome, Ignore | Fail):
            return outcome
        if isinstance(outcome, Stop):
            raise ExitProcess(outcome.reason)
        if not isinstance(outcome, Next):
            raise ExitProcess(bad_return(self.init, outcome, "Next, IGNORE, Fail or Stop"))
        if self._states:
            try:
                self._check_state(outcome.state)
            except RefusedError as refusal:
                raise ExitProcess(bad_return(self.init, outcome, str(refusal))) from None
        self._machine = Machine(outcome.state, self._alarm, enters=self.state_enter)
        return outcome

    def _alarm(self, seconds: float, key: object) -> Timer:
        process = current()
        timer: Timer = process.node.timers.after(
            seconds, lambda: process.post(_Rang(key, timer)) if process.pid.is_alive else None
        )
        return timer

    # System messages: see `_system.Special`.

    def system_continue(self) -> None:
        """Nothing was put off: timeouts run on while the machine is suspended."""

    def system_code_change(self, actor: type | None, old_version: Any, extra: Any, /) -> Any:
        """Become an ``actor``, and have its `code_change` convert state and data."""
        if actor is not None:
            if not issubclass(actor, GenStatem) or actor._inline is not self._inline:
                driver = "plain functions" if self._inline else "some of them `async def`"
                raise TypeError(f"{type(self).__qualname__} becomes only a GenStatem whose callbacks are {driver}")
            become(self, actor)
        outcome = self.code_change(old_version, self._machine.state, extra)
        if outcome.__class__ is CoroutineType:
            return self._changed_later(outcome)
        return self._changed(outcome)

    async def _changed_later(self, outcome: Awaitable[Any]) -> Any:
        return self._changed(await outcome)

    def _changed(self, outcome: Any) -> Any:
        """Take over what `code_change` returned; the outcome itself if it may not be."""
        machine = self._machine
        if type(outcome) is Next and not outcome.actions:
            machine.state = machine.acting = outcome.state
        elif outcome is not None:
            return outcome
        self._check_state(machine.state)
        machine.enters = self.state_enter
        return None

    def system_observe(self, tell: Callable[[Event], None] | None, /) -> None:
        """Tell each message taken, each transition and each reply: by other rules, for this one machine."""
        own = vars(self)
        if tell is None:
            del own["_arrived"], own["_settle"]
        else:
            own["_arrived"] = partial(observed_arrival, self._arrived, tell)
            own["_settle"] = partial(observed_settling, self._settle, tell, self)

    # The inline driver.

    def begin(self, *args: Any) -> Ignore | Fail | None:
        """Run ``init``. Called by the start protocol."""
        outcome = self._begun(self.init(*args))
        if isinstance(outcome, Ignore | Fail):
            return outcome
        if outcome.actions or self.state_enter:
            process = self.pid.process
            assert isinstance(process, InlineProcess)
            process.post_first(_Begin(outcome))
        return None

    def dispatch(self, message: object) -> None:
        """Take one message, and every event that follows from it. Called by the inline driver."""
        event: Any = self._arrived(message)
        last = message
        while event is not None:
            if event.__class__ is Stop:
                self._end(event, last)
                return
            last = event
            try:
                event = self._settle(event, self.handle_event(event, self._machine.acting))
            except CRASHES as error:  # terminate must see the reason, and the state that was left last
                event = _crash(error)
                self._machine.acting = self._machine.state
            if event is not None and self.pid.process.doom is not None:  # type: ignore[union-attr]
                return

    def _end(self, stop: Stop, event: Any) -> None:
        process = current()
        if process.is_condemned():  # an exit signal came first: it runs no code of its target
            return
        reason = stop.reason
        try:
            self.terminate(reason, self._machine.acting)
        except CRASHES as error:  # it replaces the reason (rule G-13)
            reason = reason_of(error)
        if reason.is_abnormal:
            process.node.reports.add(ServerTerminated, self, event, reason, _caller(event))
            process.node.reports.crash(process, reason)
        bury(process, reason)  # it dies when this callback returns, which is cheaper than raising through it

    # The task driver.

    async def live(self, ack: Ack, args: tuple[Any, ...]) -> None:
        """Run ``init``, then serve. Called by the start protocol."""
        outcome = self._begun(await resolved(self.init(*args)))
        if isinstance(outcome, Ignore):
            ack.ignored()
            return
        if isinstance(outcome, Fail):
            ack.failed(outcome.reason)
            return
        ack.ready()
        await self._run(_Begin(outcome))
        process = current()
        assert isinstance(process, TaskProcess)
        while True:
            await self._run(await process.wait())

    async def _run(self, message: Any) -> None:
        event: Any
        if message.__class__ is SystemMessage:
            event = _going_on(await serve_system_message(self, message))
        else:
            event = self._arrived(message)
        last = message
        while event is not None:
            if event.__class__ is Stop:
                await self._end_task(event, last)
            last = event
            try:
                outcome = self.handle_event(event, self._machine.acting)
                if outcome.__class__ is CoroutineType:
                    outcome = await outcome
                event = self._settle(event, outcome)
            except CRASHES as error:  # terminate must see the reason, and the state that was left last
                event = _crash(error)
                self._machine.acting = self._machine.state
            if event is not None and not self.pid.is_alive:
                await trio.lowlevel.checkpoint()  # it was killed meanwhile: this is where it unwinds

    async def _end_task(self, stop: Stop, event: Any) -> None:
        reason = stop.reason
        if current().is_condemned():
            raise ExitProcess(reason)
        try:
            await resolved(self.terminate(reason, self._machine.acting))
        except CRASHES as error:  # it replaces the reason (rule G-13)
            reason = reason_of(error)
        process = current()
        if reason.is_abnormal and process.pid.is_alive:
            process.node.reports.add(ServerTerminated, self, event, reason, _caller(event))
        raise ExitProcess(reason)


def _going_on(reason: ExitReason | None) -> Any:
    """What is left to do after a system message."""
    return None if reason is None else Stop(reason)


def _caller(event: Any) -> From | None:
    return event.caller if type(event) is Call else None


def _crash(error: BaseException) -> Any:
    return Stop(reason_of(error))


def _last(outcome: Any) -> Stop:
    """What a machine that stops does first: it replies."""
    if type(outcome) is Stop:
        if outcome.reply is not UNSET:
            raise RefusedError("Stop without a reply; to reply, StopAndReply(reason, ReplyTo(caller, value))")
        return outcome
    for reply in outcome.replies:
        check_reply(reply)
        reply.caller.answer(reply.value)
    return Stop(outcome.reason)
