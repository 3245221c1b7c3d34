"""The process behind a scope of process groups: who is in which group, and who is told of it.

Nobody calls it: joining and looking up work on its data at once. It is the holding of each member and of each
watcher, so both are forgotten inside their dying.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

from regrow.actors._processes._context import current
from regrow.actors._processes._pid import Pid, Ref
from regrow.actors._servers._gen_server import GenServer

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from regrow.actors._processes._process import Process

__all__ = ["EVERY_GROUP", "GroupServer", "Joined", "Left"]

EVERY_GROUP: Final = object()
"""In place of a group, for those who watch a whole scope."""


@final
@dataclass(frozen=True, slots=True)
class Joined:
    """Processes have joined a group that is watched. See: OTP ``pg``, ``{Ref, join, Group, Pids}``."""

    ref: Ref
    """What `GroupScope.monitor` or `GroupScope.monitor_scope` returned."""
    group: Any
    pids: tuple[Pid, ...]
    """Each as often as it has joined."""


@final
@dataclass(frozen=True, slots=True)
class Left:
    """Processes have left a group that is watched, or died. See: OTP ``pg``, ``{Ref, leave, Group, Pids}``."""

    ref: Ref
    """What `GroupScope.monitor` or `GroupScope.monitor_scope` returned."""
    group: Any
    pids: tuple[Pid, ...]
    """Each as often as it has left."""


@final
class _Watch(Ref):
    """One process watching one group, or every group."""

    __slots__ = ("group", "process")

    def __init__(self, process: Process, group: Hashable) -> None:
        self.process = process
        self.group = group


@final
class _Group:
    """The members of one group."""

    __slots__ = ("times", "total")

    times: dict[Pid, int]
    """How often each member has joined; never 0."""
    total: int
    """Invariant: ``total == sum(times.values())``."""

    def __init__(self) -> None:
        self.times = {}
        self.total = 0


@final
class GroupServer(GenServer):
    """A scope that runs.

    Invariant: ``all(pid.is_alive and self in pid.process.holdings for pid in _joined.keys() | _watching.keys())``.
    """

    def init(self) -> None:
        """Begin without members."""
        self._groups: dict[Hashable, _Group] = {}  # none of them is empty
        self._joined: dict[Pid, dict[Hashable, None]] = {}  # the groups of each member, none of them empty
        self._watches: dict[Hashable, dict[_Watch, None]] = {}  # by group; each in the order of asking
        self._watching: dict[Pid, set[_Watch]] = {}
        current().hold(self)

    def join(self, group: Hashable, pids: Iterable[Pid]) -> None:
        """Add living processes to a group, each as often as it is named."""
        joining = tuple(pid for pid in pids if pid.process is not None)
        if not joining:
            return
        members = self._groups.setdefault(group, _Group())
        for pid in joining:
            assert pid.process is not None
            pid.process.hold(self)
            members.times[pid] = members.times.get(pid, 0) + 1
            self._joined.setdefault(pid, {})[group] = None
        members.total += len(joining)
        self._notify(Joined, group, joining)

    def leave(self, group: Hashable, pids: Iterable[Pid]) -> bool:
        """Take processes out of a group, once for each time they are named; whether any was in it."""
        leaving = tuple(pid for pid in pids if self._leave(group, pid))
        if leaving:
            self._notify(Left, group, leaving)
        return bool(leaving)

    def _leave(self, group: Hashable, pid: Pid) -> bool:
        members = self._groups.get(group)
        if members is None or pid not in members.times:
            return False
        if members.times[pid] > 1:
            members.times[pid] -= 1
            members.total -= 1
            return True
        self._remove(group, pid)
        groups = self._joined[pid]
        del groups[group]
        if not groups:
            del self._joined[pid]
            self._release(pid)
        return True

    def _remove(self, group: Hashable, pid: Pid) -> int:
        """Forget a member, however often it has joined, which is returned."""
        members = self._groups[group]
        times = members.times.pop(pid)
        members.total -= times
        if not members.times:
            del self._groups[group]
        return times

    def members(self, group: Hashable) -> list[Pid]:
        """The members of a group, each as often as it has joined."""
        members = self._groups.get(group)
        if members is None:
            return []
        times = members.times
        if members.total == len(times):
            return list(times)
        return [pid for pid, count in times.items() for _ in range(count)]

    def groups(self) -> list[Any]:
        """The groups that have members."""
        return list(self._groups)

    def watch(self, group: Hashable) -> Ref:
        """Have the running process told who joins and leaves a group, or `EVERY_GROUP`."""
        process = current()
        watch = _Watch(process, group)
        self._watches.setdefault(group, {})[watch] = None
        self._watching.setdefault(process.pid, set()).add(watch)
        process.hold(self)
        return watch

    def unwatch(self, ref: Ref) -> bool:
        """Undo `watch`; whether there was anything to undo."""
        if not isinstance(ref, _Watch) or ref not in self._watches.get(ref.group, ()):
            return False
        pid = ref.process.pid
        self._forget(ref)
        self._watching[pid].discard(ref)
        if not self._watching[pid]:
            del self._watching[pid]
        self._release(pid)
        return True

    def holder_died(self, pid: Pid, /) -> None:
        """Forget a member and watcher, or, if it is this process, everyone."""
        if pid is self.pid:
            for other in self._joined.keys() | self._watching.keys():
                if other.process is not None:
                    other.process.let_go(self)
            return
        for watch in self._watching.pop(pid, ()):
            self._forget(watch)
        for group in self._joined.pop(pid, ()):
            self._notify(Left, group, (pid,) * self._remove(group, pid))

    def _forget(self, watch: _Watch) -> None:
        watches = self._watches[watch.group]
        del watches[watch]
        if not watches:
            del self._watches[watch.group]

    def _release(self, pid: Pid) -> None:
        """Let go of a process that is neither member nor watcher any more."""
        if pid.process is not None and pid not in self._joined and pid not in self._watching:
            pid.process.let_go(self)

    def _notify(self, kind: type[Joined | Left], group: Hashable, pids: tuple[Pid, ...]) -> None:
        if not self._watches:
            return
        for watched in (EVERY_GROUP, group):
            for watch in self._watches.get(watched, ()):
                watch.process.post(kind(watch, group, pids))
