"""The start protocol: a starter gets a pid only once the process is ready, and a clear error otherwise.

When start fails the name is free before the starter hears of it, so that it may try again at once (rule S-3),
and no exit signal of the failed process reaches a starter that traps exits (rule S-4, OTP 26 and later).

See: OTP ``proc_lib:start_link/5`` and ``proc_lib:init_ack/1``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol, final

import trio

from ._context import current
from ._errors import AlreadyStartedError, InitFailedError
from ._exit import CRASHES, KILL, NOPROC, NORMAL, TIMEOUT, ExitReason, reason_of
from ._inline import InlineProcess
from ._monitors import watch
from ._names import find, take
from ._process import Origin, PortOwner, bind, bury, exit_arrives
from ._task import TaskProcess

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from ._names import Name
    from ._pid import Pid
    from ._process import Process

__all__ = [
    "IGNORE",
    "Ack",
    "Ignore",
    "InlineServer",
    "TaskServer",
    "spawn_task",
    "start_inline",
    "start_task",
]


@final
class Ignore:
    """What ``init`` returns to say that this process is not wanted. See: OTP ``ignore``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "IGNORE"


IGNORE = Ignore()


class InlineServer(Protocol):
    """What the inline driver runs."""

    pid: Pid

    def begin(self, *args: Any) -> Ignore | None:
        """Initialise, as the process itself. Raising fails the start."""
        ...

    def dispatch(self, message: object, /) -> None:
        """Take one message. Raising ends the process."""
        ...


class TaskServer(Protocol):
    """What the task driver runs."""

    pid: Pid

    def live(self, ack: Ack, args: tuple[Any, ...], /) -> Awaitable[None]:
        """Initialise, call ``ack.ready()``, then serve until the process ends; or ``ack.ignored()`` and return."""
        ...


def start_inline(
    server: InlineServer,
    args: tuple[Any, ...] = (),
    *,
    linked: bool,
    name: Name | None = None,
    port: PortOwner | None = None,
) -> Pid | None:
    """Start an inline process; its ``begin`` has run when this returns. None if it returned `IGNORE`.

    Raises:
        AlreadyStartedError: the name is held.
        InitFailedError: ``begin`` raised, or the process was killed meanwhile.
        NotAProcessError: the caller is not a process.
    """
    parent = current()
    node = parent.node
    _check_free(parent, name)
    process = InlineProcess(node, server.dispatch, type(server).__qualname__, parent.pid)
    server.pid = process.pid
    process.server = server
    process.port = port
    if name is not None:
        take(node, name, process)
    if linked:
        bind(parent, process)
        if not process.pid.is_alive:
            raise InitFailedError(NOPROC)
    ignored: Ignore | None = None
    reason: ExitReason = NORMAL
    try:
        ignored = node.scheduler.call_as(process, server.begin, *args)
        if ignored is None and process.doom is None:
            return process.pid
    except CRASHES as error:  # a crash in init becomes the reason of the failure
        reason = reason_of(error)
    process.port = None
    _part(parent, process)
    if process.doom is not None:
        reason = process.doom
    elif reason.is_abnormal:
        node.reports.crash(process, reason)
    bury(process, reason)
    if ignored is not None and reason is NORMAL:
        return None
    raise InitFailedError(reason)


async def start_task(
    server: TaskServer,
    args: tuple[Any, ...] = (),
    *,
    linked: bool,
    name: Name | None = None,
    port: PortOwner | None = None,
    timeout: float = math.inf,
) -> Pid | None:
    """Start a task process and wait until it is ready. None if its ``init`` returned `IGNORE`.

    If this is cancelled, or ``timeout`` seconds pass, the process is killed and leaves no trace (rule S-2).

    Raises:
        AlreadyStartedError: the name is held.
        InitFailedError: it died before it was ready, or was not ready in time (`TIMEOUT`).
        NodeStoppedError: the node starts no more processes.
        NotAProcessError: the caller is not a process.
    """
    ack = _launch(server, args, linked=linked, name=name, port=port)
    try:
        with trio.CancelScope(deadline=trio.current_time() + timeout if timeout < math.inf else math.inf):
            await ack.wait()
    except BaseException:
        ack.refuse()
        raise
    if ack.is_pending:
        ack.refuse()
        raise InitFailedError(TIMEOUT)
    if ack.reason is None:
        return server.pid
    if ack.is_ignored and ack.reason is NORMAL:
        return None
    raise InitFailedError(ack.reason)


def spawn_task(server: TaskServer, args: tuple[Any, ...] = ()) -> Pid:
    """Start a task process, linked to nobody, without waiting until it is ready."""
    _launch(server, args, linked=False, name=None, port=None)
    return server.pid


def _launch(
    server: TaskServer, args: tuple[Any, ...], *, linked: bool, name: Name | None, port: PortOwner | None
) -> Ack:
    parent = current()
    node = parent.node
    _check_free(parent, name)
    process = TaskProcess(node, type(server).__qualname__, parent.pid)
    server.pid = process.pid
    process.server = server
    process.port = port
    ack = Ack(parent, process)
    node.start_task(process, server.live, ack, args)
    if name is not None:
        take(node, name, process)
    if linked:
        bind(parent, process)
    return ack


@final
class Ack:
    """The word a starter waits for: ready, or dead of a reason."""

    __slots__ = ("_event", "_parent", "_process", "is_ignored", "is_pending", "reason")

    def __init__(self, parent: Process, process: Process) -> None:
        self._parent = parent
        self._process = process
        self._event = trio.Event()
        self.is_ignored = False
        self.is_pending = True
        self.reason: ExitReason | None = None
        watch(process, self)

    def ready(self) -> None:
        """The process is initialised: let the starter go on."""
        self._settle()
        if self._process.watchers is not None:
            self._process.watchers.discard(self)

    def ignored(self) -> None:
        """``init`` returned `IGNORE`: the process is about to return, and that is no failure."""
        self.is_ignored = True

    def fire(self, reason: ExitReason) -> None:
        """The process died before it was ready: nobody but the starter shall hear of it (rule S-4)."""
        self._process.port = None
        _part(self._parent, self._process)
        self.reason = reason
        self._settle()

    def refuse(self) -> None:
        """The starter stops waiting: kill the process without a trace."""
        exit_arrives(self._process, self._parent.pid, KILL, Origin.OTHER)

    async def wait(self) -> None:
        """Wait for the word."""
        await self._event.wait()

    def _settle(self) -> None:
        self.is_pending = False
        self._event.set()


def _check_free(parent: Process, name: Name | None) -> None:
    if name is not None:
        holder = find(parent.node, name)
        if holder is not None:
            raise AlreadyStartedError(name, holder.pid)


def _part(parent: Process, process: Process) -> None:
    parent.part(process)
    process.part(parent)
