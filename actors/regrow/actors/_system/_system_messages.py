"""The messages of sys: what may be asked of every behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from regrow.actors._processes._signals import Signal

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from regrow.actors._processes._exit import ExitReason
    from regrow.actors._servers._call import From
    from regrow.actors._system._system_events import Option

__all__ = [
    "AddOption",
    "ChangeCode",
    "DropOption",
    "GetLog",
    "GetState",
    "GetStatistics",
    "GetStatus",
    "NoDebug",
    "Refused",
    "RemoveHook",
    "ReplaceState",
    "Resume",
    "Suspend",
    "SystemMessage",
    "SystemRequest",
    "Terminate",
]


class SystemRequest:
    """What a system message asks for."""

    __slots__ = ()


@final
@dataclass(frozen=True, slots=True)
class SystemMessage(Signal):
    """A request of `sys` in a mailbox."""

    request: SystemRequest
    caller: From


@final
@dataclass(frozen=True, slots=True)
class Refused:
    """The answer to a system message that is to be raised where it was asked."""

    error: Exception


@final
@dataclass(frozen=True, slots=True)
class Suspend(SystemRequest):
    """Handle nothing but system messages."""


@final
@dataclass(frozen=True, slots=True)
class Resume(SystemRequest):
    """Handle all messages again."""


@final
@dataclass(frozen=True, slots=True)
class Terminate(SystemRequest):
    """Terminate with a reason."""

    reason: ExitReason


@final
@dataclass(frozen=True, slots=True)
class GetState(SystemRequest):
    """Show the state."""


@final
@dataclass(frozen=True, slots=True)
class ReplaceState(SystemRequest):
    """Replace the state."""

    function: Callable[[Any], Any]


@final
@dataclass(frozen=True, slots=True)
class GetStatus(SystemRequest):
    """Show everything."""


@final
@dataclass(frozen=True, slots=True)
class ChangeCode(SystemRequest):
    """Convert the state to new code."""

    actor: type | None
    old_version: Any
    extra: Any


@final
@dataclass(frozen=True, slots=True)
class AddOption(SystemRequest):
    """Begin to do something with the events."""

    option: Option


@final
@dataclass(frozen=True, slots=True)
class DropOption(SystemRequest):
    """Do it no more."""

    kind: type[Option]


@final
@dataclass(frozen=True, slots=True)
class RemoveHook(SystemRequest):
    """Call a hook no more."""

    key: Hashable


@final
@dataclass(frozen=True, slots=True)
class NoDebug(SystemRequest):
    """Do nothing with the events any more."""


@final
@dataclass(frozen=True, slots=True)
class GetLog(SystemRequest):
    """Show the last events."""


@final
@dataclass(frozen=True, slots=True)
class GetStatistics(SystemRequest):
    """Show what was counted."""
