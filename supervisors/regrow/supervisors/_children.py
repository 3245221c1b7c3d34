"""The book a static supervisor keeps of its children: in start order, by id, and by the pid of who runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from ._child_spec import ChildType
from ._errors import ChildRestartingError, ChildRunningError, UnknownChildError
from ._intensity import RestartWindow
from ._requests import RESTARTING, ChildInfo, Counts

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from regrow.actors import Pid

    from ._child_spec import ChildSpec

__all__ = ["Child", "Children"]


@final
class Child:
    """One child through all its incarnations.

    Invariant: ``not (restarting and pid is not None)``.
    """

    __slots__ = ("pid", "predecessor", "restarting", "spec", "window")

    pid: Pid | None
    """The process; None if it does not run."""
    predecessor: Pid | None
    """The incarnation before."""
    restarting: bool
    """Whether the last restart failed and the next attempt is to come."""
    window: RestartWindow | None
    """Its recent restarts, if it has a limit of its own."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.pid = None
        self.predecessor = None
        self.restarting = False
        self.window = None if spec.limit is None else RestartWindow(spec.limit)

    @property
    def info(self) -> ChildInfo:
        """The child as `which_children` lists it."""
        return ChildInfo(self.spec.id, RESTARTING if self.restarting else self.pid, self.spec.type, self.spec.code)

    @property
    def has_ended(self) -> bool:
        """Whether it does not run and will not by itself."""
        return self.pid is None and not self.restarting

    def respecify(self, spec: ChildSpec) -> None:
        """Give it another spec, for its next start and its stop. Restarts counted so far stay counted."""
        if spec.limit is None:
            self.window = None
        elif self.window is None:
            self.window = RestartWindow(spec.limit)
        else:
            self.window.limit = spec.limit
        self.spec = spec if self.pid is None else spec.kept


@final
class Children:
    """The children of one static supervisor."""

    __slots__ = ("_by_id", "_running")

    _by_id: dict[Hashable, Child]
    """In start order."""
    _running: dict[Pid, Child]
    """Invariant: ``_running == {c.pid: c for c in _by_id.values() if c.pid is not None}``, between two requests."""

    def __init__(self) -> None:
        self._by_id = {}
        self._running = {}

    def __contains__(self, child: Child) -> bool:
        return self._by_id.get(child.spec.id) is child

    def in_start_order(self) -> Sequence[Child]:
        """The children as they are now: a copy."""
        return list(self._by_id.values())

    def add(self, child: Child) -> None:
        """Put a child at the end."""
        self._by_id[child.spec.id] = child

    def drop(self, child: Child) -> None:
        """Forget a child that does not run."""
        del self._by_id[child.spec.id]

    def respecify(self, specs: Mapping[Hashable, ChildSpec]) -> None:
        """Give the children the specs of their ids, in the order of those; others follow, as they are.

        A spec without a child becomes one that does not run.
        """
        known = self._by_id
        respecified: dict[Hashable, Child] = {}
        for child_id, spec in specs.items():
            child = known.pop(child_id, None)
            if child is None:
                child = Child(spec)
            else:
                child.respecify(spec)
            respecified[child_id] = child
        self._by_id = respecified | known

    def runs_as(self, child: Child, pid: Pid) -> None:
        """A child has started."""
        child.pid = pid
        child.restarting = False
        self._running[pid] = child

    def runs_no_more(self, child: Child) -> Pid | None:
        """A child has ended, or is about to; who it was."""
        pid = child.pid
        if pid is not None:
            del self._running[pid]
            child.predecessor, child.pid = pid, None
        return pid

    def running(self, pid: Pid) -> Child | None:
        """The child that runs as ``pid``."""
        return self._running.get(pid)

    def get(self, child_id: Hashable) -> Child | None:
        """The child of this id, if there is one."""
        return self._by_id.get(child_id)

    def find(self, child_id: Hashable) -> Child:
        """The child of this id.

        Raises:
            UnknownChildError: there is none.
        """
        child = self._by_id.get(child_id)
        if child is None:
            raise UnknownChildError(child_id)
        return child

    def find_stopped(self, child_id: Hashable) -> Child:
        """The child of this id, which does not run and will not by itself.

        Raises:
            ChildRestartingError: it is being restarted.
            ChildRunningError: it is running.
            UnknownChildError: there is none.
        """
        child = self.find(child_id)
        if child.pid is not None:
            raise ChildRunningError(child_id)
        if child.restarting:
            raise ChildRestartingError(child_id)
        return child

    def not_ended(self) -> Iterator[ChildSpec]:
        """The specs of those that run or are being restarted."""
        return (child.spec for child in self._by_id.values() if not child.has_ended)

    def infos(self) -> list[ChildInfo]:
        """Every child, last started first."""
        return [child.info for child in reversed(self._by_id.values())]

    def counts(self) -> Counts:
        """How many there are."""
        specs = len(self._by_id)
        supervisors = sum(child.spec.type is ChildType.SUPERVISOR for child in self._by_id.values())
        active = sum(pid.is_alive for pid in self._running)
        return Counts(specs, active, supervisors, specs - supervisors)
