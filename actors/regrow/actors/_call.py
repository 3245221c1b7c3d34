"""Request and reply: correlation, death while waiting, and no late reply ever leaking into a mailbox.

A call is a one-shot reply handle that also watches the callee (OTP: monitor, send, wait). The handle lives
outside the mailbox, so nothing has to be flushed when the caller stops waiting (rule G-4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import trio

from ._context import current
from ._errors import CallError, CannotWaitError
from ._exit import CALLING_SELF, NOPROC, TIMEOUT, ExitReason
from ._inline import InlineProcess
from ._monitors import watch
from ._pid import Ref
from ._send import Destination, resolve

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from ._process import Process

__all__ = [
    "Answer",
    "Call",
    "Cast",
    "From",
    "StopRequest",
    "Unanswered",
    "Waiter",
    "call",
    "cast",
    "reply",
    "send_request",
    "waiting_process",
]


class From(Ref):
    """Whom to reply to: what `handle_call` gets, to keep or pass on. Only the first reply counts (rule G-7)."""

    __slots__ = ()

    def answer(self, value: object) -> None:
        """Give the reply; a no-op unless it is the first and still wanted."""
        raise NotImplementedError

    def fire(self, reason: ExitReason) -> None:
        """The callee died without a reply."""
        raise NotImplementedError


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
class StopRequest:
    """Asks a behaviour to terminate with a reason. See: OTP ``gen_server:stop/3``."""

    reason: ExitReason


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to a `send_request`, as a message."""

    ref: Ref
    value: Any


@final
@dataclass(frozen=True, slots=True)
class Unanswered:
    """A `send_request` will never be answered: the callee died of ``reason``, or was `NOPROC`."""

    ref: Ref
    reason: ExitReason


_WAITING: Any = object()
_ABANDONED: Any = object()


@final
class Waiter(From):
    """The handle of a task that waits."""

    __slots__ = ("_callee", "_failure", "_task", "_value")

    def __init__(self, callee: Process) -> None:
        self._callee = callee
        self._failure: ExitReason | None = None
        self._task: trio.lowlevel.Task | None = None
        self._value: Any = _WAITING
        watch(callee, self)

    def answer(self, value: object) -> None:
        if self._value is _WAITING:
            self._value = value
            self._settle()

    def fire(self, reason: ExitReason) -> None:
        if self._value is _WAITING:
            self._value = _ABANDONED
            self._failure = reason
            self._settle()

    def _settle(self) -> None:
        if self._callee.watchers is not None:
            self._callee.watchers.discard(self)
        if self._task is not None:
            task, self._task = self._task, None
            trio.lowlevel.reschedule(task)

    async def wait_within(self, timeout: float) -> None:
        """Wait at most ``timeout`` seconds; if cancelled, a later reply is dropped."""
        try:
            with trio.CancelScope(deadline=trio.current_time() + timeout if timeout < math.inf else math.inf):
                await self._wait()
        except BaseException:
            self.abandon()
            raise

    async def _wait(self) -> None:
        if self._value is not _WAITING:
            await trio.lowlevel.checkpoint()
            return
        self._task = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(self._abort)

    def _abort(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED

    def result(self, callee: Destination) -> Any:
        """The reply. From here on the handle is dead: a later reply is dropped (rule G-4)."""
        value, self._value = self._value, _ABANDONED
        if value is _WAITING:
            self._settle()
            raise CallError(TIMEOUT, callee)
        if self._failure is not None:
            raise CallError(self._failure, callee)
        return value

    def died_of(self, callee: Destination) -> ExitReason:
        """What the callee died of, when no reply but its death was waited for."""
        if self._failure is None:
            self.abandon()
            raise CallError(TIMEOUT, callee)
        return self._failure

    def abandon(self) -> None:
        """Stop waiting; a reply that comes later is dropped."""
        if self._value is _WAITING:
            self._value = _ABANDONED
            self._settle()


@final
class _Request(From):
    """The handle of a process that gets its answer as a message."""

    __slots__ = ("_callee", "_requester")

    def __init__(self, requester: Process, callee: Process) -> None:
        self._requester: Process | None = requester
        self._callee = callee
        watch(callee, self)

    def answer(self, value: object) -> None:
        self._deliver(Answer(self, value))

    def fire(self, reason: ExitReason) -> None:
        self._deliver(Unanswered(self, reason))

    def _deliver(self, message: object) -> None:
        requester, self._requester = self._requester, None
        if requester is None:
            return
        if self._callee.watchers is not None:
            self._callee.watchers.discard(self)
        if requester.pid.is_alive:
            requester.post(message)


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
    return _call(waiting_process(), to, request, timeout)


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


async def _call(caller: Process, to: Destination, request: object, timeout: float) -> Any:
    callee = resolve(to)
    if callee is None:
        raise CallError(NOPROC, to)
    if callee is caller:
        raise CallError(CALLING_SELF, to)
    waiter = Waiter(callee)
    callee.post(Call(request, waiter))
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
    handle = _Request(requester, callee)
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
