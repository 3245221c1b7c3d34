"""Spawning: a process that runs a function. It is alive, linked and monitored before its first instruction."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, overload

from regrow.actors._preemption._safe_points import OPEN
from regrow.actors._processes._bounded_process import inline_process, task_process
from regrow.actors._processes._context import current
from regrow.actors._processes._exit import NORMAL, ExitProcess
from regrow.actors._processes._label import put_label
from regrow.actors._processes._monitors import monitor
from regrow.actors._processes._names import take
from regrow.actors._processes._process import bind, bury
from regrow.actors._processes._task import TaskProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors._processes._bounded import Bounded
    from regrow.actors._processes._inline import InlineProcess
    from regrow.actors._processes._names import Name
    from regrow.actors._processes._pid import Pid, Ref
    from regrow.actors._processes._process import Process

__all__ = ["spawn", "spawn_link", "spawn_monitor", "spawn_opt"]


def spawn(function: Callable[..., object], *args: Any) -> Pid:
    """Start a process that runs ``function(*args)`` and exits with `NORMAL` when it returns.

    A coroutine function runs as a task and may receive and call; a plain function runs inside the tick and
    cannot wait. Returns at once, before the process takes its first step.

    Raises:
        NodeStoppedError: the node starts no more processes.
        NotAProcessError: the caller is not a process.

    See: Erlang ``spawn/1`` (rule P-6).
    """
    parent = current()
    process = _made(parent, function, None)
    _begin(process, function, args)
    return process.pid


def spawn_link(function: Callable[..., object], *args: Any) -> Pid:
    """Like `spawn`, linked atomically: even a crash in its first instruction reaches the spawner (rule P-6)."""
    parent = current()
    process = _made(parent, function, None)
    _begin(process, function, args)
    bind(parent, process)
    return process.pid


def spawn_monitor(function: Callable[..., object], *args: Any) -> tuple[Pid, Ref]:
    """Like `spawn`, monitored atomically: the `Down` comes however soon it dies (rule P-6)."""
    pid = spawn(function, *args)
    return pid, monitor(pid)


@overload
def spawn_opt(
    function: Callable[..., object],
    *args: Any,
    link: bool = ...,
    monitor: Literal[False] = ...,
    name: Name | None = ...,
    trap_exit: bool = ...,
    label: object = ...,
    mailbox: Bounded | None = ...,
) -> Pid: ...
@overload
def spawn_opt(
    function: Callable[..., object],
    *args: Any,
    link: bool = ...,
    monitor: Literal[True],
    name: Name | None = ...,
    trap_exit: bool = ...,
    label: object = ...,
    mailbox: Bounded | None = ...,
) -> tuple[Pid, Ref]: ...
def spawn_opt(
    function: Callable[..., object],
    *args: Any,
    link: bool = False,
    monitor: bool = False,
    name: Name | None = None,
    trap_exit: bool = False,
    label: object = None,
    mailbox: Bounded | None = None,
) -> Pid | tuple[Pid, Ref]:
    """Like `spawn`, with options, all of which hold before the process takes its first step.

    ``link`` and ``monitor`` as in `spawn_link` and `spawn_monitor`; with ``monitor`` the ref is returned too.
    ``name`` registers it, ``trap_exit`` and ``label`` are what `trap_exit` and `set_label` would set, and ``mailbox``
    bounds the messages that may wait. A function that takes keyword arguments of its own wants `functools.partial`.

    Raises:
        NameTakenError: the name is held; nothing was started.
        NodeStoppedError: the node starts no more processes.
        NotAProcessError: the caller is not a process.

    See: Erlang ``spawn_opt/2``, where name, trap_exit, label and the bound are not options.
    """
    parent = current()
    process = _made(parent, function, mailbox)
    if name is not None:
        try:
            take(parent.node, name, process)
        except BaseException:
            bury(process, NORMAL)  # it has not begun: it never was
            raise
    process.trap_exit = trap_exit
    if label is not None:
        put_label(process, label)
    _begin(process, function, args)
    if link:
        bind(parent, process)
    return (process.pid, _monitor(process.pid)) if monitor else process.pid


_monitor = monitor  # `spawn_opt` has a parameter of the same name


def _made(parent: Process, function: Callable[..., object], mailbox: Bounded | None) -> InlineProcess | TaskProcess:
    """A process that has not begun."""
    label = getattr(function, "__qualname__", None) or repr(function)
    if inspect.iscoroutinefunction(function):
        return task_process(parent.node, label, parent.pid, mailbox)
    return inline_process(parent.node, _nothing, label, parent.pid, mailbox)


def _begin(process: InlineProcess | TaskProcess, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    if isinstance(process, TaskProcess):
        process.node.start_task(process, function, *args)
        return
    process.receive = partial(_run_once, function, args)
    process.post(None)


def _run_once(function: Callable[..., object], args: tuple[Any, ...], _message: object) -> None:
    function(*args)
    raise ExitProcess(NORMAL)


OPEN.add(_run_once.__code__)


def _nothing(_message: object) -> None:
    """What a process receives with before it begins."""
