"""Controlling a process from outside: suspend, look at and replace its state, change its code, terminate it.

Every function waits for the answer at most ``timeout`` seconds. System messages wait their turn like all others
(rule Y-4). A process that is no behaviour does not answer them: the request ends with `TIMEOUT`, as in OTP.

Each raises `CallError` as `call` does (no such process, timeout, oneself, death before the answer), and, at the call
rather than at the await, `CannotWaitError` in an inline process and `NotAProcessError` outside a process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regrow.actors._processes._exit import NORMAL, ExitReason
from regrow.actors._servers._call import ask
from regrow.actors._system._system_messages import (
    ChangeCode,
    GetState,
    GetStatus,
    Refused,
    ReplaceState,
    Resume,
    Suspend,
    SystemMessage,
    SystemRequest,
    Terminate,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from regrow.actors._processes._send import Destination
    from regrow.actors._system._system_status import ProcessStatus

__all__ = [
    "change_code",
    "get_state",
    "get_status",
    "replace_state",
    "request",
    "resume",
    "suspend",
    "terminate",
]


def request(to: Destination, what: SystemRequest, timeout: float) -> Awaitable[Any]:
    """Ask for something and raise what the process refused it with."""
    return _accepted(ask(to, _message, what, timeout))


async def _accepted(asked: Awaitable[Any]) -> Any:
    answer = await asked
    if isinstance(answer, Refused):
        raise answer.error
    return answer


def _message(what: Any, caller: Any) -> SystemMessage:
    return SystemMessage(what, caller)


def suspend(to: Destination, *, timeout: float = 5.0) -> Awaitable[None]:
    """Have a process handle nothing but system messages and its parent's exit, until `resume`.

    Its mail queues up, and calls to it may time out. Suspending twice is suspending once (rule Y-1).

    See: OTP ``sys:suspend/2``.
    """
    return request(to, Suspend(), timeout)


def resume(to: Destination, *, timeout: float = 5.0) -> Awaitable[None]:
    """Have a suspended process handle what queued up, in order, then go on. No error if it is not suspended.

    See: OTP ``sys:resume/2``.
    """
    return request(to, Resume(), timeout)


def get_state(to: Destination, *, timeout: float = 5.0) -> Awaitable[Any]:
    """The state of a process: of a `GenServer` its attributes by name, in a new mapping of the same values.

    Raises:
        CallbackFailedError: the ``system_get_state`` of the process raised; the process lives on.

    See: OTP ``sys:get_state/2``.
    """
    return request(to, GetState(), timeout)


def replace_state(to: Destination, function: Callable[[Any], Any], *, timeout: float = 5.0) -> Awaitable[Any]:
    """Have a process make what ``function`` returns for its state its state, and return that.

    ``function`` runs as the process. It gets what `get_state` returns; of a `GenServer` it may change that mapping
    and return it, or return another. The new state is taken as a whole or not at all; but what ``function`` changes
    inside the values of the mapping is changed, even if it then raises.

    Raises:
        CallbackFailedError: ``function`` raised, or returned what cannot be a state; the process lives on with the
            state it had (rule Y-2).

    See: OTP ``sys:replace_state/3``.
    """
    return request(to, ReplaceState(function), timeout)


def get_status(to: Destination, *, timeout: float = 5.0) -> Awaitable[ProcessStatus]:
    """What there is to know of a process, its state as its ``format_status`` presents it (rule G-16).

    See: OTP ``sys:get_status/2``.
    """
    return request(to, GetStatus(), timeout)


def change_code(
    to: Destination, actor: type | None = None, old_version: Any = None, extra: Any = None, *, timeout: float = 5.0
) -> Awaitable[None]:
    """Have a suspended process become an ``actor``, and call ``code_change(old_version, extra)`` of that.

    ``actor`` is its new class, or None to keep the class it has. If anything fails the process keeps class and state,
    and stays suspended (rule Y-3).

    Raises:
        CallbackFailedError: ``code_change`` raised or returned anything but None, or ``actor`` cannot take the place
            of its class.
        NotSuspendedError: the process is not suspended.

    See: OTP ``sys:change_code/5``.
    """
    return request(to, ChangeCode(actor, old_version, extra), timeout)


def terminate(to: Destination, reason: ExitReason = NORMAL, *, timeout: float = 5.0) -> Awaitable[None]:
    """Have a process terminate with ``reason``, suspended or not. Returns before its ``terminate`` has run.

    See: OTP ``sys:terminate/3``.
    """
    return request(to, Terminate(reason), timeout)
