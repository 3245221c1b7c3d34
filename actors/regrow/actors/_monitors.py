"""Monitors: one-way observation. Exactly one `Down` each."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from ._context import current
from ._exit import NOPROC, ExitReason
from ._names import find
from ._pid import Pid, Ref
from ._signals import Down

if TYPE_CHECKING:
    from ._process import Process, Watch
    from ._send import Destination

__all__ = ["demonitor", "monitor", "watch"]


@final
class Monitor(Ref):
    """One process watching another; the ref that `monitor` returns.

    Invariant: ``(self in watcher.watching) == (self in watched.watchers)`` while both live.
    """

    __slots__ = ("_target", "_watched", "_watcher")

    def __init__(self, watcher: Process, watched: Process, target: Destination) -> None:
        self._watcher: Process | None = watcher
        self._watched: Process | None = watched
        self._target = target
        if watcher.watching is None:
            watcher.watching = set()
        watcher.watching.add(self)
        watch(watched, self)

    def fire(self, reason: ExitReason) -> None:
        """Tell the watcher that the watched process died."""
        watcher, self._watcher, self._watched = self._watcher, None, None
        if watcher is not None:
            if watcher.watching is not None:
                watcher.watching.discard(self)
            watcher.post(Down(self, self._target, reason))

    def forget(self) -> None:
        """The watcher died."""
        watched, self._watcher, self._watched = self._watched, None, None
        if watched is not None and watched.watchers is not None:
            watched.watchers.discard(self)

    def cancel(self) -> bool:
        """Stop watching; whether the monitor was still active."""
        watcher = self._watcher
        if watcher is None:
            return False
        if watcher.watching is not None:
            watcher.watching.discard(self)
        self.forget()
        return True


def watch(process: Process, watcher: Watch) -> None:
    """Have ``watcher`` told of the death of a living process."""
    if process.watchers is None:
        process.watchers = set()
    process.watchers.add(watcher)


def monitor(target: Destination) -> Ref:
    """Watch a process: when it dies, a `Down` with the returned ref arrives, once per monitor.

    If it is dead, or nobody holds the name, the `Down` comes at once with `NOPROC`. Monitoring oneself returns a
    ref that never fires. The watched process notices nothing.

    See: Erlang ``monitor/2`` (rules M-1, M-2).
    """
    watcher = current()
    watched = target.process if isinstance(target, Pid) else find(watcher.node, target)
    if watched is None:
        ref = Ref()
        watcher.post(Down(ref, target, NOPROC))
        return ref
    if watched is watcher:
        return Ref()
    return Monitor(watcher, watched, target)


def demonitor(ref: Ref) -> bool:
    """Stop watching; whether the monitor was still active. A `Down` that is in the mailbox stays (rule M-3).

    See: Erlang ``demonitor(Ref, [info])``.
    """
    return ref.cancel() if isinstance(ref, Monitor) else False
