"""Where a process is: the stack of one that waits, or that runs right now, as triples that keep no frame alive."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from regrow.actors._processes._context import running
from regrow.actors._processes._exit import Frame
from regrow.actors._processes._inline import InlineProcess
from regrow.actors._processes._task import TaskProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from regrow.actors._processes._process import Process

__all__ = ["innermost_of_its_own", "is_on_the_stack", "stack_of"]

_HERE = str(Path(__file__).parents[1])
_TRIO = str(Path(trio.__file__).parent)


def is_on_the_stack(process: Process) -> bool:
    """Whether its code is what called us, directly or through another process that it is starting."""
    if isinstance(process, TaskProcess):
        return process.task is not None and process.task is trio.lowlevel.current_task()
    return isinstance(process, InlineProcess) and process.scheduler.is_inside(process)


def stack_of(process: Process) -> tuple[Frame, ...]:
    """The calls a process is in, outermost first, without those by which the runtime calls what it runs.

    Empty for an inline process between messages, for a task that has not begun, and for one that is on the stack
    beneath the process that asks.
    """
    place = running.get(None)
    if place is not None and place.process is process and is_on_the_stack(process):
        frames = [(frame, frame.f_lineno) for frame in _calling()]
    elif isinstance(process, TaskProcess) and process.task is not None:
        frames = list(process.task.iter_await_frames())
    else:
        return ()
    while frames and frames[0][0].f_code.co_qualname in _PRELUDE and _is_ours(frames[0][0].f_code.co_filename):
        del frames[0]
    return tuple(Frame(frame.f_code.co_filename, line, frame.f_code.co_qualname) for frame, line in frames)


def innermost_of_its_own(stack: tuple[Frame, ...]) -> str | None:
    """The innermost function that belongs neither to trio nor to this package; failing that, not to trio."""
    for frame in reversed(stack):
        if not _is_ours(frame.file) and not frame.file.startswith(_TRIO):
            return frame.function
    for frame in reversed(stack):
        if _is_ours(frame.file):
            return frame.function
    return None


def _is_ours(file: str) -> bool:
    return file.startswith(_HERE)


def _calling() -> list[FrameType]:
    """The frames that led here out of the event loop or the tick, outermost first, without our own innermost ones."""
    return list(reversed(list(_outwards(sys._getframe(1)))))


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None and _is_ours(frame.f_code.co_filename):  # process_info itself
        frame = frame.f_back
    while frame is not None and not frame.f_code.co_filename.startswith(_TRIO):
        if frame.f_code.co_qualname in _BOUNDARIES and _is_ours(frame.f_code.co_filename):
            return
        yield frame
        frame = frame.f_back


_PRELUDE = frozenset(("TaskProcess.run", "TaskProcess._outcome", "TaskProcess._live", "resolved"))
"""How a task process comes to run its function."""

_BOUNDARIES = _PRELUDE | {"Scheduler._run_ready", "Scheduler.call_as"}
"""Where the runtime ends and what a process runs begins."""
