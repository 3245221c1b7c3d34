"""Links: two-way fate sharing, and the exit signals that travel along them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from ._context import current
from ._errors import NoProcessError
from ._exit import NOPROC, ExitProcess, ExitReason
from ._process import Origin, bind, exit_arrives
from ._signals import Exit

if TYPE_CHECKING:
    from ._pid import Pid
    from ._process import Process

__all__ = ["exit_", "exit_signal", "link", "trap_exit", "unlink"]


def link(pid: Pid) -> None:
    """Bind the running process and another: if one dies abnormally, the other gets its exit signal.

    Idempotent; linking to oneself does nothing (rule L-3). To a process that traps exits a dead pid sends an
    `Exit` with `NOPROC` (rule L-4).

    Raises:
        NoProcessError: the pid is dead and the running process does not trap exits. Uncaught, it ends the process
            with `NOPROC`.

    See: Erlang ``link/1``.
    """
    process = current()
    peer = pid.process
    if peer is process:
        return
    if peer is not None:
        bind(process, peer)
    elif process.trap_exit:
        process.post(Exit(pid, NOPROC))
    else:
        raise NoProcessError(pid)


def unlink(pid: Pid) -> None:
    """Undo `link`. No new exit signal of that process arrives; one in the mailbox stays (rule L-5).

    To drop that one too, `receive` it with a predicate and ``timeout=0``.

    See: Erlang ``unlink/1``.
    """
    process = current()
    peer = pid.process
    if peer is not None:
        process.part(peer)
        peer.part(process)


def trap_exit(*, on: bool = True) -> bool:
    """Receive exit signals as `Exit` messages instead of dying of them; returns what was set before.

    Messages queued while it was on stay when it is turned off (rule L-6).

    See: Erlang ``process_flag(trap_exit, Boolean)``.
    """
    process = current()
    before, process.trap_exit = process.trap_exit, on
    return before


def exit_(reason: ExitReason) -> NoReturn:
    """End the running process with ``reason``; ``finally`` blocks run. See: Erlang ``exit/1`` (rule P-5)."""
    raise ExitProcess(reason)


def exit_signal(pid: Pid, reason: ExitReason) -> None:
    """Send an exit signal to a process. A dead pid is no error (rule L-7).

    `KILL` cannot be trapped and makes the target die of `KILLED`; `NORMAL` is ignored by a process that does
    not trap exits, unless it sends it to itself. The target is dead when this returns, unless its callback is
    on the stack: then it dies when that returns.

    See: Erlang ``exit/2``.
    """
    sender = current()
    target = pid.process
    if target is None:
        return
    if target is sender:
        _exit_oneself(target, reason)
    else:
        exit_arrives(target, sender.pid, reason, Origin.OTHER)


def _exit_oneself(process: Process, reason: ExitReason) -> None:
    exit_arrives(process, process.pid, reason, Origin.SELF)
    if process.is_condemned():
        raise ExitProcess(reason)
