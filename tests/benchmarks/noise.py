"""Noise: CPU that neither the server nor the generator used while a run lasted, read from ``/proc/stat``."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks.measurements import Noise

_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Clock:
    """CPU seconds so far."""

    wall: float
    busy: float
    """Of the whole machine."""
    stolen: float
    ours: float
    """Of the server that is running, and of the children of this process that have ended."""


def read_clock(server: int | None) -> Clock:
    """Read every counter; ``server`` is the pid of a server that runs meanwhile."""
    busy, stolen = busy_seconds(Path("/proc/stat").read_text(encoding="ascii"))
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    serving = 0.0 if server is None else _seconds_of(server)
    return Clock(time.monotonic(), busy, stolen, ended.ru_utime + ended.ru_stime + serving)


def noise(before: Clock, after: Clock) -> Noise:
    """What others used between two readings, in cores."""
    wall = max(after.wall - before.wall, 1e-9)
    others = (after.busy - before.busy) - (after.ours - before.ours)
    return Noise(round(max(others, 0.0) / wall, 3), round((after.stolen - before.stolen) / wall, 3))


def busy_seconds(stat: str) -> tuple[float, float]:
    """Seconds that all cores were busy, and that were stolen, from the text of ``/proc/stat``."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, stat.split("\n", 1)[0].split()[1:9])
    return (user + nice + system + irq + softirq) / _TICKS, steal / _TICKS


def _seconds_of(pid: int) -> float:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:  # it died; the run says so
        return 0.0
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
