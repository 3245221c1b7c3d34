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

from ._application import Application, StartType
from ._application_env import delete_env, get_all_env, get_env, put_env
from ._application_report import ApplicationCallbackFailed, ApplicationExited, ApplicationStarted, ApplicationStopped
from ._application_requests import change_config, ensure_all_started, start_application, stop_application
from ._application_restart import ApplicationRestart
from ._application_standing import ApplicationInfo, get_application, which_applications
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
from ._partition_supervisor import PartitionSupervisor, partition_of
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
    "Application",
    "ApplicationAlreadyStartedError",
    "ApplicationCallbackFailed",
    "ApplicationDeadlockError",
    "ApplicationError",
    "ApplicationExited",
    "ApplicationExitedError",
    "ApplicationInfo",
    "ApplicationNotStartedError",
    "ApplicationRestart",
    "ApplicationStartError",
    "ApplicationStarted",
    "ApplicationStopped",
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
    "PartitionSupervisor",
    "Restart",
    "RestartLimit",
    "RestartWindow",
    "Restarting",
    "Sequel",
    "ShutdownError",
    "StartChildError",
    "StartError",
    "StartType",
    "Started",
    "Strategy",
    "Supervisor",
    "SupervisorError",
    "SupervisorShutdown",
    "TaskSupervisor",
    "UnknownChildError",
    "change_config",
    "check_childspecs",
    "count_children",
    "delete_child",
    "delete_env",
    "ensure_all_started",
    "get_all_env",
    "get_application",
    "get_childspec",
    "get_env",
    "partition_of",
    "put_env",
    "request_child",
    "restart_child",
    "restart_child_with_info",
    "sequel",
    "start_application",
    "start_child",
    "start_child_soon",
    "start_child_with_info",
    "stop_application",
    "terminate_child",
    "which_applications",
    "which_child",
    "which_children",
]
