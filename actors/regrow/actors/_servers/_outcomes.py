"""What the callbacks of a server may return: OTP's tuples as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from regrow.actors._processes._exit import ExitReason

__all__ = ["HIBERNATE", "UNSET", "Fail", "Hibernate", "NoReply", "Ok", "Reply", "Stop"]


@final
class Unset:
    """The type of `UNSET`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Any = Unset()
"""A field that was not given: None is a value like any other."""


@final
class Hibernate:
    """The type of `HIBERNATE`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "HIBERNATE"

    def cancel(self) -> None:
        """What ends it is any message; there is nothing to undo."""


HIBERNATE = Hibernate()
"""In the place of a timeout: no message is expected for long. See: OTP ``hibernate``.

A server holds no stack and no heap of its own between messages, so nothing is given back; until the next message its
`GenServer.is_hibernating` says so.
"""


@final
@dataclass(frozen=True, slots=True)
class Ok:
    """What ``init`` may return instead of None. See: OTP ``{ok, State, Timeout | {continue, C}}``."""

    timeout: float | Hibernate | None = None
    """Seconds without any message after which `handle_info` gets `TIMEOUT`; or `HIBERNATE`."""
    continue_: Any = UNSET
    """Handed to `handle_continue` before any message."""


@final
@dataclass(frozen=True, slots=True)
class Reply:
    """``handle_call``: answer the caller with ``value``. See: OTP ``{reply, Reply, State, ...}``."""

    value: Any
    timeout: float | Hibernate | None = None
    """Seconds without any message after which `handle_info` gets `TIMEOUT`; or `HIBERNATE`."""
    continue_: Any = UNSET
    """Handed to `handle_continue` before any message."""


@final
@dataclass(frozen=True, slots=True)
class NoReply:
    """Carry on; a caller is answered later with `reply`. See: OTP ``{noreply, State, ...}``."""

    timeout: float | Hibernate | None = None
    """Seconds without any message after which `handle_info` gets `TIMEOUT`; or `HIBERNATE`."""
    continue_: Any = UNSET
    """Handed to `handle_continue` before any message."""


@final
@dataclass(frozen=True, slots=True)
class Fail:
    """``init``: do not start, for a reason that only the starter hears. See: OTP 26 ``{error, Reason}``.

    The process exits with `NORMAL` and without a report; with `Stop` it would exit with the reason.
    """

    reason: ExitReason


@final
@dataclass(frozen=True, slots=True)
class Stop:
    """Run ``terminate(reason)`` and exit with ``reason``. See: OTP ``{stop, Reason, Reply, State}``."""

    reason: ExitReason
    reply: Any = UNSET
    """``handle_call`` only: answered after ``terminate`` has run (rule G-8)."""
