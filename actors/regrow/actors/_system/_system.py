"""System messages: what every behaviour answers beside its own protocol. See: OTP ``sys``, chapter "Special Processes".

A system message is an ordinary message and waits its turn (rule Y-4). A behaviour takes part by being a `Special`
(its parent, and what to do with its state) and by handing each `SystemMessage` it takes to one function:

* in an inline process, ``reason = take_system_message(self, message)``;
* in a task, ``reason = await serve_system_message(self, message)``.

An inline behaviour must also take a `StopRequest`: it is how one that is suspended is told to terminate.

Both return None to go on with the next message, or the reason to terminate with. Everything else is done here:
suspending and resuming, holding back mail in the meantime, the parent's exit, debugging, and putting the old state
back when a change fails. A whole second behaviour is::

    async def live(self, ack, args):
        ack.ready()
        process = current()
        while True:
            message = await process.wait()
            if type(message) is SystemMessage:
                reason = await serve_system_message(self, message)
                if reason is not None:
                    raise ExitProcess(reason)
            else:
                ...

`_server_state` has what a behaviour needs whose attributes are its state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from regrow.actors._errors import CallbackFailedError, NotSuspendedError
from regrow.actors._processes._context import current
from regrow.actors._processes._exit import CRASHES, bad_return, reason_of
from regrow.actors._processes._inline import InlineProcess
from regrow.actors._processes._signals import Exit
from regrow.actors._processes._task import TaskProcess
from regrow.actors._servers._call import StopRequest
from regrow.actors._servers._callbacks import resolved
from regrow.actors._system._system_events import Debugging, Option
from regrow.actors._system._system_messages import (
    AddOption,
    ChangeCode,
    DropOption,
    GetLog,
    GetState,
    GetStatistics,
    GetStatus,
    NoDebug,
    Refused,
    RemoveHook,
    ReplaceState,
    Resume,
    Suspend,
    SystemMessage,
    Terminate,
)
from regrow.actors._system._system_status import Mode, ProcessStatus, Status, formatted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from regrow.actors._processes._exit import ExitReason
    from regrow.actors._servers._special import Special
    from regrow.actors._system._system_messages import SystemRequest

__all__ = ["serve_system_message", "start_debugging", "take_system_message"]


def take_system_message(behaviour: Special, message: SystemMessage) -> ExitReason | None:
    """Answer a system message as an inline process: None to go on, or the reason to terminate with.

    A process that is suspended goes on too, with another receiver in the place of its own.
    """
    process = current()
    assert isinstance(process, InlineProcess)
    step = _perform(behaviour, message, Mode.RUNNING)
    if step is Mode.SUSPENDED:
        process.receive = _Suspension(behaviour, process)
        process.scheduler.give_back(process, [])
    elif step is Mode.RUNNING:
        behaviour.system_continue()
    return None if isinstance(step, Mode) else step


async def serve_system_message(behaviour: Special, message: SystemMessage) -> ExitReason | None:
    """Answer a system message as a task: None to go on, or the reason to terminate with.

    If it suspends the process this returns when it is resumed.
    """
    process = current()
    assert isinstance(process, TaskProcess)
    mode = Mode.RUNNING

    def matters(candidate: object) -> bool:
        return _matters(behaviour, candidate)

    while True:
        if type(message.request) is ChangeCode:
            await _change_code_in_task(behaviour, message, message.request, mode)
            step: Mode | ExitReason = mode
        else:
            step = _perform(behaviour, message, mode)
        if not isinstance(step, Mode):
            return step
        if step is Mode.RUNNING:
            behaviour.system_continue()
            return None
        mode = step
        taken: Any = await process.wait((matters,))
        if type(taken) is not SystemMessage:
            reason: ExitReason = taken.reason
            return reason
        message = taken


def start_debugging(behaviour: Special, options: Iterable[Option]) -> None:
    """Begin to debug a process that is being started. See: OTP option ``{debug, [Option]}``."""
    for option in options:
        _add_option(behaviour, option)


@final
class _Suspension:
    """The receiver of an inline process that is suspended: it holds back all mail that is not for it (rule Y-1)."""

    __slots__ = ("_behaviour", "_is_over", "_process", "_receive", "held")

    held: list[object]
    """What is taken first, in this order, when the process is resumed."""

    def __init__(self, behaviour: Special, process: InlineProcess) -> None:
        self._behaviour = behaviour
        self._process = process
        self._receive = process.receive
        self._is_over = False
        self.held = []

    def __call__(self, message: object) -> None:
        if self._is_over:  # yet still called, by a receiver that was put before this one
            self._receive(message)
        elif not _matters(self._behaviour, message):
            self.held.append(message)
        elif not isinstance(message, SystemMessage):
            self._receive(message)
        else:
            step = _perform(self._behaviour, message, Mode.SUSPENDED)
            if step is Mode.RUNNING:
                self._end()
            elif not isinstance(step, Mode):
                self._receive(StopRequest(step))

    def _end(self) -> None:
        self._is_over = True
        if self._process.receive is self:
            self._process.receive = self._receive
        held, self.held = self.held, []
        self._behaviour.system_continue()
        self._process.scheduler.give_back(self._process, held)


def _matters(behaviour: Special, message: object) -> bool:
    """Whether a suspended process takes a message: what sys or `stop` asks, and its parent's exit (Y-1, Y-5)."""
    if isinstance(message, Exit):
        return message.pid is behaviour._parent
    return isinstance(message, (SystemMessage, StopRequest))


def _perform(behaviour: Special, message: SystemMessage, mode: Mode) -> Mode | ExitReason:
    """Do what is asked and answer it; what becomes of the process."""
    request = message.request
    answer: Any = None
    step: Mode | ExitReason = mode
    if isinstance(request, Suspend):
        step = Mode.SUSPENDED
    elif isinstance(request, Resume):
        step = Mode.RUNNING
    elif isinstance(request, Terminate):
        step = request.reason
    else:
        answer = _answer(behaviour, request, mode)
    message.caller.answer(answer)
    return step


def _answer(behaviour: Special, request: SystemRequest, mode: Mode) -> Any:
    match request:
        case GetState():
            return _guarded(behaviour.system_get_state)
        case ReplaceState(function):
            return _guarded(behaviour.system_replace_state, function, blamed=function)
        case GetStatus():
            return _status_of(behaviour, mode)
        case ChangeCode():
            return _change_code(behaviour, request, mode)
        case _:
            return _debug(behaviour, request)


def _guarded(callback: Callable[..., Any], *args: Any, blamed: Callable[..., Any] | None = None) -> Any:
    try:
        return callback(*args)
    except CRASHES as error:  # whoever asked hears of it, and the process lives on (rule Y-2)
        return Refused(CallbackFailedError(blamed or callback, reason_of(error)))


def _status_of(behaviour: Special, mode: Mode) -> ProcessStatus:
    process = current()
    debugging = behaviour._debugging
    state = _guarded(behaviour.system_get_state)
    if isinstance(state, Refused):
        state = f"<{state.error}>"
    status = Status(state, log=() if debugging is None else debugging.log)
    options = () if debugging is None else debugging.options
    return ProcessStatus(
        process.pid, process.name, type(behaviour), mode, behaviour._parent, options, formatted(behaviour, status)
    )


# Changing code: only while suspended, and all or nothing (rule Y-3).


def _change_code(behaviour: Special, request: ChangeCode, mode: Mode) -> Refused | None:
    if mode is not Mode.SUSPENDED:
        return Refused(NotSuspendedError(behaviour.pid))
    restore = behaviour.system_checkpoint()
    try:
        outcome = behaviour.system_code_change(request.actor, request.old_version, request.extra)
    except CRASHES as error:
        restore()
        return Refused(CallbackFailedError(behaviour.system_code_change, reason_of(error)))
    return _accepted(behaviour, outcome, restore)


async def _change_code_in_task(behaviour: Special, message: SystemMessage, request: ChangeCode, mode: Mode) -> None:
    message.caller.answer(await _awaited_change(behaviour, request, mode))


async def _awaited_change(behaviour: Special, request: ChangeCode, mode: Mode) -> Refused | None:
    if mode is not Mode.SUSPENDED:
        return Refused(NotSuspendedError(behaviour.pid))
    restore = behaviour.system_checkpoint()
    try:
        outcome = await resolved(behaviour.system_code_change(request.actor, request.old_version, request.extra))
    except CRASHES as error:
        restore()
        return Refused(CallbackFailedError(behaviour.system_code_change, reason_of(error)))
    return _accepted(behaviour, outcome, restore)


def _accepted(behaviour: Special, outcome: object, restore: Callable[[], None]) -> Refused | None:
    if outcome is None:
        return None
    restore()
    reason = bad_return(behaviour.system_code_change, outcome, "None")
    return Refused(CallbackFailedError(behaviour.system_code_change, reason))


# Debugging: the events go to one `Debugging`, which exists while something is done with them.


def _debug(behaviour: Special, request: SystemRequest) -> Any:
    debugging = behaviour._debugging
    match request:
        case AddOption(option):
            _add_option(behaviour, option)
        case GetLog():
            return () if debugging is None else debugging.log
        case GetStatistics():
            return None if debugging is None else debugging.totals
        case DropOption(kind) if debugging is not None:
            debugging.drop(kind)
        case RemoveHook(key) if debugging is not None:
            debugging.remove(key)
        case NoDebug() if debugging is not None:
            _stop_debugging(behaviour)
        case _:
            pass
    if debugging is not None and not debugging.options:
        _stop_debugging(behaviour)
    return None


def _add_option(behaviour: Special, option: Option) -> None:
    if behaviour._debugging is None:
        behaviour._debugging = debugging = Debugging(behaviour)
        behaviour.system_observe(debugging.tell)
    behaviour._debugging.add(option)


def _stop_debugging(behaviour: Special) -> None:
    behaviour._debugging = None
    behaviour.system_observe(None)
