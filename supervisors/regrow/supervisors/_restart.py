"""Whether a child that ended comes back: restart type x exit reason, as a table.

See: OTP ``supervisor``, *Restart Strategy and Maximum Restart Intensity*; the table of section "restart type x exit
reason" of the Erlang semantics.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, assert_never

from ._child_spec import Restart

if TYPE_CHECKING:
    from regrow.actors import ExitReason

__all__ = ["Sequel", "is_reported", "sequel"]


class Sequel(enum.Enum):
    """What follows the end of a child."""

    RESTART = enum.auto()
    """Start it again; this counts against a restart limit."""
    KEEP = enum.auto()
    """Leave it stopped; its spec stays, for `restart_child` or a group restart."""
    FORGET = enum.auto()
    """Drop its spec."""


def sequel(restart: Restart, reason: ExitReason) -> Sequel:
    """What follows when a child of this restart type ends for this reason."""
    match restart:
        case Restart.PERMANENT:
            return Sequel.RESTART
        case Restart.TRANSIENT:
            return Sequel.RESTART if reason.is_abnormal else Sequel.KEEP
        case Restart.TEMPORARY:
            return Sequel.FORGET
        case _:
            assert_never(restart)


def is_reported(restart: Restart, reason: ExitReason) -> bool:
    """Whether the end of a child is worth a report: a permanent child should never end, the others may."""
    return restart is Restart.PERMANENT or reason.is_abnormal
