"""Who has run for how long without letting others run, and what follows: a report, a hint to yield, or the end.

A vigil is kept over all nodes of one thread. It is looked at a few times in every budget, by `Alarm` or `Watchdog`,
which know how to see what the thread does and how to raise something there. Looks are counted, not seconds: a look
adds one period, however long ago the last one was, so that nobody is condemned because the machine slept.
"""

from __future__ import annotations

import enum
import math
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, final

import trio

from regrow.actors._preemption._safe_points import Spot, own_frames, spot
from regrow.actors._processes._exit import KILLED, ExitProcess, Runaway
from regrow.actors._processes._inline import InlineProcess
from regrow.actors._processes._process import bury
from regrow.actors._processes._reports import CrashReport, LongSchedule, StuckReport
from regrow.actors._processes._task import TaskProcess

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from regrow.actors._processes._exit import ExitReason, Frame
    from regrow.actors._processes._node import Node
    from regrow.actors._processes._process import Process

__all__ = ["PERIODS", "Interrupted", "Verdict", "Vigil"]

PERIODS = 10
"""Looks in the shortest budget."""

LONGEST_PERIOD = 0.1
"""Seconds between two looks, at most; who runs longer is reported."""

PATIENCE = 500
"""Looks in quick succession at a process that is where it should not be interrupted, until it is nevertheless."""

STUBBORN = 5000
"""The same, until the looks are no quicker than at others."""

STUCK = 2
"""Budgets after which a process that was to be interrupted and still runs is reported."""


class Interrupted(ExitProcess):
    """What is raised in a process that has overrun its budget, where a thread can only be given its type."""

    def __init__(self, reason: ExitReason = KILLED) -> None:
        super().__init__(reason)


class Verdict(enum.Enum):
    """What is to be done about the process on top of the stack."""

    LET_RUN = enum.auto()
    INTERRUPT = enum.auto()
    LOOK_AGAIN_SOON = enum.auto()
    """It is to be interrupted, but not where it is now."""


@final
class _Stretch:
    """One process, for as long as its code stays on the stack in one turn."""

    __slots__ = ("is_reported", "is_stuck", "process", "seconds", "where")

    def __init__(self, process: Process | None) -> None:
        self.process = process
        self.seconds = 0.0
        self.is_reported = self.is_stuck = False
        self.where: Frame | None = None


@final
class _Same:
    """Equal to what holds the very same object, which is kept alive so that no other takes its place."""

    __slots__ = ("held",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, held: object) -> None:
        self.held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.held is self.held


class Vigil:
    """What is known about one thread. The base of what looks at it."""

    period: float
    """Seconds between two looks."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.period = math.inf
        self._stretches: list[_Stretch] = []
        """One for each process on the stack, outermost first: one may be starting another."""
        self._turn: object = None
        self._step: object = None
        self._condemned: Process | None = None
        self._attempts = 0
        self._later: list[tuple[Node, Callable[[], None]]] = []

    def watch(self, node: Node) -> None:
        """Look after a node, too."""
        self.nodes.append(node)
        self._adjust()

    def leave(self, node: Node) -> None:
        """Look after a node no more."""
        self.nodes.remove(node)
        self._adjust()

    def _adjust(self) -> None:
        budget = min((node.budget for node in self.nodes), default=math.inf)
        self.period = min(budget / PERIODS, LONGEST_PERIOD)

    def rest(self) -> None:
        """Nobody runs."""
        if self._stretches:
            self._stretches.clear()
            self._turn = None
        self._condemned = self._step = None

    def look(
        self, node: Node, root: TaskProcess | None, step: object, frame: FrameType | None, seconds: float
    ) -> tuple[Verdict, Process | None]:
        """Judge what runs: the processes of a node, ``seconds`` more. The verdict, and whom to interrupt.

        ``root`` is the task process whose step it is, and ``step`` changes with every step of any task. ``frame`` is
        the innermost frame of the thread. Does nothing that lets another thread run: see `settle`.
        """
        running = self._running(node, root)
        where = spot(frame)
        if where is Spot.FREE and not self.is_still_at(frame):
            where = Spot.CLOSED
        self._count(running, self._turn_of(node, running, step), 0.0 if where is Spot.DYING else seconds)
        is_long, self._step = step == self._step, step
        if is_long and seconds:
            self._hurry(node, running[0], where)
        if self._stretches[0].seconds < self.period and self._condemned is None:
            return Verdict.LET_RUN, None
        self._note_long(node, frame, where)
        judged = self._judge(running[-1], where, frame)
        self._turn = self._turn_of(node, running, step)  # which hurrying and condemning have changed
        return judged

    def settle(self) -> None:
        """Carry out what the last look put off: what trio is to do as soon as it runs again."""
        later, self._later = self._later, []
        for node, function in later:
            with suppress(trio.RunFinishedError):
                node.token.run_sync_soon(function)

    # Counting.

    def _running(self, node: Node, root: TaskProcess | None) -> list[Process | None]:
        """The processes on the stack, outermost first; None for a port."""
        scheduler = node.scheduler
        running: list[Process | None] = [*scheduler.callers()]
        if not scheduler.is_ticking():
            running.insert(0, root)
        return running or [None]

    def _turn_of(self, node: Node, running: list[Process | None], step: object) -> object:
        first = running[0]
        batch, left = node.scheduler.turn()
        return _Same(batch), left, step, first.turn() if isinstance(first, TaskProcess) else None

    def _count(self, running: list[Process | None], turn: object, seconds: float) -> None:
        stretches = self._stretches
        kept = 0
        if turn == self._turn:
            for stretch, process in zip(stretches, running, strict=False):
                if stretch.process is not process:
                    break
                stretch.seconds += seconds
                kept += 1
        del stretches[kept:]
        stretches.extend(_Stretch(process) for process in running[kept:])
        self._turn = turn

    # Consequences.

    def _hurry(self, node: Node, first: Process | None, where: Spot | None) -> None:
        """Have the others run as soon as the present callback returns: this step has taken a period already."""
        scheduler = node.scheduler
        if not scheduler.is_ticking():
            if isinstance(first, TaskProcess):
                first.yield_soon()
        elif where is Spot.FREE:
            scheduler.cut_short()
        else:
            scheduler.end_tick_soon()

    def _note_long(self, node: Node, frame: FrameType | None, where: Spot | None) -> None:
        stretch = self._stretches[-1]
        if stretch.is_reported or stretch.seconds < self.period:
            return
        if where is None and stretch.process is not None and stretch.process.parent is not None:
            return  # the runtime's own work, for instance on behalf of a supervisor of thousands
        stretch.is_reported = True
        stretch.where = _innermost(frame)
        self._later.append((node, partial(_report_over, node, stretch)))

    def _judge(
        self, leaf: Process | None, where: Spot | None, frame: FrameType | None
    ) -> tuple[Verdict, Process | None]:
        guilty = self._guilty()
        if guilty is None:
            self._condemned = None
            return Verdict.LET_RUN, None
        if guilty is not self._condemned:
            self._condemned, self._attempts = guilty, 0
        self._attempts += 1
        if guilty is leaf and (where is Spot.FREE or (where is Spot.DELICATE and self._attempts > PATIENCE)):
            if _is_doomed(guilty):
                self._report_stuck(guilty, frame)
            else:
                self._condemn(guilty, Runaway(guilty.node.budget, own_frames(frame)))
            return Verdict.INTERRUPT, guilty
        return (Verdict.LOOK_AGAIN_SOON if self._attempts < STUBBORN else Verdict.LET_RUN), None

    def _guilty(self) -> Process | None:
        """The innermost process that has overrun its budget, and is not the program that embeds the node."""
        for stretch in reversed(self._stretches):
            process = stretch.process
            if process is None or process.parent is None:
                continue
            if self._is_over(stretch.seconds, process.node.budget) or _is_doomed(process):
                return process
        return None

    def _is_over(self, seconds: float, budget: float) -> bool:
        """Whether the budget would be overrun at the next look: who waits, waits no longer than the budget.

        A stretch began up to a period before it was seen first. Half a period of tolerance, because it is added up.
        """
        return seconds > budget - 1.5 * self.period

    def _condemn(self, process: Process, reason: Runaway) -> None:
        node = process.node
        if process.doom is not None:  # an exit signal came first
            return
        self._later.append((node, partial(node.reports.add_made, CrashReport.of(process, reason))))
        if isinstance(process, InlineProcess):
            bury(process, reason)  # its callback is on the stack: it dies when that returns
        else:
            process.doom = reason
        self._later.append((node, partial(bury, process, reason)))  # even if its code does not end, but waits

    def _report_stuck(self, process: Process, frame: FrameType | None) -> None:
        stretch = next(stretch for stretch in self._stretches if stretch.process is process)
        if stretch.seconds < STUCK * process.node.budget or stretch.is_stuck:
            return
        stretch.is_stuck = True
        self.stuck(StuckReport(process.pid, process.label, stretch.seconds, _innermost(frame)))

    def is_still_at(self, _frame: FrameType | None) -> bool:
        """Whether the thread has not moved on while it was looked at."""
        return True

    def stuck(self, report: StuckReport) -> None:
        """Log that a process cannot be interrupted, and do it at once: its node may never run again."""
        raise NotImplementedError


def _is_doomed(process: Process) -> bool:
    return isinstance(process.doom, Runaway)


def _innermost(frame: FrameType | None) -> Frame | None:
    frames = own_frames(frame)
    return frames[-1] if frames else None


def _report_over(node: Node, stretch: _Stretch) -> None:
    """Report a stretch that is over, unless the process died of it, which is reported otherwise."""
    process = stretch.process
    if process is None or not _is_doomed(process):
        pid, label = (None, node.name) if process is None else (process.pid, process.label)
        node.reports.add(LongSchedule, pid, label, stretch.seconds, stretch.where)
