"""Crash reports: values first, log records second, and a storm of them summarised.

A report is a frozen value. `Reports` logs the first few of each second one by one and the rest as one line, so
that ten thousand processes crashing at once cost ten thousand counter increments, not as many log records.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from ._exit import Crash

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._exit import ExitReason
    from ._pid import Pid
    from ._process import Process
    from ._timers import Timers

__all__ = ["CrashReport", "Report", "Reports", "ZombieReport"]

logger = logging.getLogger("regrow")

IN_FULL = 5
"""Reports of one kind logged one by one in each window."""

WINDOW = 1.0
"""Seconds for which reports of one kind are counted together."""


class Report:
    """Something the runtime tells the log. Subclasses are frozen and print as one line."""

    __slots__ = ()
    label = "report"
    level = logging.ERROR


@final
@dataclass(frozen=True, slots=True)
class CrashReport(Report):
    """A process died abnormally of its own code. See: OTP ``{proc_lib, crash}``."""

    pid: Pid
    process: str
    """The label of the process: what it runs."""
    name: str | None
    """The name it was registered under."""
    reason: ExitReason
    label = "crash"

    def __str__(self) -> str:
        name = f" ({self.name})" if self.name else ""
        lines = [f"{self.process} {self.pid}{name} crashed: {self.reason}"]
        if isinstance(self.reason, Crash):
            lines += [f"    {frame}" for frame in self.reason.stack]
        return "\n".join(lines)


@final
@dataclass(frozen=True, slots=True)
class ZombieReport(Report):
    """A killed task has not unwound within its grace: it shields itself from cancellation, or blocks."""

    pid: Pid
    process: str
    grace: float
    label = "zombie"
    level = logging.WARNING

    def __str__(self) -> str:
        return f"{self.process} {self.pid} was killed {self.grace} s ago and its task is still unwinding"


@final
class Reports:
    """Where the reports of one node go: to every listener as values, and to the logger ``regrow``."""

    __slots__ = ("_held", "_seen", "_timers", "listeners")

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self._seen: dict[type[Report], int] = {}
        self._held: dict[type[Report], int] = {}
        self.listeners: list[Callable[[Report], None]] = []
        """Called with each report as it happens, inside the dying: they must neither block nor raise."""

    def crash(self, process: Process, reason: ExitReason) -> None:
        """Report that a process died abnormally of its own code."""
        self.add(CrashReport, process.pid, process.label, process.name, reason)

    def add(self, kind: type[Report], *fields: object) -> None:
        """Report ``kind(*fields)`` to the listeners and, if its kind has not filled its window, to the log.

        The value is made only if someone is to see it: in a storm a report costs no more than counting it.
        """
        seen = self._seen[kind] = self._seen.get(kind, 0) + 1
        if seen > IN_FULL:
            self._held[kind] = self._held.get(kind, 0) + 1
            if not self.listeners:
                return
        report = kind(*fields)
        for listener in self.listeners:
            listener(report)
        if seen <= IN_FULL:
            logger.log(kind.level, "%s", report, extra={"regrow_report": report})
            if seen == 1:
                self._timers.after(WINDOW, lambda: self._close_window(kind))

    def _close_window(self, kind: type[Report]) -> None:
        del self._seen[kind]
        held = self._held.pop(kind, 0)
        if held:
            logger.log(kind.level, "and %d more reports of kind %r within %s s", held, kind.label, WINDOW)

    def close(self) -> None:
        """Log what is still held back."""
        for kind in list(self._seen):
            self._close_window(kind)
