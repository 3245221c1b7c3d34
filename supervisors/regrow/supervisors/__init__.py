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

from ._auto_shutdown import AutoShutdown
from ._child_spec import BRUTAL_KILL, BrutalKill, ChildSpec, ChildType, Restart, Started
from ._dynamic_supervisor import DynamicSupervisor
from ._errors import (
    ApplicationAlreadyStartedError,
    ApplicationDeadlockError,
    ApplicationError,
    ApplicationExitedError,
    ApplicationNotStartedError,
    ApplicationStartError,
    BadApplicationError,
    BadChildSpecError,
    BadCombinationError,
    BadLimitError,
    BadOptionError,
    ChildAlreadyStartedError,
    ChildPresentError,
    ChildRestartingError,
    ChildRunningError,
    ConfigChangeError,
    DeadlockError,
    DuplicateChildError,
    MaxChildrenError,
    StartChildError,
    SupervisorError,
    UnknownChildError,
)
from ._flags import check_childspecs
from ._intensity import RestartLimit, RestartWindow
from ._report import (
    ChildGivenUp,
    ChildRestarted,
    ChildStarted,
    ChildTerminated,
    ShutdownError,
    StartError,
    SupervisorShutdown,
)
from ._requests import (
    RESTARTING,
    ChildInfo,
    Counts,
    Restarting,
    count_children,
    delete_child,
    get_childspec,
    request_child,
    restart_child,
    restart_child_with_info,
    start_child,
    start_child_soon,
    start_child_with_info,
    terminate_child,
    which_child,
    which_children,
)
from ._restart import Sequel, sequel
from ._starting import AlreadyStarted, FailedToStart
from ._strategy import Strategy
from ._supervisor import Supervisor
from ._task_supervisor import TaskSupervisor

__all__ = [
    "BRUTAL_KILL",
    "RESTARTING",
    "AlreadyStarted",
    "ApplicationAlreadyStartedError",
    "ApplicationDeadlockError",
    "ApplicationError",
    "ApplicationExitedError",
    "ApplicationNotStartedError",
    "ApplicationStartError",
    "AutoShutdown",
    "BadApplicationError",
    "BadChildSpecError",
    "BadCombinationError",
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
    "ChildStarted",
    "ChildTerminated",
    "ChildType",
    "ConfigChangeError",
    "Counts",
    "DeadlockError",
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
    "Started",
    "Strategy",
    "Supervisor",
    "SupervisorError",
    "SupervisorShutdown",
    "TaskSupervisor",
    "UnknownChildError",
    "check_childspecs",
    "count_children",
    "delete_child",
    "get_childspec",
    "request_child",
    "restart_child",
    "restart_child_with_info",
    "sequel",
    "start_child",
    "start_child_soon",
    "start_child_with_info",
    "terminate_child",
    "which_child",
    "which_children",
]
