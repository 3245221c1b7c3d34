"""The vigil over the main thread: the kernel's interval timer, and a signal handler on top of whatever runs.

A watchdog thread would not do: C code that holds the GIL starves threads. A signal also interrupts C code, as far as
that checks for signals, as ``time.sleep``, regular expressions and big integers do.

The timer runs for as long as a node is open, so that nothing has to be armed, or even noted, for each tick or message.
Idle, it costs ten short wake-ups a second.
"""

from __future__ import annotations

import _thread
import os
import random
import signal
import time
from functools import partial
from typing import TYPE_CHECKING, Any, final

import trio

from regrow.actors._preemption._vigil import Interrupted, Verdict, Vigil
from regrow.actors._processes._context import Running, running
from regrow.actors._processes._reports import PreemptionOff, log
from regrow.actors._processes._task import TaskProcess

if TYPE_CHECKING:
    from types import FrameType

    from regrow.actors._processes._exit import ExitReason
    from regrow.actors._processes._node import Node
    from regrow.actors._processes._process import Process
    from regrow.actors._processes._reports import StuckReport

__all__ = ["ALARM", "Alarm"]

SOON = 0.0002
"""Seconds until the next look at a process that could not be interrupted where it was, on average."""

REST = 10
"""How many times as long as a look took it is until the next: looking must not keep from running, not even profiled."""


@final
class _Bell:
    """Rings as soon as nobody refers to it: the signal handler runs before the next jump or call.

    Each interruption carries one. Code that catches it and goes on drops it when it leaves its ``except`` clause; so it
    is interrupted again right there, outside the ``try`` that would catch it. While the interruption travels, through
    ``finally`` clauses for instance, it is silent.
    """

    __slots__ = ()

    __del__ = staticmethod(partial(_thread.interrupt_main, signal.SIGALRM))  # C code: it runs no Python itself


@final
class _BellInterrupted(Interrupted):
    """An interruption that rings when it is dropped."""

    def __init__(self, reason: ExitReason) -> None:
        super().__init__(reason)
        self.bell = _Bell()


@final
class Alarm(Vigil):
    """The vigil over the nodes of the main thread. There is one a program: `ALARM`."""

    def __init__(self) -> None:
        super().__init__()
        self._is_looking = False
        self._is_armed = False
        self._steps = 0
        self._counted = self._processor = 0.0
        self._interrupted: Process | None = None
        self._grace = 0.0

    def watch(self, node: Node) -> None:
        """Look after a node, too, unless the program uses the alarm clock itself, which is reported."""
        if not self._is_armed and not self.nodes:
            obstacle = _obstacle()
            if obstacle is not None:
                node.reports.add(PreemptionOff, obstacle)
                return
            signal.signal(signal.SIGALRM, self._on_alarm)
            self._is_armed = True
            self._counted, self._processor = time.monotonic(), time.thread_time()
        super().watch(node)

    def leave(self, node: Node) -> None:
        """Look after a node no more; after the last one, leave the alarm clock as it was found."""
        if node in self.nodes:
            super().leave(node)

    def forget(self) -> None:
        """A forked child has neither the nodes of its parent nor its timer."""
        self.nodes.clear()
        if self._is_armed:
            self._disarm()

    def _adjust(self) -> None:
        super()._adjust()
        if self.nodes:
            signal.setitimer(signal.ITIMER_REAL, self.period, self.period)
        else:
            self._disarm()

    def _disarm(self) -> None:
        self._is_armed = False
        self._interrupted = None
        self.rest()
        if signal.getsignal(signal.SIGALRM) == self._on_alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)

    @trio.lowlevel.enable_ki_protection
    def _on_alarm(self, _number: int, frame: FrameType | None) -> None:
        if self._is_looking or not self.nodes:
            return
        self._is_looking = True
        try:
            guilty = self._look_at(frame)
        finally:
            self._is_looking = False
        if guilty is not None:
            assert guilty.doom is not None, "it was condemned"
            raise _BellInterrupted(guilty.doom)

    def _look_at(self, frame: FrameType | None) -> Process | None:
        began = time.monotonic()
        place = running.get(None)
        node, root = (None, None) if place is None else self._who(place)
        if node is None:
            self.rest()
            return None
        task: Any = trio.lowlevel.current_task()
        step = (self._steps, task)
        node.token.run_sync_soon(self._step_over, idempotent=True)
        verdict, guilty = self.look(node, root, step, frame, self._elapsed())
        self.settle()
        if verdict is not Verdict.LET_RUN:
            rest = REST * (time.monotonic() - began)
            signal.setitimer(signal.ITIMER_REAL, max(self._delay(guilty), rest), self.period)
        return guilty

    def _delay(self, guilty: Process | None) -> float:
        """Seconds until the next look: soon, but who was just interrupted has time for its ``finally`` clauses.

        At random, so as not to keep step with a loop; and sooner each time, if it goes on nevertheless.
        """
        soon = random.uniform(SOON / 2, SOON * 3 / 2)  # noqa: S311 - no secret
        if guilty is None:
            return soon
        if guilty is not self._interrupted:
            self._interrupted, self._grace = guilty, self.period
        else:
            self._grace /= 2
        return max(soon, self._grace)

    def stuck(self, report: StuckReport) -> None:
        """Log it here, on top of the process."""
        log(report)

    def _who(self, place: Running) -> tuple[Node | None, TaskProcess | None]:
        """Whose node runs, and which task process's step it is."""
        process = place.process
        if process is None:
            return next((node for node in self.nodes if node.scheduler.owns(place)), None), None
        if process.node not in self.nodes:
            return None, None
        if isinstance(process, TaskProcess):
            return process.node, process
        owner = trio.lowlevel.current_task().context.get(running)
        root = None if owner is None else owner.process
        return process.node, root if isinstance(root, TaskProcess) else None

    def _step_over(self) -> None:
        self._steps += 1

    def _elapsed(self) -> float:
        """The seconds this look counts for: one period, or what the processor spent in C code since the last.

        None at all if it is out of turn: a bell, or a look to find a better moment.
        """
        now = time.monotonic()
        if now - self._counted < self.period / 2:
            return 0.0
        self._counted = now
        before, self._processor = self._processor, time.thread_time()
        return max(1, (self._processor - before) // self.period) * self.period


def _obstacle() -> str | None:
    handler = signal.getsignal(signal.SIGALRM)
    if handler is not signal.SIG_DFL:
        return f"the handler of SIGALRM is {handler!r}"
    if signal.getitimer(signal.ITIMER_REAL) != (0.0, 0.0):
        return "the interval timer ITIMER_REAL is running"
    return None


ALARM = Alarm()

os.register_at_fork(after_in_child=ALARM.forget)
