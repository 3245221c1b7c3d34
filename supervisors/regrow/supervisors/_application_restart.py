"""What the end of an application leads to: its restart type x the reason, as a table.

Nobody restarts an application. Its type says whether the node can do without it.

See: OTP ``application:start/2``; the table of section 1.12 of the Erlang semantics, run on a real BEAM.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, assert_never

from regrow.actors import NORMAL

if TYPE_CHECKING:
    from regrow.actors import ExitReason

__all__ = ["ApplicationRestart", "ends_node"]


class ApplicationRestart(enum.StrEnum):
    """Whether the node ends with an application. `stop_application` never ends it."""

    PERMANENT = "permanent"
    """Always, however the application ended."""
    TRANSIENT = "transient"
    """Unless the application ended with `NORMAL`, which a supervisor hardly ever does; `SHUTDOWN` does not count."""
    TEMPORARY = "temporary"
    """Never; the end is reported."""


def ends_node(restart: ApplicationRestart, reason: ExitReason) -> bool:
    """Whether the node ends when an application of this type ends by itself, or fails to start, for this reason."""
    match restart:
        case ApplicationRestart.PERMANENT:
            return True
        case ApplicationRestart.TRANSIENT:
            return reason is not NORMAL
        case ApplicationRestart.TEMPORARY:
            return False
        case _:
            assert_never(restart)
