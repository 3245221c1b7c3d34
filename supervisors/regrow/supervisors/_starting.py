"""Starting one child, with the outcome as a value, and the report if it fails."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import CoroutineType
from typing import TYPE_CHECKING, cast, final

from regrow.actors import BadReturn, ExitProcess, ExitReason, InitFailedError, Pid, reason_of, self_

from ._report import StartError, publish

if TYPE_CHECKING:
    from collections.abc import Awaitable, Hashable

    from ._child_spec import ChildSpec

__all__ = ["FailedToStart", "start"]


@final
@dataclass(frozen=True, slots=True)
class FailedToStart:
    """Why a supervisor did not start: the detail of the `Shutdown` it exits with (rule U-2)."""

    child: Hashable
    """The id of the child that failed."""
    reason: ExitReason
    """Why it failed."""


async def start(spec: ChildSpec) -> Pid | ExitReason | None:
    """Start a child: its pid, None if it is not wanted, or the reason why it failed, which is reported.

    Runs as the supervisor. Waits until the child is ready and, because an inline child is ready when its start
    function returns, does not suspend for one: thousands are restarted in one go.
    """
    try:
        started: object = spec.start(*spec.args)
        # Nearly all are coroutines; `isawaitable` alone costs a microsecond.
        if started.__class__ is CoroutineType or inspect.isawaitable(started):
            started = await cast("Awaitable[object]", started)
    except InitFailedError as error:
        return _failed(spec, error.reason)
    except (Exception, ExitProcess) as error:  # noqa: BLE001 - whatever a start function raises is a failed start
        return _failed(spec, reason_of(error))
    if started is None or isinstance(started, Pid):
        return started
    name = getattr(spec.start, "__qualname__", repr(spec.start))
    return _failed(spec, BadReturn(name, repr(started), "a Pid or None"))


def _failed(spec: ChildSpec, reason: ExitReason) -> ExitReason:
    publish(StartError, self_(), spec.id, reason)
    return reason
