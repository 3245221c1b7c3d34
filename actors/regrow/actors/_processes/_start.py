"""The start protocol: a starter gets a pid only once the process is ready, and a clear error otherwise.

When start fails the name is free before the starter hears of it, so that it may try again at once (rule S-3),
and no exit signal of the failed process reaches a starter that traps exits (rule S-4, OTP 26 and later).

See: OTP ``proc_lib:start_link/5`` and ``proc_lib:init_ack/1``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol, final

import trio

from regrow.actors._errors import AlreadyStartedError, InitFailedError
from regrow.actors._processes._bounded_process import inline_process, task_process
from regrow.actors._processes._context import current
from regrow.actors._processes._exit import CRASHES, KILL, KILLED, NOPROC, NORMAL, TIMEOUT, ExitReason, reason_of
from regrow.actors._processes._monitors import demonitor, monitor, watch
from regrow.actors._processes._names import find, take
from regrow.actors._processes._process import Origin, PortOwner, bind, bury, exit_arrives
from regrow.actors._processes._task import TaskProcess
from regrow.actors._servers._outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from regrow.actors._processes._bounded import Bounded
    from regrow.actors._processes._names import Name
    from regrow.actors._processes._pid import Pid, Ref
    from regrow.actors._processes._process import Process

__all__ = [
    "IGNORE",
    "Ack",
    "Ignore",
    "InlineServer",
    "TaskServer",
    "check_free",
    "give_name",
    "spawn_task",
    "start_failure",
    "start_inline",
    "start_monitor_task",
    "start_task",
    "starter_of",
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

    def begin(self, *args: Any) -> Ignore | Fail | None:
        """Initialise, as the process itself. Raising fails the start, `Fail` does so quietly."""
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
    mailbox: Bounded | None = None,
) -> Pid | None:
    """Start an inline process; its ``begin`` has run when this returns. None if it returned `IGNORE`.

    The starter gets the error in place even if it is linked and does not trap exits, when OTP would have the
    link end it; if it does not catch the error it dies of the same reason (rule S-4).

    Raises:
        AlreadyStartedError: the name is held.
        InitFailedError: ``begin`` raised, or the process was killed meanwhile.
        NotAProcessError: the caller is not a process.
    """
    parent = current()
    node = parent.node
    check_free(parent, name)
    process = inline_process(node, server.dispatch, type(server).__qualname__, parent.pid, mailbox)
    server.pid = process.pid
    process.server = server
    process.port = port
    if name is not None:
        give_name(process, name)
    if linked:
        bind(parent, process)
        if not process.pid.is_alive:
            raise InitFailedError(NOPROC)
    ignored: Ignore | Fail | None = None
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
        if isinstance(ignored, Fail):
            raise InitFailedError(ignored.reason)
        return None
    raise start_failure(parent, reason, linked=linked)


async def start_task(
    server: TaskServer,
    args: tuple[Any, ...] = (),
    *,
    linked: bool,
    name: Name | None = None,
    port: PortOwner | None = None,
    mailbox: Bounded | None = None,
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
    ack = _launch(server, args, linked=linked, name=name, port=port, mailbox=mailbox)
    return server.pid if await _started(ack, timeout) else None


async def start_monitor_task(
    server: TaskServer,
    args: tuple[Any, ...] = (),
    *,
    name: Name | None = None,
    mailbox: Bounded | None = None,
    timeout: float = math.inf,
) -> tuple[Pid, Ref] | None:
    """Start a task process that is monitored, not linked, from before its first instruction.

    Otherwise like `start_task`. A start that fails leaves no `Down`: its ref would have been handed to nobody.

    See: OTP ``proc_lib:start_monitor/5``, which returns the ref with the error.
    """
    ack = _launch(server, args, linked=False, name=name, port=None, mailbox=mailbox)
    ref = monitor(server.pid)
    is_started = False
    try:
        is_started = await _started(ack, timeout)
    finally:
        if not is_started:
            demonitor(ref, flush=True)
    return (server.pid, ref) if is_started else None


async def _started(ack: Ack, timeout: float) -> bool:
    """Wait for the word; whether the process is ready, rather than ignored."""
    await ack.settled(timeout)
    if ack.reason is None:
        return True
    if ack.is_ignored and ack.reason is NORMAL:
        if ack.failure is not None:
            raise InitFailedError(ack.failure)
        return False
    raise start_failure(ack.parent, ack.reason, linked=ack.is_linked)


def spawn_task(server: TaskServer, args: tuple[Any, ...] = ()) -> Pid:
    """Start a task process, linked to nobody, without waiting until it is ready."""
    _launch(server, args, linked=False, name=None, port=None, mailbox=None)
    return server.pid


def starter_of(pid: Pid) -> Pid | None:
    """Who waits until this process is ready; None if it is, or nobody waits.

    A process that waits for its starter meanwhile waits for ever.
    """
    process = pid.process
    return process.ack.starter if isinstance(process, TaskProcess) and process.ack is not None else None


def _launch(
    server: TaskServer,
    args: tuple[Any, ...],
    *,
    linked: bool,
    name: Name | None,
    port: PortOwner | None,
    mailbox: Bounded | None,
) -> Ack:
    parent = current()
    node = parent.node
    check_free(parent, name)
    process = task_process(node, type(server).__qualname__, parent.pid, mailbox)
    server.pid = process.pid
    process.server = server
    process.port = port
    process.ack = ack = Ack(parent, process, linked=linked)
    node.start_task(process, server.live, ack, args)
    if name is not None:
        give_name(process, name)
    if linked:
        bind(parent, process)
    return ack


@final
class Ack:
    """The word a starter waits for: ready, or dead of a reason."""

    __slots__ = ("_event", "_process", "failure", "is_ignored", "is_linked", "is_pending", "parent", "reason")

    def __init__(self, parent: Process, process: Process, *, linked: bool) -> None:
        self.parent = parent
        self.is_linked = linked
        self._process = process
        self._event = trio.Event()
        self.failure: ExitReason | None = None
        self.is_ignored = False
        self.is_pending = True
        self.reason: ExitReason | None = None
        watch(process, self)

    @property
    def starter(self) -> Pid | None:
        """Who waits for the word; None if nobody does."""
        return self.parent.pid if self._event.statistics().tasks_waiting else None

    def ready(self) -> None:
        """The process is initialised: let the starter go on."""
        self._settle()
        if self._process.watchers is not None:
            self._process.watchers.discard(self)

    def ignored(self) -> None:
        """``init`` returned `IGNORE`: the process is about to return, and that is no failure."""
        self.is_ignored = True

    def failed(self, reason: ExitReason) -> None:
        """``init`` returned `Fail`: the process is about to return, and only the starter hears why."""
        self.is_ignored = True
        self.failure = reason

    def fire(self, reason: ExitReason) -> None:
        """The process died before it was ready: nobody but the starter shall hear of it (rule S-4)."""
        self._process.port = None
        _part(self.parent, self._process)
        self.reason = reason
        self._settle()

    def refuse(self) -> None:
        """The starter stops waiting: kill the process without a trace."""
        exit_arrives(self._process, self.parent.pid, KILL, Origin.OTHER)

    async def settled(self, timeout: float) -> None:
        """Wait for the word; if it does not come in time, or this is cancelled, the process is killed (rule S-2).

        Raises:
            InitFailedError: ``timeout`` seconds passed.
        """
        try:
            with trio.CancelScope(deadline=trio.current_time() + timeout if timeout < math.inf else math.inf):
                await self._event.wait()
        except BaseException:
            self.refuse()
            raise
        if self.is_pending:
            self.refuse()
            raise InitFailedError(TIMEOUT)

    def _settle(self) -> None:
        self.is_pending = False
        if isinstance(self._process, TaskProcess):
            self._process.ack = None
        self._event.set()


def check_free(parent: Process, name: Name | None) -> None:
    """See to it that a process may be started under this name.

    Raises:
        AlreadyStartedError: the name is held.
    """
    if name is not None:
        holder = find(parent.node, name)
        if holder is not None:
            raise AlreadyStartedError(name, holder.pid)


def start_failure(parent: Process, reason: ExitReason, *, linked: bool) -> InitFailedError:
    """The error of a starter whose process died of ``reason`` before it was ready."""
    return InitFailedError(reason, by_link=linked and not parent.trap_exit and reason is not NORMAL)


def give_name(process: Process, name: Name) -> None:
    """Name a process that is starting; if its registry refuses, leave no trace of it."""
    try:
        take(process.node, name, process)
    except BaseException:
        process.port = None
        bury(process, KILLED)
        raise


def _part(parent: Process, process: Process) -> None:
    parent.part(process)
    process.part(parent)
