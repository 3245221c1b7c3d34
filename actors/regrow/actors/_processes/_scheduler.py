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
from operator import length_hint
from typing import TYPE_CHECKING, Protocol, TypeVar

import trio

from regrow.actors._preemption._safe_points import DRIVERS
from regrow.actors._processes._context import Running, running
from regrow.actors._processes._exit import CRASHES, ExitReason, reason_of
from regrow.actors._processes._process import bury

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from regrow.actors._processes._inline import InlineProcess
    from regrow.actors._processes._node import Node
    from regrow.actors._processes._reports import Reports

__all__ = ["Port", "Scheduler"]

T = TypeVar("T")

REDUCTIONS = 200
"""Messages a process may take before it goes to the back of the queue."""

MESSAGES_PER_TICK = 20_000
"""Messages a tick runs before it flushes, lets trio run and reads again, even if processes are still ready."""

_NO_MESSAGES: list[object] = []


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
        "_context",
        "_entered",
        "_held",
        "_place",
        "_ports",
        "_reports",
        "_rest",
        "_taking",
        "_ticking",
        "is_dozing",
        "ready",
    )

    ready: deque[InlineProcess]
    """Processes with mail, in the order in which they will run. A process that died is skipped."""
    is_dozing: bool
    """Whether no tick runs nor is going to: who makes a process ready, or a port dirty, must `wake` it."""

    def __init__(self, node: Node, reports: Reports) -> None:
        self.ready = deque()
        self._reports = reports
        self._ports: list[Port] = []
        self._place = Running(node, None)
        self._context = contextvars.Context()
        self._context.run(running.set, self._place)
        self._held: list[InlineProcess] = []
        """Those of `ready` that wait for the next tick although this one could take them."""
        self._rest: list[object] | Iterator[object] = _NO_MESSAGES
        """What is left of the batch that is being taken; or all of it, if it is one message."""
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
            deque(self._rest, maxlen=0)  # ends the loop in _run_ready without a test per message
            return True
        return process in self._entered

    def is_inside(self, process: InlineProcess) -> bool:
        """Whether the process's code is on the stack; unlike `runs`, this changes nothing."""
        return process is self._taking or process in self._entered

    def hand_back(self, process: InlineProcess) -> None:
        """Put the rest of the batch a process is taking back into its mailbox, where it can be looked at."""
        if process is not self._taking or self._rest.__class__ is list:
            return
        left = list(self._rest)  # ends the loop in _run_ready
        if not left:
            return
        if process.mailbox is None:
            process.mailbox = left
            self.ready.append(process)
        else:
            process.mailbox[:0] = left

    def give_back(self, process: InlineProcess, before: list[object]) -> None:
        """Put the rest of the batch a process is taking back into its mailbox, behind messages it had before.

        For a process that has just changed its receiver: the batch would go on with the one it began with.
        """
        if not process.pid.is_alive or process.doom is not None:
            return
        self.hand_back(process)
        if process.mailbox is not None:
            process.mailbox[:0] = before
        elif before:
            process.mailbox = before
            self.ready.append(process)

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

    # What preemption looks at, from a signal handler on top of whatever runs or from another thread.

    def owns(self, place: Running | None) -> bool:
        """Whether this is where the inline processes of the node run, and its ports and timers."""
        return place is self._place

    def is_ticking(self) -> bool:
        """Whether a tick is on the stack."""
        return self._ticking

    def callers(self) -> list[InlineProcess]:
        """The processes whose code is on the stack, outermost first."""
        taking = self._taking
        return self._entered[:] if taking is None else [taking, *self._entered]

    def turn(self) -> tuple[object, int]:
        """What changes with every message taken: the batch, to be compared by identity, and how much of it is left."""
        return self._rest, length_hint(self._rest)

    def end_tick_soon(self) -> None:
        """End the tick, if one runs, with the batch that is being taken: the other processes wait for the next."""
        if self._ticking:
            self._held.extend(self.ready)
            self.ready.clear()  # which ends the loop in _run_ready without a test of a flag

    def cut_short(self) -> None:
        """End the tick, and the batch that is being taken, after the present message.

        To be called while the code of a process runs, and none of the runtime on top of it.
        """
        process = self._taking
        if process is not None and process.doom is None:
            self.hand_back(process)
        self.end_tick_soon()

    @property
    def context(self) -> contextvars.Context:
        """The context all inline callbacks run in: never that of the task that happened to run the tick."""
        return self._context

    @trio.lowlevel.enable_ki_protection
    def tick(self) -> bool:
        """Run one tick; a no-op inside a tick. Whether there is more to do: a port was busy, or processes are ready.

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
            self._rest = _NO_MESSAGES  # an idle node keeps no message alive
            if self._held:
                held, self._held = self._held, []
                self.ready.extendleft(reversed(held))
        return busy or bool(self.ready)

    def _run_ready(self) -> None:
        ready = self.ready
        place = self._place
        budget = MESSAGES_PER_TICK
        while ready and budget > 0:
            try:
                process = ready.popleft()
            except IndexError:  # `end_tick_soon` came between the two lines
                break
            batch = process.mailbox
            if batch is None:  # it died after it was put into the queue
                continue
            length = len(batch)
            if length > REDUCTIONS:
                process.mailbox = batch[REDUCTIONS:]
                del batch[REDUCTIONS:]
                ready.append(process)
                length = REDUCTIONS
            else:
                process.mailbox = None
            budget -= length
            place.process = self._taking = process
            self._rest = rest = batch if length == 1 else iter(batch)
            receive = process.receive
            try:
                for message in rest:
                    receive(message)
            except CRASHES as error:  # this is where a crash becomes a reason
                self._taking = place.process = None
                self._died(process, reason_of(error))
            else:
                if process.doom is not None:
                    self._taking = place.process = None
                    bury(process, process.doom)
        self._taking = place.process = None

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


DRIVERS.update((Scheduler.call_as.__code__, Scheduler._run_ready.__code__))
