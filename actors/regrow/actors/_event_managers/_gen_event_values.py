"""What event managers and their handlers say to each other, as values. See: OTP ``gen_event``."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, final

from regrow.actors._processes._exit import Crash, ExitReason
from regrow.actors._processes._reports import Report
from regrow.actors._servers._outcomes import UNSET

if TYPE_CHECKING:
    from collections.abc import Hashable

    from regrow.actors._event_managers._gen_event_handler import EventHandler
    from regrow.actors._processes._pid import Pid

__all__ = [
    "MANAGER_STOPS",
    "NO_HANDLER",
    "REMOVE_HANDLER",
    "HandlerCrashed",
    "HandlerExit",
    "HandlerId",
    "HandlerReport",
    "Removal",
    "RemoveHandler",
    "SwapHandler",
    "Swapped",
    "id_text",
]

HandlerId: TypeAlias = "type[EventHandler] | tuple[type[EventHandler], Hashable]"
"""What names a handler in its manager: its class, or its class and an id. See: OTP ``Module | {Module, Id}``."""


def id_text(handler: HandlerId) -> str:
    """The name of a handler as text."""
    if isinstance(handler, tuple):
        return f"({handler[0].__qualname__}, {handler[1]!r})"
    return handler.__qualname__


# What a callback of a handler returns.


@final
@dataclass(frozen=True, slots=True)
class RemoveHandler:
    """Remove this handler, after ``terminate(REMOVE_HANDLER)``. See: OTP ``remove_handler``."""

    reply: Any = UNSET
    """``handle_call`` only, and there a must: the answer."""


@final
@dataclass(frozen=True, slots=True)
class SwapHandler:
    """Put another handler in this one's place. See: OTP ``{swap_handler, Args1, State, Handler2, Args2}``."""

    handler: HandlerId
    """The new one."""
    args: tuple[Any, ...] = ()
    """What its ``init`` gets, followed by what ``terminate`` of the old one returns."""
    farewell: Any = None
    """What ``terminate`` of the old one gets."""
    reply: Any = UNSET
    """``handle_call`` only, and there a must: the answer."""


# Why `EventHandler.terminate` is called, beside what `delete_handler` and `swap_handler` hand to it.


@final
class Removal:
    """A reason for ``terminate`` that is nothing but its name; compared by identity."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name

    def __reduce__(self) -> str:
        return self._name


REMOVE_HANDLER = Removal("REMOVE_HANDLER")
"""A callback returned `RemoveHandler`. See: OTP ``remove_handler``."""

MANAGER_STOPS = Removal("MANAGER_STOPS")
"""The manager terminates. See: OTP ``stop``."""

NO_HANDLER = Removal("NO_HANDLER")
"""What ``init`` gets by a swap if there was no old handler. See: OTP ``error``."""


@final
@dataclass(frozen=True, slots=True)
class HandlerCrashed:
    """A callback raised, or returned something outside its contract. See: OTP ``{error, Term}``."""

    reason: ExitReason


# What the others hear of it.


@final
@dataclass(frozen=True, slots=True)
class Swapped(ExitReason):
    """Why a handler is gone: another has taken its place. See: OTP ``{swapped, NewHandler, Pid}``."""

    handler: HandlerId
    """The new one."""
    pid: Pid | None
    """The process that the new one is supervised by."""

    @property
    def is_abnormal(self) -> bool:
        """False: it was asked for."""
        return False


@final
@dataclass(frozen=True, slots=True)
class HandlerExit:
    """A handler that this process added with `add_sup_handler` is gone. See: OTP ``gen_event_EXIT``."""

    manager: Pid
    handler: HandlerId
    reason: ExitReason
    """`NORMAL` if it was deleted or removed itself, `SHUTDOWN` if the manager terminates, `Swapped`, or an error."""


@final
@dataclass(frozen=True, slots=True)
class HandlerReport(Report):
    """A handler failed and was removed; its manager goes on. See: OTP ``{gen_event, terminate}``."""

    pid: Pid
    """The manager."""
    name: str | None
    """The name the manager is registered under."""
    handler: HandlerId
    reason: ExitReason
    label = "handler"
    level = logging.ERROR

    def __str__(self) -> str:
        name = f" ({self.name})" if self.name else ""
        lines = [f"handler {id_text(self.handler)} of {self.pid}{name} crashed and is removed: {self.reason}"]
        if isinstance(self.reason, Crash):
            lines += [f"    {frame}" for frame in self.reason.stack]
        return "\n".join(lines)
