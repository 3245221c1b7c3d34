"""Monitors: one-way observation. Exactly one `Down` each."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from regrow.actors._processes._context import current
from regrow.actors._processes._exit import NOPROC, ExitReason
from regrow.actors._processes._names import find
from regrow.actors._processes._pid import Pid, Ref
from regrow.actors._processes._signals import Down

if TYPE_CHECKING:
    from regrow.actors._processes._process import Process, Watch
    from regrow.actors._processes._send import Destination

__all__ = ["Monitor", "demonitor", "monitor", "watch"]


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

    @property
    def watcher(self) -> Pid | None:
        """Who is told; None if the monitor is over."""
        return None if self._watcher is None else self._watcher.pid

    @property
    def target(self) -> Destination:
        """What is watched, as the watcher named it."""
        return self._target

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


def demonitor(ref: Ref, *, flush: bool = False) -> bool:
    """Stop watching; whether the monitor was still active: no `Down` has come, nor will.

    A `Down` that is in the mailbox stays, unless ``flush`` has it removed (rule M-3).

    Raises:
        NotAProcessError: with ``flush``, if the caller is not a process.

    See: Erlang ``demonitor(Ref, [info])`` and ``demonitor(Ref, [flush, info])``.
    """
    active = ref.cancel() if isinstance(ref, Monitor) else False
    if flush and not active:
        current().discard(lambda message: isinstance(message, Down) and message.ref is ref)
    return active
