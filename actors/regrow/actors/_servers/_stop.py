"""Asking a server to terminate, and waiting until it has."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from regrow.actors._errors import CallError
from regrow.actors._processes._exit import CALLING_SELF, NOPROC, NORMAL, ExitReason
from regrow.actors._processes._send import Destination, resolve
from regrow.actors._servers._call import StopRequest, waiting_process
from regrow.actors._servers._waiter import Waiter

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from regrow.actors._processes._process import Process

__all__ = ["stop"]


def stop(server: Destination, reason: ExitReason = NORMAL, *, timeout: float = math.inf) -> Awaitable[None]:
    """Ask a server to terminate with ``reason`` and wait, at most ``timeout`` seconds, until it has.

    A server that takes longer is not killed.

    Raises:
        CallError: it was not alive (`NOPROC`), took too long (`TIMEOUT`), exited with another reason, or is the
            caller (`CALLING_SELF`).
        CannotWaitError: the running process is inline. Raised at the call, not at the await.
        NotAProcessError: the caller is not a process.

    See: OTP ``gen_server:stop/3`` (rule G-14).
    """
    return _stop(waiting_process(), server, reason, timeout)


async def _stop(caller: Process, server: Destination, reason: ExitReason, timeout: float) -> None:
    process = resolve(server)
    if process is None:
        raise CallError(NOPROC, server)
    if process is caller:
        raise CallError(CALLING_SELF, server)
    waiter = Waiter(process, caller)
    process.post(StopRequest(reason))
    await waiter.wait_within(timeout)
    died_of = waiter.died_of(server)
    if died_of is not reason and died_of != reason:
        raise CallError(died_of, server)
