"""Request and reply: correlation, death while waiting, and no late reply ever leaking into a mailbox.

A call is a one-shot reply handle that also watches the callee (OTP: monitor, send, wait). The handle lives
outside the mailbox, so nothing has to be flushed when the caller stops waiting (rule G-4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from regrow.actors._errors import CallError, CannotWaitError
from regrow.actors._processes._context import current
from regrow.actors._processes._exit import CALLING_SELF, NOPROC, ExitReason
from regrow.actors._processes._inline import InlineProcess
from regrow.actors._processes._monitors import watch
from regrow.actors._processes._pid import Pid, Ref
from regrow.actors._processes._send import Destination, resolve
from regrow.actors._processes._signals import Signal
from regrow.actors._servers._waiter import From, Waiter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from regrow.actors._processes._process import Process

__all__ = [
    "Answer",
    "Call",
    "Cast",
    "From",
    "Request",
    "StopRequest",
    "Unanswered",
    "ask",
    "call",
    "cast",
    "reply",
    "send_request",
    "waiting_process",
]


@final
@dataclass(frozen=True, slots=True)
class Call:
    """A request in the callee's mailbox."""

    request: object
    caller: From


@final
@dataclass(frozen=True, slots=True)
class Cast:
    """A request that wants no reply, in the mailbox."""

    request: object


@final
@dataclass(frozen=True, slots=True)
class StopRequest(Signal):
    """Asks a behaviour to terminate with a reason. See: OTP ``gen_server:stop/3``."""

    reason: ExitReason


@final
@dataclass(frozen=True, slots=True)
class Answer(Signal):
    """The reply to a `send_request`, as a message."""

    ref: Ref
    value: Any


@final
@dataclass(frozen=True, slots=True)
class Unanswered(Signal):
    """A `send_request` will never be answered: the callee died of ``reason``, or was `NOPROC`."""

    ref: Ref
    reason: ExitReason


@final
class Request(From):
    """The handle of a process that gets its answer as a message."""

    __slots__ = ("_callee", "_requester")

    def __init__(self, requester: Process, callee: Process) -> None:
        self._requester: Process | None = requester
        self._callee = callee
        if requester.watching is None:
            requester.watching = set()
        requester.watching.add(self)
        watch(callee, self)

    @property
    def client(self) -> Pid | None:
        """The process that asked, until it is answered."""
        return None if self._requester is None else self._requester.pid

    def answer(self, value: object) -> None:
        self._deliver(Answer(self, value))

    def fire(self, reason: ExitReason) -> None:
        self._deliver(Unanswered(self, reason))

    def abandon(self) -> None:
        """Want the answer no more; one that comes later is dropped."""
        requester = self._requester
        self.forget()
        if requester is not None and requester.watching is not None:
            requester.watching.discard(self)

    def _deliver(self, message: object) -> None:
        requester = self._requester
        if requester is not None:
            self.abandon()
            requester.post(message)

    def forget(self) -> None:
        """The requester died."""
        self._requester = None
        if self._callee.watchers is not None:
            self._callee.watchers.discard(self)


def call(to: Destination, request: object, *, timeout: float = 5.0) -> Awaitable[Any]:
    """Send a request and wait for its reply, at most ``timeout`` seconds.

    A timeout leaves the callee alone, and its late reply is dropped (rule G-4). If the call is cancelled the
    request may still be carried out.

    Raises:
        CallError: no reply will come; `CallError.reason` says why: `NOPROC`, `TIMEOUT`, `CALLING_SELF`, or the
            reason the callee died of, ``NORMAL`` included.
        CannotWaitError: the running process is inline. Raised at the call, not at the await.
        NotAProcessError: the caller is not a process.

    See: OTP ``gen_server:call/3`` (rules G-3 to G-6).
    """
    return ask(to, Call, request, timeout)


def ask(to: Destination, envelope: Callable[[object, From], object], request: object, timeout: float) -> Awaitable[Any]:
    """`call` with another envelope around the request than `Call`."""
    return _ask(waiting_process(), to, envelope, request, timeout)


def waiting_process() -> Process:
    """The running process, if it can wait for a reply.

    Raises:
        CannotWaitError: it is inline.
        NotAProcessError: the caller is not a process.
    """
    caller = current()
    if isinstance(caller, InlineProcess):
        raise CannotWaitError(
            f"{caller} is inline and cannot wait for a reply: ask with send_request() and get the answer as a "
            "message, spawn a linked task that calls, or write the callback as `async def`"
        )
    return caller


async def _ask(
    caller: Process,
    to: Destination,
    envelope: Callable[[object, From], object],
    request: object,
    timeout: float,
) -> Any:
    callee = resolve(to)
    if callee is None:
        raise CallError(NOPROC, to)
    if callee is caller:
        raise CallError(CALLING_SELF, to)
    waiter = Waiter(callee, caller)
    callee.post(envelope(request, waiter))
    if isinstance(callee, InlineProcess):
        callee.scheduler.tick()  # the reply is often there when this returns, a task switch saved
    await waiter.wait_within(timeout)
    return waiter.result(to)


def send_request(to: Destination, request: object) -> Ref:
    """Send a request whose reply comes as a message: `Answer` or `Unanswered` with the returned ref.

    For callbacks that cannot wait. See: OTP ``gen_server:send_request/2``.

    Raises:
        NotAProcessError: the caller is not a process.
    """
    requester = current()
    callee = resolve(to)
    if callee is None:
        ref = Ref()
        requester.post(Unanswered(ref, NOPROC))
        return ref
    handle = Request(requester, callee)
    callee.post(Call(request, handle))
    return handle


def cast(to: Destination, request: object) -> None:
    """Send a request that wants no reply. A dead pid or unknown name is no error (rule P-3).

    See: OTP ``gen_server:cast/2``.
    """
    callee = resolve(to)
    if callee is not None:
        callee.post(Cast(request))


def reply(caller: From, value: object) -> None:
    """Answer a call, from any process and at any time; only the first reply counts (rule G-7).

    See: OTP ``gen_server:reply/2``.
    """
    caller.answer(value)
