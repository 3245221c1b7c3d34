"""Crashes and restarts, counted as the runtime reports them, without making a report."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, final

from regrow.actors import CrashReport, Pid
from regrow.supervisors import ChildRestarted, SupervisorShutdown

if TYPE_CHECKING:
    from regrow.actors import Report

__all__ = ["Supervision"]

MOST_NAMES: Final = 100
"""Supervisors counted by name. Further ones are counted together, so that a program which names supervisors after
what clients send does not make as many time series."""

_UNNAMED, _OTHERS = "unnamed", "others"


@final
class Supervision:
    """Counts what a node reports. Its `count` is to be among the node's ``reports.counters``."""

    __slots__ = ("crashes", "give_ups", "restarts")

    def __init__(self) -> None:
        self.crashes = 0
        """Processes of any kind that crashed."""
        self.restarts: Counter[str] = Counter()
        """Children restarted, by the name of their supervisor."""
        self.give_ups: Counter[str] = Counter()
        """Supervisors that exceeded their restart intensity, by name."""

    def count(self, kind: type[Report], fields: tuple[object, ...]) -> None:
        """Count a report of this kind, whether or not anybody sees it."""
        if kind is CrashReport:
            self.crashes += 1
        elif kind is ChildRestarted:
            _count(self.restarts, fields[0])
        elif kind is SupervisorShutdown:
            _count(self.give_ups, fields[0])


def _count(names: Counter[str], supervisor: object) -> None:
    process = supervisor.process if isinstance(supervisor, Pid) else None
    name = _UNNAMED if process is None or process.name is None else process.name
    names[name if name in names or len(names) < MOST_NAMES else _OTHERS] += 1
