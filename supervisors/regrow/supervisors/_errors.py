"""Every error this package raises on purpose.

::

    SupervisorError
     ├── BadChildSpecError        a field of a ChildSpec is outside its contract
     ├── BadLimitError            a field of a RestartLimit is outside its contract
     ├── BadOptionError           an option of a supervisor is outside its contract
     ├── DuplicateChildError      two child specs of one supervisor have the same id
     ├── StartChildError          the child did not start; carries the reason
     ├── ChildAlreadyStartedError a child with this id is running; carries its pid
     ├── ChildPresentError        a child with this id exists, not running
     ├── ChildRunningError        the child is running and would have to be stopped first
     ├── ChildRestartingError     the child is being restarted
     ├── UnknownChildError        no child has this id or pid
     └── MaxChildrenError         the dynamic supervisor is full

A supervisor answers requests with these as values, without a traceback; the function that asked raises them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Hashable

    from regrow.actors import ExitReason, Pid

__all__ = [
    "BadChildSpecError",
    "BadLimitError",
    "BadOptionError",
    "ChildAlreadyStartedError",
    "ChildPresentError",
    "ChildRestartingError",
    "ChildRunningError",
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
class BadLimitError(SupervisorError, ValueError):
    """A field of a `RestartLimit` is outside its contract. See: OTP ``{supervisor_data, {invalid_intensity, _}}``."""

    def __init__(self, field: str, got: object, expected: str) -> None:
        super().__init__(f"RestartLimit.{field} must be {expected}, got {got!r}")
        self.field = field


@final
class BadOptionError(SupervisorError, ValueError):
    """An option of ``start_link`` is outside its contract. See: OTP ``{supervisor_data, {invalid_strategy, _}}``."""

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
        super().__init__(f"the supervisor has {most} children and may not have more")
