"""Waiting for the answers to requests: of one, or of whichever of many comes first.

An answer is a message like any other, `Answer` or `Unanswered`, so an inline process takes it in `handle_info`; these
functions are for processes that wait. See: OTP ``gen_server:receive_response/2``, ``wait_response/2`` and
``gen_server:request_id_collection()``. To check a message, OTP's ``check_response/2``, compare its ``ref``, or ask
`Requests.check`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from regrow.actors._errors import CallError, ReceiveTimeoutError
from regrow.actors._processes._exit import TIMEOUT, ExitReason
from regrow.actors._processes._task import receive
from regrow.actors._servers._call import Answer, Request, Unanswered, send_request

if TYPE_CHECKING:
    from regrow.actors._processes._pid import Ref
    from regrow.actors._processes._send import Destination

__all__ = ["Requests", "Response", "receive_response", "wait_response"]


@final
@dataclass(frozen=True, slots=True)
class Response:
    """What became of one of several `Requests`."""

    label: Any
    """The label of the request."""
    value: Any = None
    """The reply, if there was one."""
    reason: ExitReason | None = None
    """Why there will be none: `NOPROC`, or what the callee died of. None if there was one."""


async def receive_response(request: Ref, *, timeout: float = math.inf) -> Any:
    """Wait for the reply to a request of `send_request`, at most ``timeout`` seconds.

    If it does not come in time it is abandoned: a later one is dropped. If this is cancelled, it is not.

    Raises:
        CallError: no reply will come, as of `call`, or none came in time (`TIMEOUT`).
        CannotWaitError: the running process is inline.
        NotAProcessError: the caller is not a process.

    See: OTP ``gen_server:receive_response/2``.
    """
    try:
        return await wait_response(request, timeout=timeout)
    except ReceiveTimeoutError:
        _abandon(request)
        raise CallError(TIMEOUT, request) from None


async def wait_response(request: Ref, *, timeout: float = math.inf) -> Any:
    """Like `receive_response`, but a request that is not answered in time can be waited for again.

    Raises:
        CallError: no reply will come.
        CannotWaitError: the running process is inline.
        NotAProcessError: the caller is not a process.
        ReceiveTimeoutError: none came in time.

    See: OTP ``gen_server:wait_response/2``.
    """

    def answers(message: object) -> bool:
        return isinstance(message, (Answer, Unanswered)) and message.ref is request

    message = await receive(answers, timeout=timeout)
    if isinstance(message, Unanswered):
        raise CallError(message.reason, request)
    return message.value


@final
class Requests:
    """Requests of the running process that are under way, each with a label; their responses come in any order.

    See: OTP ``gen_server:reqids_new/0``, ``reqids_add/3``, ``send_request/4``.
    """

    __slots__ = ("_labels",)

    def __init__(self) -> None:
        self._labels: dict[Ref, Any] = {}

    def __len__(self) -> int:
        return len(self._labels)

    def send(self, to: Destination, request: object, label: Any) -> Ref:
        """Send a request and add it. See: OTP ``gen_server:send_request/4``.

        Raises:
            NotAProcessError: the caller is not a process.
        """
        ref = send_request(to, request)
        self.add(ref, label)
        return ref

    def add(self, request: Ref, label: Any) -> None:
        """Add a request of `send_request`.

        Raises:
            ValueError: it is among them already.
        """
        if request in self._labels:
            raise ValueError(f"the request {request} was added before, as {self._labels[request]!r}")
        self._labels[request] = label

    def check(self, message: object) -> Response | None:
        """Take a message's request out, if it answers one; None if it does not. For callbacks that cannot wait.

        See: OTP ``gen_server:check_response/3``.
        """
        if not self._answered_by(message):
            return None
        assert isinstance(message, (Answer, Unanswered))
        label = self._labels.pop(message.ref)
        if isinstance(message, Answer):
            return Response(label, message.value)
        return Response(label, reason=message.reason)

    async def receive(self, *, timeout: float = math.inf) -> Response | None:
        """Wait for the next response, at most ``timeout`` seconds, and take its request out; None if there are none.

        If none comes in time, all are abandoned: later responses are dropped.

        Raises:
            CallError: none came in time (`TIMEOUT`).
            CannotWaitError: the running process is inline.
            NotAProcessError: the caller is not a process.

        See: OTP ``gen_server:receive_response/3``.
        """
        try:
            return await self.wait(timeout=timeout)
        except ReceiveTimeoutError:
            for request in self._labels:
                _abandon(request)
            late = f"{len(self)} requests"
            self._labels.clear()
            raise CallError(TIMEOUT, late) from None

    async def wait(self, *, timeout: float = math.inf) -> Response | None:
        """Like `receive`, but requests that are not answered in time can be waited for again.

        Raises:
            CannotWaitError: the running process is inline.
            NotAProcessError: the caller is not a process.
            ReceiveTimeoutError: none came in time.

        See: OTP ``gen_server:wait_response/3``.
        """
        if not self._labels:
            return None
        return self.check(await receive(self._answered_by, timeout=timeout))

    def _answered_by(self, message: object) -> bool:
        return isinstance(message, (Answer, Unanswered)) and message.ref in self._labels


def _abandon(request: Ref) -> None:
    if isinstance(request, Request):
        request.abandon()
