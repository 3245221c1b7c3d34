"""Intercepting: seeing each message of a process before it does, for tracing and for breaking things on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regrow.actors._processes._inline import InlineProcess
from regrow.actors._processes._task import TaskProcess
from regrow.actors._pykka._thread import ThreadProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors._processes._pid import Pid

__all__ = ["intercept"]


def intercept(pid: Pid, before: Callable[[object], None]) -> None:
    """Call ``before`` with each message a process takes, as that process, right before its own code gets it.

    What ``before`` raises is raised in the process as if its own callback had: a process is crashed in its
    handler that way without a line of its code knowing. Interceptions add up, and end with the process. A dead
    pid is no error.

    See: OTP ``sys:install/2``, which differs in that a hook that raises is removed.
    """
    process = pid.process
    if isinstance(process, InlineProcess):
        receive = process.receive

        def intercepted(message: object) -> None:
            before(message)
            receive(message)

        process.receive = intercepted
    elif isinstance(process, (TaskProcess, ThreadProcess)):
        process.interceptors = (*process.interceptors, before)
