"""Who comes back, when, and in what order: OTP supervisors for `regrow.actors`.

A supervisor is a process that starts children, watches them, and restarts those that end::

    supervisor = await Supervisor.start_link(
        [
            ChildSpec("counter", Counter.start_link, (0,)),
            ChildSpec("rooms", DynamicSupervisor.start_link, type=ChildType.SUPERVISOR),
        ],
        strategy=Strategy.ONE_FOR_ONE,
    )
"""

from __future__ import annotations

from ._child_spec import BRUTAL_KILL, BrutalKill, ChildSpec, ChildType, Restart
from ._dynamic_supervisor import DynamicSupervisor
from ._errors import (
    BadChildSpecError,
    BadLimitError,
    BadOptionError,
    ChildAlreadyStartedError,
    ChildPresentError,
    ChildRestartingError,
    ChildRunningError,
    DuplicateChildError,
    MaxChildrenError,
    StartChildError,
    SupervisorError,
    UnknownChildError,
)
from ._intensity import RestartLimit, RestartWindow
from ._report import ChildGivenUp, ChildRestarted, ChildTerminated, ShutdownError, StartError, SupervisorShutdown
from ._requests import (
    RESTARTING,
    ChildInfo,
    Counts,
    Restarting,
    count_children,
    delete_child,
    request_child,
    restart_child,
    start_child,
    start_child_soon,
    terminate_child,
    which_children,
)
from ._restart import Sequel, sequel
from ._starting import FailedToStart
from ._strategy import Strategy
from ._supervisor import Supervisor

__all__ = [
    "BRUTAL_KILL",
    "RESTARTING",
    "BadChildSpecError",
    "BadLimitError",
    "BadOptionError",
    "BrutalKill",
    "ChildAlreadyStartedError",
    "ChildGivenUp",
    "ChildInfo",
    "ChildPresentError",
    "ChildRestarted",
    "ChildRestartingError",
    "ChildRunningError",
    "ChildSpec",
    "ChildTerminated",
    "ChildType",
    "Counts",
    "DuplicateChildError",
    "DynamicSupervisor",
    "FailedToStart",
    "MaxChildrenError",
    "Restart",
    "RestartLimit",
    "RestartWindow",
    "Restarting",
    "Sequel",
    "ShutdownError",
    "StartChildError",
    "StartError",
    "Strategy",
    "Supervisor",
    "SupervisorError",
    "SupervisorShutdown",
    "UnknownChildError",
    "count_children",
    "delete_child",
    "request_child",
    "restart_child",
    "sequel",
    "start_child",
    "start_child_soon",
    "terminate_child",
    "which_children",
]
