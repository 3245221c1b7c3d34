"""Every error this package raises on purpose.

::

    SupervisorError
     ├── BadChildSpecError        a field of a ChildSpec is outside its contract
     ├── BadCombinationError      a child is significant where it cannot be
     ├── BadLimitError            a field of a RestartLimit is outside its contract
     ├── BadOptionError           an option of a supervisor is outside its contract
     ├── DuplicateChildError      two child specs of one supervisor have the same id
     ├── DeadlockError            a process asks the supervisor that waits until it is ready
     ├── StartChildError          the child did not start; carries the reason
     ├── ChildAlreadyStartedError a child with this id is running; carries its pid
     ├── ChildPresentError        a child with this id exists, not running
     ├── ChildRunningError        the child is running and would have to be stopped first
     ├── ChildRestartingError     the child is being restarted
     ├── UnknownChildError        no child has this id or pid
     ├── MaxChildrenError         the dynamic supervisor is full
     └── ApplicationError
          ├── BadApplicationError            a field of an Application is outside its contract
          ├── ApplicationNotStartedError     the application, or one it needs, does not run
          ├── ApplicationAlreadyStartedError the application runs
          ├── ApplicationDeadlockError       an application waits for its own start or stop
          ├── ApplicationStartError          the application did not start; carries the reason
          ├── ApplicationExitedError         the node ended with an application; carries the reason
          └── ConfigChangeError              the application did not take its new environment

A supervisor answers requests with these as values, without a traceback; the function that asked raises them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Hashable

    from regrow.actors import ExitReason, Pid

__all__ = [
    "ApplicationAlreadyStartedError",
    "ApplicationDeadlockError",
    "ApplicationError",
    "ApplicationExitedError",
    "ApplicationNotStartedError",
    "ApplicationStartError",
    "BadApplicationError",
    "BadChildSpecError",
    "BadCombinationError",
    "BadLimitError",
    "BadOptionError",
    "ChildAlreadyStartedError",
    "ChildPresentError",
    "ChildRestartingError",
    "ChildRunningError",
    "ConfigChangeError",
    "DeadlockError",
    "DuplicateChildError",
    "MaxChildrenError",
    "StartChildError",
    "SupervisorError",
    "UnknownChildError",
]


class SupervisorError(Exception):
    """Base of all errors of this package."""


@final
class BadChildSpecError(SupervisorError, ValueError):
    """A field of a `ChildSpec` is outside its contract. See: OTP ``{start_spec, {invalid_...}}`` (rule U-4)."""

    def __init__(self, field: str, got: object, expected: str) -> None:
        super().__init__(f"ChildSpec.{field} must be {expected}, got {got!r}")
        self.field = field


@final
class BadCombinationError(SupervisorError, ValueError):
    """A child is significant where it cannot be. See: OTP ``{bad_combination, _}``, section "auto_shutdown"."""

    def __init__(self, child: Hashable, trouble: str) -> None:
        super().__init__(f"child {child!r} is significant, but {trouble}")
        self.child = child


@final
class BadLimitError(SupervisorError, ValueError):
    """A field of a `RestartLimit` is outside its contract. See: OTP ``{supervisor_data, {invalid_intensity, _}}``."""

    def __init__(self, field: str, got: object, expected: str) -> None:
        super().__init__(f"RestartLimit.{field} must be {expected}, got {got!r}")
        self.field = field


@final
class BadOptionError(SupervisorError, ValueError):
    """An option of a supervisor is outside its contract. See: OTP ``{supervisor_data, {invalid_strategy, _}}``."""

    def __init__(self, option: str, got: object, expected: str) -> None:
        super().__init__(f"{option} must be {expected}, got {got!r}")
        self.option = option


@final
class DuplicateChildError(SupervisorError, ValueError):
    """Two child specs have the same id. See: OTP ``{start_spec, {duplicate_child_name, Id}}`` (rule U-4)."""

    def __init__(self, child: Hashable) -> None:
        super().__init__(f"two child specs have the id {child!r}")
        self.child = child


@final
class DeadlockError(SupervisorError):
    """A process that is not ready yet asks the supervisor that waits until it is. In OTP both wait (rule U-23)."""

    def __init__(self, process: Pid, supervisor: Pid) -> None:
        super().__init__(
            f"{process} asks {supervisor}, which waits until {process} has started, and would wait for ever: "
            "ask once init has returned, for instance in handle_continue"
        )
        self.process = process
        self.supervisor = supervisor


@final
class StartChildError(SupervisorError):
    """A child did not start, and its spec was not kept. See: OTP ``{error, {Reason, Child}}``."""

    def __init__(self, child: Hashable, reason: ExitReason) -> None:
        super().__init__(f"child {child!r} failed to start: {reason}")
        self.child = child
        self.reason = reason


@final
class ChildAlreadyStartedError(SupervisorError):
    """A child with this id is running. See: OTP ``{error, {already_started, Pid}}``."""

    def __init__(self, child: Hashable, pid: Pid) -> None:
        super().__init__(f"child {child!r} is already started as {pid}")
        self.child = child
        self.pid = pid


class _ChildError(SupervisorError):
    _trouble: str

    def __init__(self, child: Hashable) -> None:
        super().__init__(f"child {child!r} {self._trouble}")
        self.child = child


@final
class ChildPresentError(_ChildError):
    """A child with this id exists but does not run. See: OTP ``{error, already_present}``."""

    _trouble = "exists but is not running: restart_child starts it, delete_child makes room"


@final
class ChildRunningError(_ChildError):
    """The child is running. See: OTP ``{error, running}``."""

    _trouble = "is running: terminate_child stops it"


@final
class ChildRestartingError(_ChildError):
    """The child failed to restart and is tried again. See: OTP ``{error, restarting}`` (rule U-15)."""

    _trouble = "is being restarted: terminate_child ends that"


@final
class UnknownChildError(_ChildError):
    """No child has this id (static) or pid (dynamic). See: OTP ``{error, not_found}``."""

    _trouble = "is not known to this supervisor"


@final
class MaxChildrenError(SupervisorError):
    """The dynamic supervisor has as many children as it may have. See: Elixir ``{:error, :max_children}``."""

    def __init__(self, most: float) -> None:
        super().__init__(f"the supervisor has as many children as it may have: max_children is {most}")


class ApplicationError(SupervisorError):
    """Base of the errors about applications."""


@final
class BadApplicationError(ApplicationError, ValueError):
    """A field of an `Application` is outside its contract. See: OTP ``{bad_application, _}``."""

    def __init__(self, application: str, field: str, got: object, expected: str) -> None:
        super().__init__(f"{application}.{field} must be {expected}, got {got!r}")
        self.application = application
        self.field = field


@final
class ApplicationNotStartedError(ApplicationError):
    """An application does not run that should. See: OTP ``{error, {not_started, App}}``."""

    def __init__(self, application: str, wanted_by: str | None = None) -> None:
        needed = "" if wanted_by is None else f", which {wanted_by} needs: ensure_all_started starts both"
        super().__init__(f"the application {application} is not started{needed}")
        self.application = application
        """The one that does not run."""
        self.wanted_by = wanted_by
        """The one that needs it; None if it was to be stopped itself."""


@final
class ApplicationAlreadyStartedError(ApplicationError):
    """The application runs. See: OTP ``{error, {already_started, App}}``."""

    def __init__(self, application: str) -> None:
        super().__init__(f"the application {application} is already started")
        self.application = application


@final
class ApplicationDeadlockError(ApplicationError):
    """A process of an application waits for what waits for it. In OTP both wait for ever."""

    def __init__(self, application: str, deed: str) -> None:
        super().__init__(f"the application {application} would wait for its own {deed}: ask from outside of it")
        self.application = application


@final
class ApplicationStartError(ApplicationError):
    """An application did not start. See: OTP ``{error, {Reason, {Mod, start, Args}}}``.

    It leaves `open_node` too if the application is permanent, or transient.
    """

    def __init__(self, application: str, reason: ExitReason) -> None:
        super().__init__(f"the application {application} failed to start: {reason}")
        self.application = application
        self.reason = reason


@final
class ApplicationExitedError(ApplicationError):
    """An application ended that the node cannot do without; it leaves `open_node`.

    See: OTP ``Kernel pid terminated, {application_terminated, App, Reason}``.
    """

    def __init__(self, application: str, reason: ExitReason) -> None:
        super().__init__(f"the node ended because the application {application} exited: {reason}")
        self.application = application
        self.reason = reason


@final
class ConfigChangeError(ApplicationError):
    """``config_change`` failed; the environment is changed all the same. See: OTP ``config_change/1``."""

    def __init__(self, application: str, reason: ExitReason) -> None:
        super().__init__(f"the application {application} did not take its new environment: {reason}")
        self.application = application
        self.reason = reason
