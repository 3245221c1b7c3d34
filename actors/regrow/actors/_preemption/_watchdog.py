"""The vigil over a node in a thread other than the main one, where no signal handler runs: a watchdog thread.

It sees what the node's thread does whenever it gets the GIL, and has the interpreter raise an exception there. A Python
loop is interrupted where it was seen: it gave up the GIL at the very point where it looks for such exceptions. C code
is not interrupted, only reported, and what it returns to is.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from typing import TYPE_CHECKING, final

import trio

from regrow.actors._preemption._vigil import Interrupted, Verdict, Vigil
from regrow.actors._processes._context import running
from regrow.actors._processes._reports import log
from regrow.actors._processes._task import TaskProcess

if TYPE_CHECKING:
    from types import FrameType

    from regrow.actors._processes._node import Node
    from regrow.actors._processes._reports import StuckReport

__all__ = ["Watchdog"]

SOON = 0.001
"""Seconds until the next look at a process that could not be interrupted where it was."""


@final
class _StepCounter(trio.abc.Instrument):
    """Knows which task takes a step, and how many there have been."""

    def __init__(self) -> None:
        self.task: trio.lowlevel.Task | None = None
        self.steps = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """A step begins."""
        self.task = task
        self.steps += 1

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """It is over."""
        assert self.task in (task, None)
        self.task = None


@final
class Watchdog(Vigil):
    """The vigil over one node of a thread other than the main one."""

    def __init__(self) -> None:
        super().__init__()
        self._watched = threading.get_ident()
        self._counter = _StepCounter()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="regrow watchdog", daemon=True)
        self._is_sent = False
        self._instruction = -1
        self._stuck: StuckReport | None = None

    def watch(self, node: Node) -> None:
        """Begin to look after a node."""
        super().watch(node)
        trio.lowlevel.add_instrument(self._counter)
        self._thread.start()

    def leave(self, node: Node) -> None:
        """Look after it no more; nothing is raised once this has returned."""
        self._over.set()
        self._thread.join()
        self._send(None)
        trio.lowlevel.remove_instrument(self._counter)
        super().leave(node)

    def _run(self) -> None:
        node = self.nodes[0]
        delay = self.period
        while not self._over.wait(delay):
            is_soon = self._look_at(node, self.period if delay == self.period else 0.0)
            delay = min(SOON, self.period / 2) if is_soon else self.period

    def _look_at(self, node: Node, seconds: float) -> bool:
        """Look once. Whether to look again soon."""
        frame = sys._current_frames().get(self._watched)
        task = self._counter.task
        place = None if task is None else task.context.get(running)
        process = None if place is None else place.process
        root = process if isinstance(process, TaskProcess) and process.node is node else None
        scheduler = node.scheduler
        if frame is None or not (root is not None or scheduler.is_ticking() or scheduler.owns(place)):
            self._withdraw()
            self.rest()
            return False
        self._instruction = frame.f_lasti
        verdict, guilty = self.look(node, root, self._counter.steps, frame, seconds)
        if guilty is None:
            self._withdraw()
        elif self.is_still_at(frame):
            self._is_sent = True
            self._send(Interrupted)
        self.settle()  # it lets the other thread run, so it comes last
        if self._stuck is not None:
            report, self._stuck = self._stuck, None
            log(report)
        return verdict is Verdict.LOOK_AGAIN_SOON

    def is_still_at(self, frame: FrameType | None) -> bool:
        """Whether the thread has not moved on, as it does if this one loses the GIL halfway."""
        now = sys._current_frames().get(self._watched)
        return now is frame and frame is not None and frame.f_lasti == self._instruction

    def _withdraw(self) -> None:
        """Take back what was not raised in time: nobody else shall be hit by it."""
        if self._is_sent:
            self._is_sent = False
            self._send(None)

    def stuck(self, report: StuckReport) -> None:
        """Log it once the exception is on its way."""
        self._stuck = report

    def _send(self, kind: type[Interrupted] | None) -> None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(self._watched), None if kind is None else ctypes.py_object(kind)
        )
