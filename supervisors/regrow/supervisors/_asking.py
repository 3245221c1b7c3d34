"""Asking a supervisor, for as long as it takes, and not where the answer cannot come."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from regrow.actors import Pid, Via, call, self_, starter_of, whereis

from ._errors import DeadlockError, SupervisorError

if TYPE_CHECKING:
    from regrow.actors import Destination

__all__ = ["ask"]


async def ask(supervisor: Destination, request: object) -> Any:
    """Send a request to a supervisor and wait for the answer, which is raised if it is an error.

    Raises:
        DeadlockError: the supervisor waits, directly or not, until this process has started (rule U-23).
    """
    waiting = starter_of(self_())
    while waiting is not None:
        if waiting is _found(supervisor):
            raise DeadlockError(self_(), waiting)
        waiting = starter_of(waiting)
    answer = await call(supervisor, request, timeout=math.inf)
    if isinstance(answer, SupervisorError):
        raise answer
    return answer


def _found(supervisor: Destination) -> Pid | None:
    if isinstance(supervisor, Pid):
        return supervisor
    return supervisor.whereis() if isinstance(supervisor, Via) else whereis(supervisor)
