"""The work that every peer does: its sizes, and what the programs that do it share.

The programs run in environments that have one peer and nothing else, so this is the standard library only.
"""

from __future__ import annotations

import contextlib
import gc
import json
import sys
import threading
import time
from typing import TYPE_CHECKING, Final, TypeAlias

from tests.benchmarks.durations import percentile
from tests.benchmarks.memory import resident_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ACTORS: Final = 10_000
"""Started and kept."""
ADDRESSEES: Final = 1_000
MESSAGES: Final = 20
"""For each of the addressees, which take turns: nothing is saved by batches."""
CALLS: Final = 5_000
CRASHING: Final = 1_000
PATIENCE: Final = 60.0
"""Seconds within which crashed children are to be back."""
FEW: Final = 1_000
MANY: Final = 10_000
"""How many children tell whether one of ten times as many costs more."""

Sample: TypeAlias = dict[str, float]


class Tally:
    """Counts up to a total, from any thread, and tells when it is reached."""

    def __init__(self, total: int, done: Callable[[], object]) -> None:
        self.count = 0
        self._total = total
        self._done = done
        self._lock = threading.Lock()

    def one(self) -> None:
        """One more."""
        with self._lock:
            self.count += 1
            is_last = self.count == self._total
        if is_last:
            self._done()


class Growth:
    """Time and memory since it was made."""

    def __init__(self) -> None:
        gc.collect()
        self._resident = resident_bytes()
        self._start = time.perf_counter()

    def of(self, actors: int) -> Sample:
        """What each of the actors took, which were started since."""
        seconds = time.perf_counter() - self._start
        gc.collect()
        grown = resident_bytes() - self._resident
        return {"actors": actors, "spawn_us": 1e6 * seconds / actors, "resident_bytes_each": grown / actors}


def message_sample(seconds: float) -> Sample:
    """Of the seconds that all messages took."""
    return {"message_us": 1e6 * seconds / (ADDRESSEES * MESSAGES)}


def call_sample(durations: Sequence[float]) -> Sample:
    """Of the seconds that each call took."""
    return {"call_us": 1e6 * percentile(durations, 0.5), "call_p99_us": 1e6 * percentile(durations, 0.99)}


def crash_sample(back: int, seconds: float) -> Sample:
    """Of how many children were back; the time counts only if all were, and answered."""
    sample: Sample = {"back": back}
    if back == CRASHING:
        sample["recovery_ms"] = 1e3 * seconds
    return sample


def scale_sample(few: tuple[float, float], many: tuple[float, float]) -> Sample:
    """Of the seconds it took to start a child and to stop it, as one of `FEW` and as one of `MANY`."""
    return {
        "start_us": 1e6 * many[0],
        "stop_us": 1e6 * many[1],
        "start_ratio": many[0] / few[0],
        "stop_ratio": many[1] / few[1],
    }


def main(works: Mapping[str, Callable[[], Sample]]) -> None:
    """Do the work that the last argument names, and print its sample."""
    with contextlib.redirect_stdout(sys.stderr):  # peers print there
        sample = works[sys.argv[-1]]()
    print(json.dumps(sample))  # noqa: T201 - this is a command
