"""What a supervisor tells the log, as values.

Storms of them are summarised by the node. See: OTP ``supervisor``, section 1.13 of the Erlang semantics.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from regrow.actors import Report, current_node

if TYPE_CHECKING:
    from collections.abc import Hashable

    from regrow.actors import ExitReason, Pid

    from ._intensity import RestartLimit

__all__ = [
    "ChildGivenUp",
    "ChildRestarted",
    "ChildTerminated",
    "ShutdownError",
    "StartError",
    "SupervisorShutdown",
    "publish",
]


def publish(kind: type[Report], *fields: object) -> None:
    """Report ``kind(*fields)`` to the node's listeners and log."""
    current_node().reports.add(kind, *fields)


@final
@dataclass(frozen=True, slots=True)
class ChildTerminated(Report):
    """A child ended by itself: a permanent one for any reason, another abnormally. See: OTP ``child_terminated``."""

    supervisor: Pid
    child: Hashable
    pid: Pid
    reason: ExitReason
    label = "child_terminated"

    def __str__(self) -> str:
        return f"supervisor {self.supervisor}: child {self.child!r} {self.pid} terminated: {self.reason}"


@final
@dataclass(frozen=True, slots=True)
class ChildRestarted(Report):
    """A child runs again after a restart. See: OTP ``progress``."""

    supervisor: Pid
    child: Hashable
    predecessor: Pid | None
    """The incarnation before; None if it never ran."""
    pid: Pid
    label = "child_restarted"
    level = logging.INFO

    def __str__(self) -> str:
        return f"supervisor {self.supervisor}: child {self.child!r} {self.predecessor} restarted as {self.pid}"


@final
@dataclass(frozen=True, slots=True)
class StartError(Report):
    """A child failed to start. See: OTP ``start_error``."""

    supervisor: Pid
    child: Hashable
    reason: ExitReason
    label = "start_error"

    def __str__(self) -> str:
        return f"supervisor {self.supervisor}: child {self.child!r} failed to start: {self.reason}"


@final
@dataclass(frozen=True, slots=True)
class ShutdownError(Report):
    """A child that was told to stop ended for another reason. See: OTP ``shutdown_error`` (rule U-19)."""

    supervisor: Pid
    child: Hashable
    pid: Pid
    reason: ExitReason
    label = "shutdown_error"

    def __str__(self) -> str:
        return f"supervisor {self.supervisor}: child {self.child!r} {self.pid} did not shut down: {self.reason}"


@final
@dataclass(frozen=True, slots=True)
class ChildGivenUp(Report):
    """A child exceeded its own restart limit and is dropped; the supervisor goes on."""

    supervisor: Pid
    child: Hashable
    limit: RestartLimit
    label = "child_given_up"

    def __str__(self) -> str:
        return (
            f"supervisor {self.supervisor}: child {self.child!r} given up: more than {self.limit.intensity} restarts "
            f"in {self.limit.period} s"
        )


@final
@dataclass(frozen=True, slots=True)
class SupervisorShutdown(Report):
    """A supervisor exceeded its restart intensity and exits. See: OTP ``reached_max_restart_intensity`` (U-12)."""

    supervisor: Pid
    child: Hashable
    """The child whose restart was one too many."""
    limit: RestartLimit
    label = "supervisor_shutdown"

    def __str__(self) -> str:
        return (
            f"supervisor {self.supervisor} gives up: more than {self.limit.intensity} restarts "
            f"in {self.limit.period} s, the last of child {self.child!r}"
        )
