"""Spawning: a process that runs a function. It is alive, linked and monitored before its first instruction."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from ._context import current
from ._exit import NORMAL, ExitProcess
from ._inline import InlineProcess
from ._monitors import monitor
from ._process import bind
from ._task import TaskProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._pid import Pid, Ref
    from ._process import Process

__all__ = ["spawn", "spawn_link", "spawn_monitor"]


def spawn(function: Callable[..., object], *args: Any) -> Pid:
    """Start a process that runs ``function(*args)`` and exits with `NORMAL` when it returns.

    A coroutine function runs as a task and may receive and call; a plain function runs inside the tick and
    cannot wait. Returns at once, before the process takes its first step.

    Raises:
        NodeStoppedError: the node starts no more processes.
        NotAProcessError: the caller is not a process.

    See: Erlang ``spawn/1`` (rule P-6).
    """
    return _spawn(current(), function, args).pid


def spawn_link(function: Callable[..., object], *args: Any) -> Pid:
    """Like `spawn`, linked atomically: even a crash in its first instruction reaches the spawner (rule P-6)."""
    parent = current()
    process = _spawn(parent, function, args)
    bind(parent, process)
    return process.pid


def spawn_monitor(function: Callable[..., object], *args: Any) -> tuple[Pid, Ref]:
    """Like `spawn`, monitored atomically: the `Down` comes however soon it dies (rule P-6)."""
    pid = _spawn(current(), function, args).pid
    return pid, monitor(pid)


def _spawn(parent: Process, function: Callable[..., object], args: tuple[Any, ...]) -> Process:
    label = getattr(function, "__qualname__", None) or repr(function)
    if inspect.iscoroutinefunction(function):
        task = TaskProcess(parent.node, label, parent.pid)
        parent.node.start_task(task, function, *args)
        return task

    def run_once(_message: object) -> None:
        function(*args)
        raise ExitProcess(NORMAL)

    inline = InlineProcess(parent.node, run_once, label, parent.pid)
    inline.post(None)
    return inline
