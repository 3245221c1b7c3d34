"""Starting one child, with the outcome as a value, and the report if it fails."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from types import CoroutineType
from typing import TYPE_CHECKING, cast, final

from regrow.actors import (
    AlreadyStartedError,
    BadReturn,
    ExitProcess,
    ExitReason,
    InitFailedError,
    Pid,
    reason_of,
    self_,
)

from ._child_spec import Started
from ._report import StartError, publish

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from ._child_spec import ChildSpec

__all__ = ["AlreadyStarted", "FailedToStart", "Outcome", "pid_of", "start", "starting_with"]


Outcome = Pid | Started | ExitReason | None
"""What comes of starting a child."""


@final
@dataclass(frozen=True, slots=True)
class FailedToStart:
    """Why a supervisor did not start: the detail of the `Shutdown` it exits with (rule U-2)."""

    child: Hashable
    """The id of the child that failed."""
    reason: ExitReason
    """Why it failed."""


@final
@dataclass(frozen=True, slots=True)
class AlreadyStarted(ExitReason):
    """Why a child did not start whose name another process holds. See: OTP ``{already_started, Pid}``."""

    pid: Pid
    """The process that holds the name."""


async def start(spec: ChildSpec) -> Outcome:
    """Start a child: its pid, as the start function told it; None if it is not wanted; or why it failed, reported.

    Runs as the supervisor. Waits until the child is ready and, because an inline child is ready when its start
    function returns, does not suspend for one: thousands are restarted in one go.
    """
    try:
        started: object = spec.start(*spec.args)
        # Nearly all are coroutines; `isawaitable` alone costs a microsecond.
        if started.__class__ is CoroutineType or inspect.isawaitable(started):
            started = await cast("Awaitable[object]", started)
    except AlreadyStartedError as error:
        return _failed(spec, AlreadyStarted(error.pid))
    except InitFailedError as error:
        return _failed(spec, error.reason)
    except (Exception, ExitProcess) as error:  # noqa: BLE001 - whatever a start function raises is a failed start
        return _failed(spec, reason_of(error))
    if started is None or isinstance(started, (Pid, Started)):
        return started
    name = getattr(spec.start, "__qualname__", repr(spec.start))
    return _failed(spec, BadReturn(name, repr(started), "a Pid, Started or None"))


def starting_with(extra: tuple[object, ...]) -> Callable[[ChildSpec], Awaitable[Outcome]]:
    """`start`, with arguments that come before those of each child."""
    if not extra:
        return start

    def start_with_more(spec: ChildSpec) -> Awaitable[Outcome]:
        return start(replace(spec, args=extra + spec.args))

    return start_with_more


def pid_of(started: Pid | Started) -> Pid:
    """The process that was started."""
    return started if isinstance(started, Pid) else started.pid


def _failed(spec: ChildSpec, reason: ExitReason) -> ExitReason:
    publish(StartError, self_(), spec, reason)
    return reason
