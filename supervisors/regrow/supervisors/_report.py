"""What a supervisor tells the log, as values.

Each says which supervisor, and as ``offender`` the spec of the child; the arguments of a temporary one are gone by
then. Storms are summarised by the node. See: OTP ``supervisor``.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from regrow.actors import Report, current_node

if TYPE_CHECKING:
    from collections.abc import Hashable

    from regrow.actors import ExitReason, Pid

    from ._child_spec import ChildSpec
    from ._intensity import RestartLimit

__all__ = [
    "ChildGivenUp",
    "ChildRestarted",
    "ChildStarted",
    "ChildTerminated",
    "ShutdownError",
    "StartError",
    "SupervisorShutdown",
    "publish",
]


def publish(kind: type[Report], *fields: object) -> None:
    """Report ``kind(*fields)`` to the node's listeners and log."""
    current_node().reports.add(kind, *fields)


class _ChildReport(Report):
    """What happened to one child."""

    __slots__ = ()
    supervisor: Pid
    offender: ChildSpec

    @property
    def child(self) -> Hashable:
        """The id of the child."""
        return self.offender.id

    def _about(self) -> str:
        return f"supervisor {self.supervisor}: child {self.offender.id!r}"


@final
@dataclass(frozen=True, slots=True)
class ChildTerminated(_ChildReport):
    """A child ended by itself: a permanent one for any reason, another abnormally. See: OTP ``child_terminated``."""

    supervisor: Pid
    offender: ChildSpec
    pid: Pid
    reason: ExitReason
    label = "child_terminated"

    def __str__(self) -> str:
        return f"{self._about()} {self.pid} terminated: {self.reason}"


@final
@dataclass(frozen=True, slots=True)
class ChildStarted(_ChildReport):
    """A child came up with its static supervisor. See: OTP ``progress``.

    Nobody needs to be told of a child that started on request: whoever asked knows.
    """

    supervisor: Pid
    offender: ChildSpec
    pid: Pid
    label = "child_started"
    level = logging.INFO

    def __str__(self) -> str:
        return f"{self._about()} started as {self.pid}"


@final
@dataclass(frozen=True, slots=True)
class ChildRestarted(_ChildReport):
    """A child runs again after a restart. See: OTP ``progress``."""

    supervisor: Pid
    offender: ChildSpec
    predecessor: Pid | None
    """The incarnation before; None if it never ran."""
    pid: Pid
    label = "child_restarted"
    level = logging.INFO

    def __str__(self) -> str:
        return f"{self._about()} {self.predecessor} restarted as {self.pid}"


@final
@dataclass(frozen=True, slots=True)
class StartError(_ChildReport):
    """A child failed to start. See: OTP ``start_error``."""

    supervisor: Pid
    offender: ChildSpec
    reason: ExitReason
    label = "start_error"

    def __str__(self) -> str:
        return f"{self._about()} failed to start: {self.reason}"


@final
@dataclass(frozen=True, slots=True)
class ShutdownError(_ChildReport):
    """A child that was told to stop ended for another reason. See: OTP ``shutdown_error`` (rule U-19)."""

    supervisor: Pid
    offender: ChildSpec
    pid: Pid
    reason: ExitReason
    label = "shutdown_error"

    def __str__(self) -> str:
        return f"{self._about()} {self.pid} did not shut down: {self.reason}"


@final
@dataclass(frozen=True, slots=True)
class ChildGivenUp(_ChildReport):
    """A child exceeded its own restart limit and is dropped; the supervisor goes on."""

    supervisor: Pid
    offender: ChildSpec
    limit: RestartLimit
    label = "child_given_up"

    def __str__(self) -> str:
        return f"{self._about()} given up: more than {self.limit.intensity} restarts in {self.limit.period} s"


@final
@dataclass(frozen=True, slots=True)
class SupervisorShutdown(_ChildReport):
    """A supervisor exceeded its restart intensity and exits. See: OTP ``reached_max_restart_intensity`` (U-12)."""

    supervisor: Pid
    offender: ChildSpec
    """The child whose restart was one too many."""
    limit: RestartLimit
    label = "supervisor_shutdown"

    def __str__(self) -> str:
        return (
            f"supervisor {self.supervisor} gives up: more than {self.limit.intensity} restarts "
            f"in {self.limit.period} s, the last of child {self.child!r}"
        )
