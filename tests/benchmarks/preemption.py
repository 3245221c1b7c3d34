"""Preemption: what its timer costs an idle node, and how long a runaway process keeps its neighbours waiting.

python -m tests.benchmarks.preemption
"""

from __future__ import annotations

import json
import logging
import math
import time
from typing import Any, ClassVar

import trio

from regrow.actors import Down, GenServer, Runaway, cast, monitor, open_node, receive, spawn_link

IDLE_SECONDS = 3.0
BUDGET = 1.0
"""Seconds: what a node grants unless it is told otherwise."""
PAUSE = 0.001
"""Seconds the neighbour sleeps at a time."""
ROUNDS = 3


class Endless(GenServer):
    """Runs away when it gets a cast. When it began and when it was interrupted is noted here."""

    began: ClassVar[float]
    ended: ClassVar[float]

    @staticmethod
    def run_away() -> None:
        """The plain endless loop."""
        Endless.began = time.perf_counter()
        try:
            while True:
                pass
        finally:
            Endless.ended = time.perf_counter()


class Inline(Endless):
    """Runs away inside the tick."""

    def handle_cast(self, request: Any) -> None:
        self.run_away()


class Task(Endless):
    """Runs away as a trio task."""

    async def handle_cast(self, request: Any) -> None:
        self.run_away()


def measure() -> dict[str, float]:
    logging.getLogger("regrow").setLevel(logging.CRITICAL)
    return trio.run(_measure)


async def _measure() -> dict[str, float]:
    sample = {
        "idle_cpu_percent": await _idle_cpu_percent(BUDGET),
        "idle_cpu_percent_without": await _idle_cpu_percent(math.inf),
    }
    for name, kind in (("inline", Inline), ("task", Task)):
        rounds = [await _run_away(kind) for _ in range(ROUNDS)]
        sample[f"{name}_late_ms"] = 1e3 * max(late for late, _ in rounds)
        sample[f"{name}_neighbour_budgets"] = max(wait for _, wait in rounds) / BUDGET
    return sample


async def _idle_cpu_percent(budget: float) -> float:
    """CPU that a node uses in which nothing happens."""
    async with open_node(budget=budget):
        await trio.sleep(0.1)  # what opening it takes is not counted
        wall, cpu = time.perf_counter(), time.process_time()
        await trio.sleep(IDLE_SECONDS)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return 100 * cpu / wall


async def _run_away(kind: type[Endless]) -> tuple[float, float]:
    """Seconds from the end of the budget to the interruption, and the longest a neighbour had to wait meanwhile."""
    waits: list[float] = []

    async def neighbour() -> None:
        while True:
            start = time.perf_counter()
            await trio.sleep(PAUSE)
            waits.append(time.perf_counter() - start - PAUSE)

    async with open_node(budget=BUDGET):
        spawn_link(neighbour)
        pid = await kind.start()
        assert pid is not None
        reference = monitor(pid)
        await trio.sleep(10 * PAUSE)
        cast(pid, "run away")
        down: Down = await receive(Down)
        assert down.ref == reference
        assert isinstance(down.reason, Runaway), f"it died of {down.reason}"
        await trio.sleep(10 * PAUSE)
    return Endless.ended - Endless.began - BUDGET, max(waits)


if __name__ == "__main__":
    print(json.dumps(measure()))  # noqa: T201 - this is a command
