"""Links: two-way fate sharing, and the exit signals that travel along them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from regrow.actors._errors import NoProcessError
from regrow.actors._processes._context import current, sender
from regrow.actors._processes._exit import NOPROC, ExitProcess, ExitReason
from regrow.actors._processes._process import Origin, bind, exit_arrives
from regrow.actors._processes._signals import Exit

if TYPE_CHECKING:
    from regrow.actors._processes._pid import Pid
    from regrow.actors._processes._process import Process

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

    To drop that one too a task process can `receive` it with a predicate and ``timeout=0``; an inline process cannot
    look into its mailbox and has to let `handle_info` pass over an `Exit` of that pid.

    See: Erlang ``unlink/1``.
    """
    process = sender()
    peer = pid.process
    if peer is not None and process is not None:
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
    on the stack: then it dies when that returns. What a dead process sends while it unwinds is dropped.

    See: Erlang ``exit/2``.
    """
    process = sender()
    target = pid.process
    if target is None or process is None:
        return
    if target is process:
        _exit_oneself(target, reason)
    else:
        exit_arrives(target, process.pid, reason, Origin.OTHER)


def _exit_oneself(process: Process, reason: ExitReason) -> None:
    exit_arrives(process, process.pid, reason, Origin.SELF)
    if process.is_condemned():
        raise ExitProcess(reason)
