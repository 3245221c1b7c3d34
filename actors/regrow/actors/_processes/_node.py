"""A node: the value everything hangs off. Nothing about processes is global, so two nodes can live in one test."""

from __future__ import annotations

import math
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, cast, final

import trio

from regrow.actors._errors import MainExitError, NodeStoppedError
from regrow.actors._preemption._preemption import preempting
from regrow.actors._preemption._vigil import Interrupted
from regrow.actors._processes._context import running
from regrow.actors._processes._exit import KILL, SHUTDOWN, ExitProcess, ExitReason
from regrow.actors._processes._names import Names
from regrow.actors._processes._process import Origin, bury, exit_arrives
from regrow.actors._processes._reports import Reports, ZombieReport
from regrow.actors._processes._scheduler import Scheduler
from regrow.actors._processes._task import TaskProcess
from regrow.actors._processes._timers import Timers
from regrow.actors._tables._table_names import TableNames

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from regrow.actors._processes._pid import Pid
    from regrow.actors._processes._process import Process
    from regrow.actors._processes._scheduler import Port
    from regrow.actors._processes._timers import Timer

__all__ = ["Node", "open_node"]


@final
class Node:
    """All processes of one BEAM-like node and what they share. Made by `open_node` only."""

    name: str
    budget: float
    """Seconds the code of a process may run without letting others run, until it is interrupted."""
    processes: set[Process]
    """Every living process. Invariant: ``all(p.pid.process is p for p in processes)``."""

    def __init__(self, name: str, budget: float = math.inf) -> None:
        self.name = name
        self.budget = budget
        self.processes = set()
        self.timers = Timers()
        self.reports = Reports(self.timers)
        self.scheduler = Scheduler(self, self.reports)
        self.names = Names()
        self.tables = TableNames()
        self.token = trio.lowlevel.current_trio_token()
        self.main: Pid | None = None
        """The process that opened the node."""
        self.next_number = count().__next__
        self.fatal: BaseException | None = None
        """What belongs to the node rather than to the process that raised it; it ends the node."""
        self._nursery: trio.Nursery | None = None
        self.block = trio.CancelScope()
        """Around the block that opened the node."""
        self._stopped = trio.Event()
        self._stirred: trio.Event | None = None
        self._zombies: dict[Process, tuple[float, Timer]] = {}

    def __repr__(self) -> str:
        return f"<Node {self.name}: {len(self.processes)} processes>"

    def pids(self) -> list[Pid]:
        """The living processes, oldest first. See: Erlang ``processes/0``."""
        return sorted(process.pid for process in self.processes)

    def whereis(self, name: str) -> Pid | None:
        """The process that holds a name, if any; for ports, which are no processes. See: `regrow.actors.whereis`."""
        process = self.names.find(name)
        return None if process is None else process.pid

    async def serve_port(self, port: Port) -> None:
        """Let a port take part in the tick until cancelled."""
        await self.scheduler.serve(port)

    def wake(self) -> None:
        """See to it that a tick runs soon, because a port has something to flush. A no-op inside a tick."""
        self.scheduler.wake()

    async def run(self, task_status: trio.TaskStatus[None]) -> None:
        """Host the processes until `stop` has ended them all.

        Shielded: whatever cancels the block that opened the node ends them through `stop`, in order. The clock
        and the tick go on until the last zombie task has unwound, so that one that overstays is reported. A thread
        that has not ended by then is reported and left alone.
        """
        with preempting(self), trio.CancelScope(shield=True):
            async with trio.open_nursery() as services:
                for service in (self._beat, self.timers.run):
                    self.scheduler.context.run(services.start_soon, service)
                async with trio.open_nursery() as nursery:
                    self._nursery = nursery
                    task_status.started()
                    await self._stopped.wait()
                    nursery.cancel_scope.cancel()
                services.cancel_scope.cancel()
        for process, (killed_at, _timer) in list(self._zombies.items()):  # threads: nobody can wait for those
            self._overstays(process, round(trio.current_time() - killed_at, 3))
        self.reports.close()

    async def _beat(self) -> None:
        while True:
            try:
                await self.scheduler.beat()
            except trio.Cancelled:
                raise
            except Interrupted:  # meant for a process that had just returned: see `Watchdog`
                pass
            except BaseException as error:  # noqa: BLE001 - it ends the node, in order, and leaves `open_node`
                self.abort(error)
            await trio.lowlevel.checkpoint()

    def abort(self, error: BaseException) -> None:
        """End the node because of what no process may keep, and let it leave `open_node`."""
        if isinstance(error, BaseExceptionGroup):
            group = cast("BaseExceptionGroup[BaseException]", error)
            rest = group.split((Exception, ExitProcess, trio.Cancelled))[1]
            if rest is None:  # a zombie came to grief while it was cancelled
                return
            error = rest
        if self.fatal is None:
            self.fatal = error
        self.block.cancel()

    def admit(self, process: Process) -> None:
        """Take in a process that is being born.

        Raises:
            NodeStoppedError: the node starts no more processes.
        """
        if self._nursery is None:
            raise NodeStoppedError(f"{self} has stopped and starts no more processes")
        self.processes.add(process)
        self._stir()

    def adopt(self, pid: Pid) -> None:
        """Make a living process a child of `main`, whoever started it.

        For a service of the node that is started when it is first needed: at the end it is asked to leave with the
        roots, before those that have no living parent left to stop them in order.
        """
        assert pid.process is not None, "the caller has just started it"
        pid.process.parent = self.main

    def start_task(self, process: TaskProcess, function: Callable[..., Awaitable[object]], *args: Any) -> None:
        """Give a task process its task, in a context of its own."""
        nursery = self._nursery
        assert nursery is not None, "the process was admitted"
        self.scheduler.context.copy().run(_start_soon, nursery, process, function, args)

    def haunt(self, process: Process, grace: float) -> None:
        """The code of a killed process still runs; report it if that lasts longer than ``grace`` seconds."""
        timer = self.timers.after(grace, lambda: self._overstays(process, grace))
        self._zombies[process] = trio.current_time(), timer

    def _overstays(self, process: Process, seconds: float) -> None:
        del self._zombies[process]
        self.reports.add(ZombieReport, process.pid, process.label, seconds)

    def rest(self, process: Process) -> None:
        """The code of a process has come to its end."""
        zombie = self._zombies.pop(process, None)
        if zombie is not None:
            zombie[1].cancel()

    def process_died(self) -> None:
        """A process died."""
        self._stir()

    def _stir(self) -> None:
        """Whoever stops the node looks again."""
        if self._stirred is not None:
            self._stirred.set()

    async def stop(self, main: TaskProcess, grace: float) -> None:
        """End every process: politely from the roots down, then all that is left, then by kill.

        Supervisors get their parent's exit signal and stop their children in order.
        """
        bury(main, SHUTDOWN)
        with trio.move_on_after(grace):
            await self._ask_to_leave(main, lambda process: process.parent is main.pid)
            await self._ask_to_leave(main, lambda _process: True)
        self._nursery = None
        for process in list(self.processes):
            exit_arrives(process, main.pid, KILL, Origin.OTHER)
        self._stopped.set()

    async def _ask_to_leave(self, main: TaskProcess, which: Callable[[Process], bool]) -> None:
        asked: set[Process] = set()
        while True:
            self._stirred = trio.Event()
            for process in self._matching(which):
                if process not in asked:
                    asked.add(process)
                    exit_arrives(process, main.pid, SHUTDOWN, Origin.OTHER)
            if not self._matching(which):
                return
            await self._stirred.wait()

    def _matching(self, which: Callable[[Process], bool]) -> list[Process]:
        return [process for process in self.processes if which(process)]


def _start_soon(
    nursery: trio.Nursery,
    process: TaskProcess,
    function: Callable[..., Awaitable[object]],
    args: tuple[Any, ...],
) -> None:
    nursery.start_soon(process.run, function, *args, name=process.label)


@asynccontextmanager
async def open_node(
    name: str = "regrow@localhost", *, shutdown_timeout: float = 10.0, budget: float = 1.0
) -> AsyncGenerator[Node]:
    """Start a node; the calling task is its first process, ``main``, for as long as the block runs.

    Inside the block everything a process may do can be done: start and link processes, call them, receive.
    When the block ends, however it ends, every process is stopped: the tree from its roots down, within
    ``shutdown_timeout`` seconds, then by kill.

    A process whose code runs longer than ``budget`` seconds without letting others run is interrupted and dies of
    `Runaway`; ``math.inf`` turns that off, for a debugger. ``main``, the block itself, is never interrupted. While a
    node is open in the main thread it takes SIGALRM and ITIMER_REAL, unless the program uses them already: then nothing
    is interrupted, which a `PreemptionOff` report says.

    Raises:
        MainExitError: ``main`` died: a process linked to it died abnormally and it does not trap exits, or it called
            `exit_`.
        KeyboardInterrupt, SystemExit: a process raised it.

    See: Erlang ``init:stop/0``; the block is the shell process.
    """
    if not 0 <= shutdown_timeout < math.inf:
        raise ValueError(f"shutdown_timeout must be finite and not negative, got {shutdown_timeout!r}")
    if not budget > 0:
        raise ValueError(f"budget must be positive, got {budget!r}")
    node = Node(name, budget)
    died_of: ExitReason | None = None
    failure: BaseException | None = None
    async with trio.open_nursery() as nursery:
        await nursery.start(node.run)
        main = TaskProcess(node, "main", None)
        node.main = main.pid
        main.task = trio.lowlevel.current_task()
        token = running.set(main.place)
        try:
            with node.block, main.scope:
                yield node
        except ExitProcess as leaving:
            died_of = leaving.reason
        except BaseException as error:  # noqa: BLE001 - raised again below, outside the nursery's group
            failure = error
        died_of = main.reason or died_of
        main.rest()
        with trio.CancelScope(shield=True):
            await node.stop(main, shutdown_timeout)
        running.reset(token)
    failure = node.fatal or failure
    if failure is not None:
        raise failure
    if died_of is not None:
        raise MainExitError(died_of)
