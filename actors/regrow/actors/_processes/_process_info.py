"""Looking at a process from outside: a snapshot of text, numbers and pids that keeps nothing alive."""

from __future__ import annotations

import enum
import sys
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, final, overload

from regrow.actors._processes._bounded_process import gauge_of
from regrow.actors._processes._inline import InlineProcess
from regrow.actors._processes._label import ancestors, get_label, initial_call
from regrow.actors._processes._monitors import Monitor
from regrow.actors._processes._stack import innermost_of_its_own, is_on_the_stack, stack_of
from regrow.actors._processes._task import TaskProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors._processes._bounded import Bounded
    from regrow.actors._processes._pid import Pid
    from regrow.actors._processes._process import Process
    from regrow.actors._processes._send import Destination

__all__ = ["ProcessInfo", "ProcessItem", "ProcessStatus", "process_info"]

LONGEST = 500
"""Characters of each message that ``messages`` shows."""


class ProcessStatus(enum.Enum):
    """What a process is doing at this moment."""

    RUNNING = "running"
    """Its code called us."""
    RUNNABLE = "runnable"
    """It has a message, or has yet to begin, and waits for its turn."""
    WAITING = "waiting"
    """It waits: for a message, for a reply, for whatever its code awaits."""
    EXITING = "exiting"
    """It runs, and dies when its callback returns."""


@final
@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """What `process_info` says by default. See: Erlang ``process_info/1``."""

    registered_name: str | None
    """The name it holds on its node."""
    initial_call: str
    """The function or class it was started with."""
    current_function: str | None
    """The innermost function of its own it is in; of the runtime's, if it is in none of its own, as a server that
    waits. None for an inline process between messages, which is in none."""
    status: ProcessStatus
    message_queue_len: int
    """Messages waiting."""
    links: tuple[Pid, ...]
    """The processes linked to it, oldest first."""
    monitors: tuple[Destination, ...]
    """What it monitors, as it named it."""
    monitored_by: tuple[Pid, ...]
    """The processes that monitor it, once per monitor. Those that wait for a reply are not among them."""
    trap_exit: bool
    """Whether it traps exits."""
    parent: Pid | None
    """The process that started it; None for ``main``."""
    ancestors: tuple[Pid | str, ...]
    """Parent, grandparent and so on; see `regrow.actors.ancestors`."""
    label: Any
    """What it set with `set_label`."""
    mailbox: Bounded | None
    """The bound of its mailbox, if it has one."""
    messages_dropped: int
    """Messages that found that mailbox full, or made room."""


ProcessItem = Literal[
    "registered_name",
    "initial_call",
    "current_function",
    "status",
    "message_queue_len",
    "links",
    "monitors",
    "monitored_by",
    "trap_exit",
    "parent",
    "ancestors",
    "label",
    "mailbox",
    "messages_dropped",
    "messages",
    "current_stacktrace",
    "memory",
]
"""What can be asked of a process by name."""


@overload
def process_info(pid: Pid) -> ProcessInfo | None: ...
@overload
def process_info(pid: Pid, item: ProcessItem, /, *items: ProcessItem) -> dict[str, Any] | None: ...
def process_info(pid: Pid, *items: ProcessItem) -> ProcessInfo | dict[str, Any] | None:
    """What can be seen of a process from outside; None if it is dead.

    Without items a `ProcessInfo`. With items a dict of just these, among which may be three that cost more:
    ``messages``, the messages that wait, each as text of at most 500 characters; ``current_stacktrace``, a tuple of
    `Frame`, outermost call first; and ``memory``, an estimate in bytes of the process, its mailbox without the
    messages, and its server without what its attributes refer to.

    All values are copies, text, or pids: none keeps a message, a frame or a dead process alive. Reductions are not
    counted, since counting would cost each message. For tests, debugging and dashboards; may be asked of any process,
    from anywhere in the thread of the node.

    Raises:
        ValueError: there is no such item.

    See: Erlang ``process_info/1,2`` (rule R-2).
    """
    for item in items:
        if item not in _ITEMS:
            raise ValueError(f"process_info knows no item {item!r}, but {', '.join(_ITEMS)}")
    process = pid.process
    if process is None:
        return None
    if items:
        return {item: _ITEMS[item](process) for item in items}
    return ProcessInfo(**{field.name: _ITEMS[field.name](process) for field in fields(ProcessInfo)})


def _status(process: Process) -> ProcessStatus:
    if process.doom is not None:
        return ProcessStatus.EXITING
    if is_on_the_stack(process):
        return ProcessStatus.RUNNING
    if isinstance(process, TaskProcess):
        return ProcessStatus.WAITING if process.is_waiting() else ProcessStatus.RUNNABLE
    return ProcessStatus.RUNNABLE if process.pending() else ProcessStatus.WAITING


def _monitored_by(process: Process) -> tuple[Pid, ...]:
    watchers = [watch.watcher for watch in process.watchers or () if isinstance(watch, Monitor)]
    return tuple(sorted(watcher for watcher in watchers if watcher is not None))


def _text_of(message: object) -> str:
    try:
        return repr(message)[:LONGEST]
    except Exception as broken:  # noqa: BLE001 - a __repr__ that raises must not hide the other messages
        return f"<{type(broken).__name__} while printing a {type(message).__qualname__}>"


def _memory(process: Process) -> int:
    parts: list[object] = [process, process.pid, process.links, process.watchers, process.watching, process.holdings]
    if isinstance(process, InlineProcess | TaskProcess):
        parts.append(process.mailbox)
    if process.server is not None:
        parts += [process.server, getattr(process.server, "__dict__", None)]
    if isinstance(process, TaskProcess) and process.task is not None:
        parts += [process.task, process.task.coro, process.task.context, process.scope]
    return sum(sys.getsizeof(part) for part in parts if part is not None)


def _dropped(process: Process) -> int:
    gauge = gauge_of(process)
    return 0 if gauge is None else gauge.dropped


def _bound(process: Process) -> Bounded | None:
    gauge = gauge_of(process)
    return None if gauge is None else gauge.bound


_ITEMS: dict[str, Callable[[Process], Any]] = {
    "registered_name": lambda process: process.name,
    "initial_call": initial_call,
    "current_function": lambda process: innermost_of_its_own(stack_of(process)),
    "status": _status,
    "message_queue_len": lambda process: process.pending(),
    "links": lambda process: tuple(sorted(peer.pid for peer in process.linked())),
    "monitors": lambda process: tuple(watch.target for watch in process.watching or () if isinstance(watch, Monitor)),
    "monitored_by": _monitored_by,
    "trap_exit": lambda process: process.trap_exit,
    "parent": lambda process: process.parent,
    "ancestors": lambda process: ancestors(process.pid),
    "label": lambda process: get_label(process.pid),
    "mailbox": _bound,
    "messages_dropped": _dropped,
    "messages": lambda process: tuple(_text_of(message) for message in process.waiting()),
    "current_stacktrace": stack_of,
    "memory": _memory,
}
