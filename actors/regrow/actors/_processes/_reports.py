"""Crash reports: values first, log records second, and a storm of them summarised.

A report is a frozen value, made only if someone is to see it. `Reports` logs the first few of each second one by
one and the rest as one line, so that ten thousand processes crashing at once cost ten thousand counter increments,
not as many log records.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from regrow.actors._processes._exit import Crash, Runaway
from regrow.actors._processes._printing import printed
from regrow.actors._system._system_status import presented

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors._processes._exit import ExitReason, Frame
    from regrow.actors._processes._pid import Pid
    from regrow.actors._processes._process import Process
    from regrow.actors._processes._timers import Timers
    from regrow.actors._servers._call import From
    from regrow.actors._system._system_status import Reported

__all__ = [
    "CrashReport",
    "LongSchedule",
    "PreemptionOff",
    "Report",
    "Reports",
    "ServerTerminated",
    "StuckReport",
    "ZombieReport",
    "log",
]

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
    is_for_each = True
    """Whether listeners get every single one, and not only those that are logged one by one."""

    @classmethod
    def of(cls, *fields: Any) -> Report:
        """Make the report. Called only if someone is to see it."""
        return cls(*fields)


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
    parent: Pid | None = None
    """The process that started it."""
    messages: int = 0
    """How many messages it left in its mailbox."""
    links: tuple[Pid, ...] = ()
    """The processes it was linked to, oldest first."""
    neighbours: tuple[Pid, ...] = ()
    """Those of them that do not trap exits: the crash takes them along."""
    trap_exit: bool = False
    label = "crash"

    @classmethod
    def of(cls, *fields: Any) -> CrashReport:
        """The report on a process that is about to die, and of what."""
        process: Process
        reason: ExitReason
        process, reason = fields
        peers = sorted(process.linked(), key=lambda peer: peer.pid)
        return cls(
            process.pid,
            process.label,
            process.name,
            reason,
            process.parent,
            process.pending(),
            tuple(peer.pid for peer in peers),
            tuple(peer.pid for peer in peers if not peer.trap_exit),
            process.trap_exit,
        )

    def __str__(self) -> str:
        name = f" ({self.name})" if self.name else ""
        lines = [f"{self.process} {self.pid}{name} crashed: {self.reason}"]
        if isinstance(self.reason, Crash | Runaway):
            lines += [f"    {frame}" for frame in self.reason.stack]
        facts = f"parent {self.parent}, links {list(self.links)}, neighbours {list(self.neighbours)}"
        return "\n".join([*lines, f"    {facts}, {self.messages} messages left, trap_exit {self.trap_exit}"])


@final
@dataclass(frozen=True, slots=True)
class ServerTerminated(Report):
    """A server terminated abnormally: what it was doing, in what state. See: OTP ``{gen_server, terminate}``.

    State and message are text, so that the report keeps nothing of the dead server alive. A `CrashReport` follows.
    """

    pid: Pid
    server: str
    """The name of its class."""
    name: str | None
    """The name it was registered under."""
    message: str
    """The last message, cut short."""
    state: str
    """As ``format_status`` presents it, cut short."""
    reason: ExitReason
    client: Pid | None
    """The process whose call it was handling, if it was."""
    label = "server_terminated"
    is_for_each = False

    @classmethod
    def of(cls, *fields: Any) -> ServerTerminated:
        """The report on a server that has just terminated: its last message, why, and whose call that was."""
        server: Reported
        reason: ExitReason
        caller: From | None
        server, message, reason, caller = fields
        status = presented(server, message, reason)
        process = server.pid.process
        return cls(
            server.pid,
            type(server).__qualname__,
            None if process is None else process.name,
            printed(status.message),
            printed(status.state),
            reason if status.reason is None else status.reason,
            None if caller is None else caller.client,
        )

    def __str__(self) -> str:
        name = f" ({self.name})" if self.name else ""
        client = "" if self.client is None else f"\n    client: {self.client}"
        return (
            f"{self.server} {self.pid}{name} terminated: {self.reason}\n"
            f"    last message: {self.message}\n    state: {self.state}{client}"
        )


@final
@dataclass(frozen=True, slots=True)
class ZombieReport(Report):
    """The code of a killed process still runs: a task that shields itself from cancellation, or a thread."""

    pid: Pid
    process: str
    grace: float
    """Seconds since it was killed."""
    label = "zombie"
    level = logging.WARNING

    def __str__(self) -> str:
        return f"{self.process} {self.pid} was killed {self.grace} s ago and its code is still unwinding"


@final
@dataclass(frozen=True, slots=True)
class LongSchedule(Report):
    """A process, a port or a timer kept all others of its thread waiting, and has let them run again.

    See: ``long_schedule`` of Erlang's ``system_monitor/2``.
    """

    pid: Pid | None
    """None if it was no process, but a port or a timer."""
    process: str
    """The label of the process, which says what it runs, or else the name of the node."""
    seconds: float
    """How long it ran, to within a tenth of the budget."""
    where: Frame | None
    """Where it was seen."""
    label = "long schedule"
    level = logging.WARNING

    def __str__(self) -> str:
        who = self.process if self.pid is None else f"{self.process} {self.pid}"
        where = "" if self.where is None else f", seen at {self.where}"
        return f"{who} ran for {self.seconds:.2f} s without letting others run{where}"


@final
@dataclass(frozen=True, slots=True)
class StuckReport(Report):
    """A process has overrun its budget and runs on: no interruption reaches it, or its code catches them all."""

    pid: Pid
    process: str
    seconds: float
    where: Frame | None
    """Where it is."""
    label = "stuck"

    def __str__(self) -> str:
        where = "" if self.where is None else f", at {self.where}"
        return f"{self.process} {self.pid} has run for {self.seconds:.2f} s and cannot be interrupted{where}"


@final
@dataclass(frozen=True, slots=True)
class PreemptionOff(Report):
    """Nothing interrupts the runaway processes of this node, because the program uses the alarm clock itself."""

    cause: str
    label = "preemption off"
    level = logging.WARNING

    def __str__(self) -> str:
        return f"runaway processes are not interrupted: {self.cause}"


def log(report: Report) -> None:
    """Write a report to the log."""
    logger.log(report.level, "%s", report, extra={"regrow_report": report})


@final
class Reports:
    """Where the reports of one node go: to every listener as values, and to the logger ``regrow``."""

    __slots__ = ("_held", "_seen", "_timers", "counters", "listeners")

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self._seen: dict[type[Report], int] = {}
        self._held: dict[type[Report], int] = {}
        self.counters: list[Callable[[type[Report], tuple[object, ...]], None]] = []
        """Called with the kind of each report and what it would be made of, whether or not it is made."""
        self.listeners: list[Callable[[Report], None]] = []
        """Called with each report as it happens, inside the dying: they must neither block nor raise."""

    def crash(self, process: Process, reason: ExitReason) -> None:
        """Report that a process died abnormally of its own code."""
        self.add(CrashReport, process, reason)

    def add(self, kind: type[Report], *fields: object) -> None:
        """Report ``kind.of(*fields)`` to the listeners and, if its kind has not filled its window, to the log.

        The value is made only if someone is to see it: in a storm a report costs no more than counting it.
        """
        for count in self.counters:
            count(kind, fields)
        if self._is_told(kind):
            self._tell(kind.of(*fields))

    def add_made(self, report: Report) -> None:
        """Report a value that had to be made before, because what it tells of is gone by now."""
        for count in self.counters:
            count(type(report), ())
        if self._is_told(type(report)):
            self._tell(report)

    def _is_told(self, kind: type[Report]) -> bool:
        seen = self._seen[kind] = self._seen.get(kind, 0) + 1
        if seen <= IN_FULL:
            return True
        self._held[kind] = self._held.get(kind, 0) + 1
        return bool(self.listeners) and kind.is_for_each

    def _tell(self, report: Report) -> None:
        kind = type(report)
        for listener in self.listeners:
            listener(report)
        if self._seen[kind] <= IN_FULL:
            log(report)
            if self._seen[kind] == 1:
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
