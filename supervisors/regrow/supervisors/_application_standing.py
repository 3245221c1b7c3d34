"""Where each application of a node stands, readable by everybody without asking anybody."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from regrow.actors import SetTable, ancestors, self_, whereis_table

if TYPE_CHECKING:
    from regrow.actors import Pid

    from ._application import Application
    from ._application_restart import ApplicationRestart

__all__ = [
    "STANDINGS",
    "ApplicationInfo",
    "Phase",
    "Standing",
    "get_application",
    "is_of",
    "standing_of",
    "which_applications",
]

STANDINGS = "application_controller"
"""The name of the table: a `Standing` under the name of each application that has been started and not stopped."""


class Phase(enum.Enum):
    """A station in the life of an application."""

    STARTING = enum.auto()
    RUNNING = enum.auto()
    STOPPING = enum.auto()
    EXITED = enum.auto()
    """It ended by itself; it may be started again, and stopping it is no error."""


@final
@dataclass(frozen=True, slots=True)
class Standing:
    """Where one application stands.

    Invariant: ``(supervisor is None) == (phase is Phase.STARTING)``.
    """

    application: type[Application]
    restart: ApplicationRestart
    number: int
    """The position in the order of starts on this node."""
    master: Pid
    phase: Phase = Phase.STARTING
    supervisor: Pid | None = None


@final
@dataclass(frozen=True, slots=True)
class ApplicationInfo:
    """One application that runs. See: OTP ``application:which_applications/0``."""

    application: type[Application]
    restart: ApplicationRestart
    supervisor: Pid
    """The top of its tree."""


def which_applications() -> list[ApplicationInfo]:
    """The applications that run, last started first. Does not wait, and works in ports and timers.

    Raises:
        NotAProcessError: the caller belongs to no node.

    See: OTP ``application:which_applications/0``.
    """
    running = [standing for standing in _standings() if standing.phase is Phase.RUNNING]
    running.sort(key=lambda standing: standing.number, reverse=True)
    return [
        ApplicationInfo(standing.application, standing.restart, standing.supervisor)
        for standing in running
        if standing.supervisor is not None
    ]


def get_application(pid: Pid | None = None) -> type[Application] | None:
    """The application that a process belongs to, by default the running one; None if to none.

    A process belongs to the application whose master is one of its living ancestors.

    See: OTP ``application:get_application/1``.
    """
    process = self_() if pid is None else pid
    return next((standing.application for standing in _standings() if is_of(process, standing.master)), None)


def is_of(process: Pid, master: Pid) -> bool:
    """Whether a process is the master of an application or one that comes of it."""
    return process is master or master in ancestors(process)


def standing_of(application: type[Application]) -> Standing | None:
    """Where an application stands; None if it was never started, or was stopped."""
    table = _table()
    return None if table is None else table.lookup(application.name)


def _standings() -> list[Standing]:
    table = _table()
    return [] if table is None else [standing for _, standing in table.to_list()]


def _table() -> SetTable[str, Standing] | None:
    table = whereis_table(STANDINGS)
    return table if isinstance(table, SetTable) else None
