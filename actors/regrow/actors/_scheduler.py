"""The tick: a node's heart, a synchronous function that reads, runs and writes.

::

    for port in ports: port.poll()      read what is ready, put messages into mailboxes
    run ready processes                 round robin, each at most REDUCTIONS messages, then back of the queue
    for port in ports: port.flush()     one write per dirty connection: everything this tick said to it

Between ticks trio runs, so timers, tasks and cancellation stay trio's. Because a tick's writes leave together,
the busier a room is, the fewer system calls a message costs.
"""

from __future__ import annotations

import contextvars
from collections import deque
from typing import TYPE_CHECKING, Protocol, TypeVar

import trio

from ._context import Running, running
from ._exit import CRASHES, ExitReason, reason_of
from ._process import bury

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._inline import InlineProcess
    from ._reports import Reports

__all__ = ["Port", "Scheduler"]

T = TypeVar("T")

REDUCTIONS = 200
"""Messages a process may take before it goes to the back of the queue."""

MESSAGES_PER_TICK = 20_000
"""Messages a tick runs before it flushes, lets trio run and reads again, even if processes are still ready."""

_NO_BATCH: list[object] = []


class Port(Protocol):
    """A source and sink of messages outside the node: sockets, for instance. See: Erlang ports.

    Its methods run inside the tick, outside every process, and must neither block nor raise.
    """

    def poll(self) -> bool:
        """Read what is ready and post messages; whether anything was ready, so that a next poll may find more."""
        ...

    def flush(self) -> None:
        """Write what the tick left to write."""
        ...

    async def wait(self) -> None:
        """Return as soon as `poll` may find something. Cancellable."""
        ...


class Scheduler:
    """Runs the inline processes of one node."""

    __slots__ = (
        "_asleep",
        "_batch",
        "_context",
        "_entered",
        "_place",
        "_ports",
        "_reports",
        "_taking",
        "_ticking",
        "is_dozing",
        "ready",
    )

    ready: deque[InlineProcess]
    """Processes with mail, in the order in which they will run. A process that died is skipped."""
    is_dozing: bool
    """Whether no tick runs nor is going to: who makes a process ready, or a port dirty, must `wake` it."""

    def __init__(self, reports: Reports) -> None:
        self.ready = deque()
        self._reports = reports
        self._ports: list[Port] = []
        self._place = Running(None)
        self._context = contextvars.Context()
        self._context.run(running.set, self._place)
        self._batch = _NO_BATCH
        self._taking: InlineProcess | None = None
        self._entered: list[InlineProcess] = []
        self._ticking = False
        self.is_dozing = False
        self._asleep: trio.lowlevel.Task | None = None

    def wake(self) -> None:
        """See to it that a tick runs soon: something is to be run or flushed. A no-op inside a tick."""
        if self.is_dozing:
            self.is_dozing = False
            if self._asleep is not None:
                task, self._asleep = self._asleep, None
                trio.lowlevel.reschedule(task)

    def runs(self, process: InlineProcess) -> bool:
        """Whether the process's code is on the stack. If so the rest of its batch is dropped: it is doomed."""
        if process is self._taking:
            self._batch.clear()  # ends the loop in _run_ready without a test per message
            return True
        return process in self._entered

    def call_as(self, process: InlineProcess, function: Callable[..., T], *args: object) -> T:
        """Call ``function`` as ``process``, outside its turn, on the stack of whoever starts it."""
        if running.get(None) is not self._place:
            return self._context.run(self.call_as, process, function, *args)
        place = self._place
        before, place.process = place.process, process
        self._entered.append(process)
        try:
            return function(*args)
        finally:
            self._entered.pop()
            place.process = before

    @property
    def context(self) -> contextvars.Context:
        """The context all inline callbacks run in: never that of the task that happened to run the tick."""
        return self._context

    @trio.lowlevel.enable_ki_protection
    def tick(self) -> bool:
        """Run one tick; a no-op inside a tick. Whether a port was busy.

        KeyboardInterrupt and SystemExit belong to the node, never to the process that happened to run: the
        first is held back until the tick is over, the second leaves the tick.
        """
        if self._ticking:
            return False
        if running.get(None) is not self._place:
            return self._context.run(self._tick)
        return self._tick()

    def _tick(self) -> bool:
        self._ticking = True
        self.is_dozing = False
        try:
            busy = False
            for port in self._ports:
                if port.poll():
                    busy = True
            if self.ready:
                self._run_ready()
            for port in self._ports:
                port.flush()
        finally:
            self._ticking = False
            self.is_dozing = self._asleep is not None
            self._taking = self._place.process = None
            self._batch = _NO_BATCH  # an idle node keeps no message alive
        return busy

    def _run_ready(self) -> None:
        ready = self.ready
        place = self._place
        budget = MESSAGES_PER_TICK
        while ready and budget > 0:
            process = ready.popleft()
            batch = process.mailbox
            if batch is None:  # it died after it was put into the queue
                continue
            if len(batch) > REDUCTIONS:
                process.mailbox = batch[REDUCTIONS:]
                del batch[REDUCTIONS:]
                ready.append(process)
            else:
                process.mailbox = None
            budget -= len(batch)
            place.process = self._taking = process
            self._batch = batch
            receive = process.receive
            try:
                for message in batch:
                    receive(message)
            except CRASHES as error:  # this is where a crash becomes a reason
                self._taking = place.process = None
                self._died(process, reason_of(error))
            else:
                if process.doom is not None:
                    self._taking = place.process = None
                    bury(process, process.doom)

    def _died(self, process: InlineProcess, reason: ExitReason) -> None:
        if process.doom is not None:
            reason = process.doom
        elif reason.is_abnormal:
            self._reports.crash(process, reason)
        bury(process, reason)

    async def beat(self) -> None:
        """Run ticks whenever a process got mail outside one. Never returns."""
        while True:
            self.tick()
            if self.ready:
                await trio.lowlevel.checkpoint()
            else:
                self._asleep = trio.lowlevel.current_task()
                self.is_dozing = True
                await trio.lowlevel.wait_task_rescheduled(self._abort)

    def _abort(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        self._asleep = None
        self.is_dozing = False
        return trio.lowlevel.Abort.SUCCEEDED

    async def serve(self, port: Port) -> None:
        """Let a port take part in the tick until cancelled."""
        self._ports.append(port)
        try:
            while True:
                await port.wait()
                while self.tick():
                    await trio.lowlevel.checkpoint()
        finally:
            self._ports.remove(port)
