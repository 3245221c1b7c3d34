"""What a behaviour implements to be controlled by system messages: see `_system`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors._processes._pid import Pid
    from regrow.actors._system._system_events import Debugging, Event
    from regrow.actors._system._system_status import Status

__all__ = ["Special"]


class Special(Protocol):
    """What a behaviour tells system messages about itself. See: OTP ``sys``, "Process Implementation Functions"."""

    pid: Pid
    _parent: Pid | None
    """Whose exit terminates it, even while it is suspended (rule Y-5)."""
    _debugging: Debugging | None
    """Set while the process is being debugged; kept for it by this module."""

    def system_get_state(self) -> Any:
        """The state as `sys.get_state` shows it. See: OTP ``system_get_state/1``."""
        ...

    def system_replace_state(self, function: Callable[[Any], Any], /) -> Any:
        """Make what ``function`` returns for the state the state, and return that. See: ``system_replace_state/2``."""
        ...

    def system_code_change(self, actor: type | None, old_version: Any, extra: Any, /) -> Any:
        """Become an ``actor`` and convert the state; a coroutine only if it is a task. None if all went well.

        See: OTP ``system_code_change/4``.
        """
        ...

    def system_checkpoint(self) -> Callable[[], None]:
        """What puts class and state back as they are now, called if `system_code_change` fails."""
        ...

    def system_continue(self) -> None:
        """It goes on with its messages: set timers again that were waited for. See: OTP ``system_continue/3``."""
        ...

    def system_observe(self, tell: Callable[[Event], None] | None, /) -> None:
        """Tell each event from now on, or none any more. Nothing may cost anything while there is nobody to tell."""
        ...

    def format_status(self, status: Status, /) -> Status:
        """Make a status presentable. See: OTP ``format_status/1`` (rule G-16)."""
        ...
