"""Every error this package raises on purpose.

::

    ActorError
     ├── NotAProcessError        a process primitive was used outside a process
     ├── CannotWaitError         an inline callback tried to wait
     ├── NoProcessError          link was given a dead pid
     ├── UnknownNameError        a message was sent to a name nobody holds
     ├── NameTakenError          the name, or the process, is registered already
     ├── AlreadyStartedError     start found its name taken by a living process
     ├── InitFailedError         start failed before the process was ready
     ├── ReceiveTimeoutError     no matching message came in time
     ├── MainExitError           the process that opened the node died of a link
     ├── NodeStoppedError        the node is gone
     └── CallError               a call was not answered; carries the reason
          └── ActorDiedError     ... of a pykka actor
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import pykka

from ._exit import NOPROC, CallFailed, ExitingError, ExitReason, Failure

if TYPE_CHECKING:
    from ._names import Name
    from ._pid import Pid

__all__ = [
    "ActorDiedError",
    "ActorError",
    "AlreadyStartedError",
    "CallError",
    "CannotWaitError",
    "InitFailedError",
    "MainExitError",
    "NameTakenError",
    "NoProcessError",
    "NodeStoppedError",
    "NotAProcessError",
    "ReceiveTimeoutError",
    "UnknownNameError",
]


class ActorError(Exception):
    """Base of all errors of this package."""


@final
class NotAProcessError(ActorError):
    """A process primitive was used outside a process; use it inside ``async with open_node():`` or a callback."""


@final
class CannotWaitError(ActorError):
    """An inline callback tried to wait.

    Raised at the call, not at the await, so that a forgotten await does not hide it.
    """


@final
class NoProcessError(ExitingError, ActorError):
    """A process that does not trap exits linked to a dead pid. See: Erlang ``link/1`` raising ``noproc`` (L-4)."""

    def __init__(self, pid: Pid) -> None:
        super().__init__(f"cannot link to {pid}: it is dead")

    @property
    def exit_reason(self) -> ExitReason:
        """`NOPROC`: what the process dies of if it does not catch the error."""
        return NOPROC


@final
class UnknownNameError(ActorError):
    """A message was sent to a name that no process holds. See: Erlang ``Name ! Msg`` raising ``badarg`` (P-3)."""


@final
class NameTakenError(ActorError):
    """The name is held by another process, or the process has a name. See: Erlang ``register/2`` (N-1)."""


@final
class AlreadyStartedError(ActorError):
    """Start found its name held by a living process. See: OTP ``{error, {already_started, Pid}}`` (G-2)."""

    def __init__(self, name: Name, pid: Pid) -> None:
        super().__init__(f"{name!r} is already started as {pid}")
        self.pid = pid


@final
class InitFailedError(ExitingError, ActorError):
    """Start failed before the process was ready. See: OTP ``{error, Reason}`` of ``start_link`` (S-3)."""

    def __init__(self, reason: ExitReason) -> None:
        super().__init__(f"the process failed to start: {reason}")
        self.reason = reason

    @property
    def exit_reason(self) -> ExitReason:
        """The reason the started process died of."""
        return Failure(self.reason)


@final
class ReceiveTimeoutError(ActorError):
    """No matching message came in time. See: Erlang ``receive ... after``."""


@final
class NodeStoppedError(ActorError):
    """The node is stopping or gone and starts no more processes."""


@final
class MainExitError(ActorError):
    """The process that opened the node died of an exit signal; the block was cancelled."""

    def __init__(self, reason: ExitReason) -> None:
        super().__init__(f"the main process exited: {reason}")
        self.reason = reason


class CallError(ExitingError, ActorError):
    """A call was not answered; `reason` says why. See: OTP ``gen_server:call/3`` (G-3).

    The reason is `NOPROC` (no such process), `TIMEOUT`, `CALLING_SELF`, or the exit reason of a process that
    died before it replied, ``NORMAL`` included.
    """

    def __init__(self, reason: ExitReason, callee: object) -> None:
        super().__init__(f"call to {callee} failed: {reason}")
        self.reason = reason
        self._callee = str(callee)

    @property
    def exit_reason(self) -> ExitReason:
        """`CallFailed` with the same reason: what a process dies of that does not catch the error."""
        return CallFailed(self.reason, self._callee)


@final
class ActorDiedError(CallError, pykka.ActorDeadError):
    """The actor was dead, or died before it replied; ``reason`` is its exit reason."""
