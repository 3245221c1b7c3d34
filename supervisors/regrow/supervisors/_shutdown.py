"""Stopping children: politely, then by kill, and in either case until they are dead.

A child is asked first and watched only if it is still alive then: nothing can run between the two lines, and an
inline process that does not trap exits is dead as soon as it was asked. So ten thousand of those stop without a
monitor and without waiting. Others are watched by monitor, so that a child which unlinked itself from its
supervisor cannot hang it (rule U-18).

The exit signal of a child that was waited for is taken out of the mailbox: were it left there, each of ten thousand
children that stop one after the other would be looked for behind those of all before. That of a child which died as
soon as it was asked stays: children are known by pid, and a pid nobody knows is ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from regrow.actors import (
    KILL,
    KILLED,
    NOPROC,
    SHUTDOWN,
    Down,
    Exit,
    Pid,
    ReceiveTimeoutError,
    exit_signal,
    monitor,
    receive,
    self_,
)

from ._child_spec import BRUTAL_KILL, ChildSpec, Restart
from ._report import ShutdownError, publish

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regrow.actors import ExitReason

__all__ = ["is_quiet", "stop", "stop_together"]

CROWD = 1000
"""Children that are asked to stop, some of which die at once, before others run."""


def is_quiet(spec: ChildSpec, reason: ExitReason) -> bool:
    """Whether a child that was told to stop ended as expected, so that nobody needs to hear of it (rule U-19)."""
    if reason is (KILLED if spec.grace is BRUTAL_KILL else SHUTDOWN):
        return True
    return spec.restart is not Restart.PERMANENT and not reason.is_abnormal


async def stop(pid: Pid, spec: ChildSpec) -> ExitReason:
    """Stop one child and wait until it is dead; the reason it died of, reported unless it is quiet.

    Runs as the supervisor. If cancelled, the child has been asked to stop, and nobody waits for it.
    """
    reason = _ask(pid, spec)
    if reason is None:
        reason = await (_wait_for(pid, spec) if pid.is_alive else _recall(pid))
    _report(pid, spec, reason)
    return reason


async def _recall(pid: Pid) -> ExitReason:
    """What a child died of before now, or `NOPROC` if it had unlinked itself; its exit signal is taken."""

    def is_its_exit(message: object) -> bool:
        return isinstance(message, Exit) and message.pid is pid

    try:
        return (await receive(is_its_exit, timeout=0)).reason  # type: ignore[no-any-return]
    except ReceiveTimeoutError:
        return NOPROC


async def _wait_for(pid: Pid, spec: ChildSpec) -> ExitReason:
    reason = await _its_end(pid, spec)
    await _recall(pid)
    return reason


async def _its_end(pid: Pid, spec: ChildSpec) -> ExitReason:
    ref = monitor(pid)

    def is_its_down(message: object) -> bool:
        return isinstance(message, Down) and message.ref is ref

    if spec.grace is not BRUTAL_KILL:
        with trio.move_on_after(spec.grace):
            return (await receive(is_its_down)).reason  # type: ignore[no-any-return]
        exit_signal(pid, KILL)
    return (await receive(is_its_down)).reason  # type: ignore[no-any-return]


async def stop_together(children: Mapping[Pid, ChildSpec]) -> dict[Pid, ExitReason]:
    """Stop children all at once, each within its own time from now, and wait until all are dead (rule U-20).

    The reasons they died of are reported unless they are quiet.

    For a supervisor that is ending: every other message in its mailbox is dropped, which whoever sent a request
    learns from the supervisor's exit.
    """
    reasons: dict[Pid, ExitReason] = {}
    waiting: dict[Pid, ChildSpec] = {}
    for asked, (pid, spec) in enumerate(children.items(), 1):
        if not asked % CROWD:
            await trio.lowlevel.checkpoint()
        reason = _ask(pid, spec)
        if reason is not None:
            reasons[pid] = reason
        else:
            waiting[pid] = spec
            monitor(pid)
    asked_at = trio.current_time()
    for grace in sorted({spec.grace for spec in waiting.values() if spec.grace is not BRUTAL_KILL}):
        with trio.move_on_at(asked_at + grace):
            await _collect(waiting, reasons)
        for pid, spec in waiting.items():
            if spec.grace is not BRUTAL_KILL and spec.grace <= grace:
                exit_signal(pid, KILL)
    await _collect(waiting, reasons)
    for pid, reason in reasons.items():
        _report(pid, children[pid], reason)
    return reasons


def _ask(pid: Pid, spec: ChildSpec) -> ExitReason | None:
    """Send the exit signal; the reason the child died of if it did at once."""
    if not pid.is_alive:
        return None
    brutal = spec.grace is BRUTAL_KILL
    exit_signal(pid, KILL if brutal else SHUTDOWN)
    if pid.is_alive:
        return None
    return KILLED if brutal else SHUTDOWN


def _report(pid: Pid, spec: ChildSpec, reason: ExitReason) -> None:
    if not is_quiet(spec, reason):
        publish(ShutdownError, self_(), spec, pid, reason)


async def _collect(waiting: dict[Pid, ChildSpec], reasons: dict[Pid, ExitReason]) -> None:
    while waiting:
        match await receive():
            case Down(target=Pid() as pid, reason=reason) if pid in waiting:
                pass
            case Exit(pid=pid, reason=reason) if pid in waiting and not pid.is_alive:
                pass  # of a child that was dead before it was watched: its Down, which comes later, says no reason
            case _:
                continue
        del waiting[pid]
        reasons[pid] = reason
