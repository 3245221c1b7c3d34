"""The master of one application: the process that runs its callbacks, and is the parent of its top supervisor.

See: OTP ``application_master``, whose two processes are one here, because nobody's output goes through it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import trio

from regrow.actors import (
    KILL,
    NORMAL,
    SHUTDOWN,
    BadReturn,
    Call,
    Exit,
    ExitProcess,
    ExitReason,
    Failure,
    InitFailedError,
    Pid,
    cast,
    current_node,
    exit_signal,
    link,
    reason_of,
    receive,
    reply,
    resolved,
    self_,
)

from ._application import StartType
from ._application_change import EnvChange
from ._application_report import ApplicationCallbackFailed
from ._application_standing import is_of
from ._errors import ConfigChangeError
from ._report import publish

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._application import Application

__all__ = ["MasterEnded", "MasterReady", "StopMaster", "serve_application"]

AT_ONCE = 1000
"""Processes looked at before others may run."""


@final
@dataclass(frozen=True, slots=True)
class MasterReady:
    """To the controller: the application runs."""

    master: Pid
    supervisor: Pid


@final
@dataclass(frozen=True, slots=True)
class MasterEnded:
    """To the controller: it runs no more, for this reason, or did not start.

    The master says so rather than die of the reason, because that is not its own crash.
    """

    master: Pid
    reason: ExitReason


@final
@dataclass(frozen=True, slots=True)
class StopMaster:
    """To a master: stop the application."""


async def serve_application(application: type[Application], controller: Pid) -> None:
    """The life of a master: start the application, wait for its end, and see that nothing of it stays."""
    instance = application()
    started = await _bring_up(instance)
    if isinstance(started, Pid):
        cast(controller, MasterReady(self_(), started))
        reason = await _serve(instance, started, controller)
    else:
        reason = started
    await _kill_the_rest()
    cast(controller, MasterEnded(self_(), reason))


async def _bring_up(application: Application) -> Pid | ExitReason:
    """Start the tree and go through the phases; the top supervisor, or why that failed."""
    top = await _attempt(application.start, StartType.NORMAL, application.start_args)
    if isinstance(top, ExitReason):
        return top
    if not isinstance(top, Pid):
        return BadReturn(f"{type(application).__qualname__}.start", repr(top), "the Pid of the top supervisor")
    link(top)
    for phase, args in application.start_phases:
        failure = await _attempt(application.start_phase, phase, StartType.NORMAL, args)
        if isinstance(failure, ExitReason):
            await _end(top, SHUTDOWN)
            return failure
    return top


async def _serve(application: Application, top: Pid, controller: Pid) -> ExitReason:
    while True:
        message = await receive()
        match message:
            case Exit(pid=pid, reason=reason) if pid is top:
                await _last(application, application.prep_stop)
                await _last(application, application.stop)
                return reason
            case Exit(pid=pid, reason=reason) if pid is controller:
                await _take_down(application, top, reason)
                return reason
            case StopMaster():
                await _take_down(application, top, SHUTDOWN)
                return NORMAL
            case Call(EnvChange(changed, new, removed), caller):
                outcome = await _attempt(application.config_change, changed, new, removed)
                failed = isinstance(outcome, ExitReason)
                reply(caller, ConfigChangeError(application.name, outcome) if failed else None)
            case _:
                pass


async def _take_down(application: Application, top: Pid, reason: ExitReason) -> None:
    """Prepare, stop the tree, clean up: in this order."""
    await _last(application, application.prep_stop)
    await _end(top, reason)
    await _last(application, application.stop)


async def _end(top: Pid, reason: ExitReason) -> None:
    """End the tree and wait until it is gone, for as long as that takes."""
    exit_signal(top, reason)

    def is_its_exit(message: object) -> bool:
        return isinstance(message, Exit) and message.pid is top

    await receive(is_its_exit)


async def _attempt(callback: Callable[..., Any], *args: Any) -> Any:
    """What a callback returns, or the reason it failed for."""
    try:
        return await resolved(callback(*args))
    except InitFailedError as error:  # of the top supervisor, as OTP's `{error, Reason}`
        return Failure(NORMAL) if error.reason is NORMAL else error.reason
    except (Exception, ExitProcess) as error:  # noqa: BLE001 - whatever it raises, the application has failed
        return reason_of(error)


async def _last(application: Application, callback: Callable[[], Any]) -> None:
    """Run a callback of an application that stops in any case."""
    outcome = await _attempt(callback)
    if isinstance(outcome, ExitReason):
        publish(ApplicationCallbackFailed, application.name, callback.__name__, outcome)


async def _kill_the_rest() -> None:
    """Kill what the application's processes have left behind, as OTP does by group leader."""
    master = self_()
    found = True
    while found:  # one that is still to be killed may start another meanwhile
        found = False
        for count, pid in enumerate(current_node().pids(), 1):
            if count % AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
            if pid.number > master.number and is_of(pid, master):
                found = True
                exit_signal(pid, KILL)
