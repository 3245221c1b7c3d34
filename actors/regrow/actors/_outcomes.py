"""What the callbacks of a server may return: OTP's tuples as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from ._exit import ExitReason

__all__ = ["UNSET", "NoReply", "Ok", "Reply", "Stop"]


@final
class Unset:
    """The type of `UNSET`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Any = Unset()
"""A field that was not given: None is a value like any other."""


@final
@dataclass(frozen=True, slots=True)
class Ok:
    """What ``init`` may return instead of None. See: OTP ``{ok, State, Timeout | {continue, C}}``."""

    timeout: float | None = None
    """Seconds without any message after which `handle_info` gets `TIMEOUT`."""
    continue_: Any = UNSET
    """Handed to `handle_continue` before any message."""


@final
@dataclass(frozen=True, slots=True)
class Reply:
    """``handle_call``: answer the caller with ``value``. See: OTP ``{reply, Reply, State, ...}``."""

    value: Any
    timeout: float | None = None
    """Seconds without any message after which `handle_info` gets `TIMEOUT`."""
    continue_: Any = UNSET
    """Handed to `handle_continue` before any message."""


@final
@dataclass(frozen=True, slots=True)
class NoReply:
    """Carry on; a caller is answered later with `reply`. See: OTP ``{noreply, State, ...}``."""

    timeout: float | None = None
    """Seconds without any message after which `handle_info` gets `TIMEOUT`."""
    continue_: Any = UNSET
    """Handed to `handle_continue` before any message."""


@final
@dataclass(frozen=True, slots=True)
class Stop:
    """Run ``terminate(reason)`` and exit with ``reason``. See: OTP ``{stop, Reason, Reply, State}``."""

    reason: ExitReason
    reply: Any = UNSET
    """``handle_call`` only: answered after ``terminate`` has run (rule G-8)."""
