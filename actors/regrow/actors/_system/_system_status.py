"""What a process shows of itself when it is asked for its status, and when it crashes."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, final

from regrow.actors._processes._exit import CRASHES
from regrow.actors._servers._outcomes import UNSET

if TYPE_CHECKING:
    from regrow.actors._processes._exit import ExitReason
    from regrow.actors._processes._pid import Pid
    from regrow.actors._system._system_events import Event

__all__ = ["Mode", "ProcessStatus", "Reported", "Status", "formatted", "presented"]


class Mode(enum.Enum):
    """Whether a process handles its messages."""

    RUNNING = enum.auto()
    SUSPENDED = enum.auto()
    """Only system messages and the exit of its parent (rule Y-1)."""


@final
@dataclass(frozen=True, slots=True)
class Status:
    """What ``format_status`` gets and returns, by `dataclasses.replace`. See: OTP ``gen_server:format_status/1``."""

    state: Any
    message: Any = UNSET
    """The message it crashed of; in reports only."""
    reason: ExitReason | None = None
    """What it terminates with; in reports only."""
    log: tuple[Event, ...] = ()
    """The last events, if they are kept."""


@final
@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """What `sys.get_status` returns. See: OTP ``sys:get_status/1``."""

    pid: Pid
    name: str | None
    """The name it is registered under."""
    actor: type
    """Its class."""
    mode: Mode
    parent: Pid | None
    """The process it was started by and is linked to."""
    debug: tuple[str, ...]
    """What is being done with its events, by name."""
    status: Status
    """Its state and its log, as `format_status` presents them."""


class Reported(Protocol):
    """What presents its own status."""

    pid: Pid

    def system_get_state(self) -> Any:
        """Its state."""
        ...

    def format_status(self, status: Status, /) -> Status:
        """The status, made presentable."""
        ...


def presented(behaviour: Reported, message: object = UNSET, reason: ExitReason | None = None) -> Status:
    """The status of what has just terminated, as it presents it; never an error (rule G-16)."""
    try:
        state = behaviour.system_get_state()
    except CRASHES as error:
        state = f"<{type(error).__name__} in {type(behaviour).__qualname__}.system_get_state>"
    return formatted(behaviour, Status(state, message, reason))


def formatted(behaviour: Reported, status: Status) -> Status:
    """The status as the behaviour presents it. If it fails to, a note stands for the state (rule G-16)."""
    fault = "returned no Status"
    try:
        shown: Any = behaviour.format_status(status)
    except CRASHES as error:
        fault = f"raised {type(error).__name__}"
    else:
        if isinstance(shown, Status):
            return shown
    note = f"<{type(behaviour).__qualname__}.format_status {fault}>"
    return Status(note, UNSET if status.message is UNSET else note, status.reason)
