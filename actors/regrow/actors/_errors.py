"""Every error this package raises on purpose.

::

    ActorError
     ├── AgentFunctionError      an agent was given a coroutine function
     ├── NotAProcessError        a process primitive was used outside a process
     ├── CannotWaitError         an inline callback tried to wait
     ├── NotOwnerError           a task was awaited by another process than its owner
     ├── NoProcessError          link was given a dead pid
     ├── UnknownNameError        a message was sent to a name nobody holds
     ├── MailboxFullError        a message was sent to a full mailbox that refuses
     ├── NameTakenError          the name, or the process, is registered already
     │    └── AlreadyRegisteredError   ... in a registry of unique keys
     ├── NotRegisteredError      the process holds no such key in a registry
     ├── RegistryKeysError       an operation of unique keys was used on a registry of duplicate ones
     ├── UnknownRegistryError    no registry of this name runs
     ├── UnknownScopeError       no scope of process groups of this name runs
     ├── TableAccessError        the access mode of a table does not allow it
     ├── TableGoneError          the table was deleted, or died with its owner
     ├── AlreadyStartedError     start found its name taken by a living process
     ├── InitFailedError         start failed before the process was ready
     ├── ReceiveTimeoutError     no matching message came in time
     ├── MainExitError           the process that opened the node died of a link
     ├── NodeStoppedError        the node is gone
     ├── ReloadError             a module could not be reloaded; everything is as it was
     ├── NotSuspendedError       code is changed only while the process is suspended
     ├── UnknownHandlerError     an event manager has no such handler
     ├── HandlerFailedError      an event handler failed at what was asked of it
     ├── CallbackFailedError     a callback that sys asked for raised; the state is as it was
     ├── PortalError             a portal was used in a place it does not reach from
     └── CallError               a call was not answered; carries the reason
          └── ActorDiedError     ... of a pykka actor
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import pykka

from ._processes._exit import NOPROC, CallFailed, ExitingError, ExitReason, Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._event_managers._gen_event_values import HandlerId
    from ._processes._names import Name
    from ._processes._pid import Pid

__all__ = [
    "ActorDiedError",
    "ActorError",
    "AgentFunctionError",
    "AlreadyRegisteredError",
    "AlreadyStartedError",
    "CallError",
    "CallbackFailedError",
    "CannotWaitError",
    "HandlerFailedError",
    "InitFailedError",
    "MailboxFullError",
    "MainExitError",
    "NameTakenError",
    "NoProcessError",
    "NodeStoppedError",
    "NotAProcessError",
    "NotOwnerError",
    "NotRegisteredError",
    "NotSuspendedError",
    "PortalError",
    "ReceiveTimeoutError",
    "RegistryKeysError",
    "ReloadError",
    "TableAccessError",
    "TableGoneError",
    "UnknownHandlerError",
    "UnknownNameError",
    "UnknownRegistryError",
    "UnknownScopeError",
]


class ActorError(Exception):
    """Base of all errors of this package."""


@final
class AgentFunctionError(ActorError, TypeError):
    """An agent was given a coroutine function; it runs plain functions only, one after the other."""


@final
class NotAProcessError(ActorError):
    """A process primitive was used outside a process; use it inside ``async with open_node():`` or a callback."""


@final
class NotOwnerError(ActorError):
    """A task was awaited, shut down or ignored by another process than the one that made it. See: Elixir ``Task``."""


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
class MailboxFullError(ActorError):
    """A message was sent to a process whose bounded mailbox is full and refuses; see `Overflow.REFUSE`."""

    def __init__(self, pid: Pid, limit: int) -> None:
        super().__init__(f"the mailbox of {pid} is full: {limit} messages wait in it")
        self.pid = pid


class NameTakenError(ActorError):
    """The name is held by another process, or the process has a name. See: Erlang ``register/2`` (N-1)."""


@final
class AlreadyRegisteredError(NameTakenError):
    """A process holds the key. See: Elixir ``Registry.register/3``, ``{:already_registered, pid}``."""

    def __init__(self, registry: str, key: object, pid: Pid) -> None:
        super().__init__(f"the key {key!r} of the registry {registry!r} is held by {pid}")
        self.pid = pid
        """The process that holds it, which may be the caller."""


@final
class NotRegisteredError(ActorError):
    """The running process does not hold the key. See: Elixir ``Registry.update_value/3`` returning ``:error``."""

    def __init__(self, registry: str, key: object, pid: Pid) -> None:
        super().__init__(f"{pid} does not hold the key {key!r} of the registry {registry!r}")


@final
class RegistryKeysError(ActorError):
    """A registry of duplicate keys cannot do this: a key leads to many processes.

    See: Elixir ``Registry``, ``:via is not supported for duplicate registries``.
    """

    def __init__(self, registry: str, operation: str) -> None:
        super().__init__(f"the keys of the registry {registry!r} are duplicate: {operation} needs unique ones")


@final
class UnknownRegistryError(ActorError):
    """No registry of this name runs. See: Elixir ``unknown registry``."""

    def __init__(self, registry: str, node: object) -> None:
        super().__init__(f"no registry {registry!r} runs on {node}: start it, best under a supervisor")


@final
class UnknownScopeError(ActorError):
    """No scope of process groups of this name runs. See: OTP ``pg``, ``noproc``."""

    def __init__(self, scope: str, node: object) -> None:
        super().__init__(f"no scope {scope!r} of process groups runs on {node}: start it, best under a supervisor")


@final
class TableAccessError(ActorError):
    """The access mode of a table does not allow it. See: Erlang ``ets``, ``badarg`` with cause ``access``."""


@final
class TableGoneError(ActorError):
    """The table is no more. See: Erlang ``ets``, ``badarg`` with cause ``id``."""

    def __init__(self, table: str) -> None:
        super().__init__(f"the table {table!r} is gone: it was deleted, or died with its owner")


@final
class AlreadyStartedError(ActorError):
    """Start found its name held by a living process. See: OTP ``{error, {already_started, Pid}}`` (G-2)."""

    def __init__(self, name: Name, pid: Pid) -> None:
        super().__init__(f"{name!r} is already started as {pid}")
        self.pid = pid


@final
class InitFailedError(ExitingError, ActorError):
    """Start failed before the process was ready. See: OTP ``{error, Reason}`` of ``start_link`` (S-3)."""

    def __init__(self, reason: ExitReason, *, by_link: bool = False) -> None:
        super().__init__(f"the process failed to start: {reason}")
        self.reason = reason
        self._by_link = by_link

    @property
    def exit_reason(self) -> ExitReason:
        """What a process dies of that does not catch the error (rule S-4).

        The same reason if the starter would have got it by the link, being linked and not trapping exits; a
        `Failure` with it otherwise, as of a ``{ok, Pid} = ...`` that does not match.
        """
        return self.reason if self._by_link else Failure(self.reason)


@final
class UnknownHandlerError(ActorError):
    """The manager has no handler of this name. See: OTP ``{error, bad_module}`` and ``{error, module_not_found}``."""

    def __init__(self, handler: HandlerId) -> None:
        super().__init__(f"the event manager has no handler {handler!r}")
        self.handler = handler


@final
class HandlerFailedError(ActorError):
    """A handler failed at what was asked of it. See: OTP ``{error, {'EXIT', Reason}}`` of ``gen_event``."""

    def __init__(self, handler: HandlerId, reason: ExitReason) -> None:
        super().__init__(f"the event handler {handler!r} failed: {reason}")
        self.handler = handler
        self.reason = reason


@final
class ReceiveTimeoutError(ActorError):
    """No matching message came in time. See: Erlang ``receive ... after``."""


@final
class NotSuspendedError(ActorError):
    """The code of a process is changed only while it is suspended. See: OTP ``sys:change_code/4`` (Y-3)."""

    def __init__(self, pid: Pid) -> None:
        super().__init__(f"{pid} is not suspended: suspend it, change its code, then resume it")


@final
class ReloadError(ActorError):
    """A module could not be reloaded; code and processes are as they were before. See: Erlang ``code:load_file/1``."""

    def __init__(self, module: str, why: str) -> None:
        super().__init__(f"{module} was not reloaded: {why}")
        self.module = module
        self.why = why


@final
class CallbackFailedError(ExitingError, ActorError):
    """What `sys` had a process call raised, or returned nonsense; the process lives, with the state it had (Y-2)."""

    def __init__(self, callback: Callable[..., object], reason: ExitReason) -> None:
        name = getattr(callback, "__qualname__", None) or repr(callback)
        super().__init__(f"{name} failed: {reason}")
        self.callback = name
        self.reason = reason

    @property
    def exit_reason(self) -> ExitReason:
        """The reason the callback failed for."""
        return self.reason


@final
class NodeStoppedError(ActorError):
    """The node is stopping or gone and starts no more processes."""


@final
class PortalError(ActorError):
    """A portal was used in the thread of its own node, or in a forked child, which has no such thread."""


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
