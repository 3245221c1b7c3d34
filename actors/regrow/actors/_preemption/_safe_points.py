"""Where the code of a process may be interrupted: a pure decision over the frames on the stack.

From the outermost call inwards the stack of a process is::

    driver     frames of the runtime that call the actor's code: the tick, `GenServer.dispatch`
    own code   the actor's, and what it calls: this is what overran
    called     what the actor's code called of the runtime or of trio: `send`, `register`, `trio.sleep`

An exception may be raised in the actor's own code only: what has called it must expect any exception anyhow. While
the runtime or trio is on top, their invariants may be broken for the moment, so the interruption waits until they
have returned. The same goes for the import system, and for parts of the standard library that hold locks or shared
state; but the latter may also wait for ever (``queue.get``), so that patience with them ends.
"""

from __future__ import annotations

import enum
import sys
from typing import TYPE_CHECKING

from regrow.actors._processes._exit import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

__all__ = ["CRITICAL", "DRIVERS", "OPEN", "Spot", "own_frames", "spot"]


class Spot(enum.Enum):
    """Whether the process may be interrupted where it is."""

    FREE = enum.auto()
    """Its own code runs."""
    DELICATE = enum.auto()
    """Its own code called something that may hold a lock, or that called it back: wait, though not for ever."""
    CLOSED = enum.auto()
    """The runtime, trio or an import runs: never here."""
    DYING = enum.auto()
    """It had another process end, perhaps with thousands that are linked: never here, and it is not its time."""


DRIVERS: set[CodeType] = set()
"""The functions below which another process begins: what lies outside them is somebody else's stack."""

CRITICAL: set[CodeType] = set()
"""Functions of the runtime which are not even interrupted in what they call: a process must die as a whole."""

OPEN: set[CodeType] = set()
"""Functions of the runtime in which an exception does no harm, because all they do is call a process's function."""

_CLOSED = frozenset(("regrow", "trio", "outcome", "importlib", "_frozen_importlib", "_frozen_importlib_external"))
"""Top-level packages that are never interrupted."""

_NEVER_AROUND = frozenset(("trio", "outcome"))
"""Those of them which are not even interrupted in what they call."""

_DELICATE = frozenset(
    (
        "_weakrefset",
        "abc",
        "concurrent",
        "contextlib",
        "enum",
        "functools",
        "linecache",
        "logging",
        "multiprocessing",
        "queue",
        "tempfile",
        "threading",
        "warnings",
        "weakref",
    )
)
"""Top-level packages that hold locks or state which other processes share."""

_DEEPEST = 32

_LOOP = ("trio._core._run", "unrolled_run")
"""Where trio calls a task: the outermost function of every step."""


def spot(frame: FrameType | None) -> Spot | None:
    """Where a process is, whose innermost frame this is; None if none of its own code is on the stack."""
    found: Spot | None = None
    here = Spot.FREE
    is_innermost = True
    is_delicate = False
    for inner in _stack(frame):
        code = inner.f_code
        package = _package(inner)
        if code.co_name == "__del__" or package in _DELICATE:  # a finalizer drops what is raised
            is_delicate = True
        is_closed = package in _CLOSED
        if not is_closed and package in sys.stdlib_module_names:  # it belongs to whoever called it
            continue
        if not is_closed or code in OPEN:
            if here is Spot.FREE and is_delicate:
                here = Spot.DELICATE
            found = here
        elif code in CRITICAL:
            here = Spot.DYING
        elif here is not Spot.DYING and (is_innermost or package in _NEVER_AROUND):
            here = Spot.CLOSED
        elif here is Spot.FREE:  # it called back into code of the process, whose errors it must expect
            here = Spot.DELICATE
        is_innermost = False
    return found


def own_frames(frame: FrameType | None) -> tuple[Frame, ...]:
    """The stack of a process below its driver, outermost call first; at most `_DEEPEST` frames, the innermost."""
    frames = list(_stack(frame))
    while frames and _package(frames[-1]) in _CLOSED and not (len(frames) == 1 and frames[0].f_code in OPEN):
        frames.pop()
    return tuple(
        Frame(inner.f_code.co_filename, inner.f_lineno or inner.f_code.co_firstlineno, inner.f_code.co_qualname)
        for inner in reversed(frames[:_DEEPEST])
    )


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None and frame.f_code not in DRIVERS:
        if frame.f_code.co_name == _LOOP[1] and frame.f_globals.get("__name__") == _LOOP[0]:
            return
        yield frame
        frame = frame.f_back


def _package(frame: FrameType) -> str:
    name = frame.f_globals.get("__name__")
    return name.partition(".")[0] if isinstance(name, str) else ""
