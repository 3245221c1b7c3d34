"""Does one of a hundred thousand children cost more to start and to stop than one of ten thousand?

python -m tests.benchmarks.children inline|task
"""

from __future__ import annotations

import gc
import json
import sys
import time
from typing import Any

import trio

from regrow.actors import From, GenServer, Reply, open_node
from regrow.supervisors import ChildSpec, DynamicSupervisor, start_child, terminate_child

FEW = 10_000
MANY = 100_000


class Inline(GenServer):
    """A child inside the tick."""

    def handle_call(self, request: Any, caller: From) -> Reply:
        return Reply(request)


class Task(GenServer):
    """A child that is a trio task."""

    async def handle_call(self, request: Any, caller: From) -> Reply:
        return Reply(request)


KINDS: dict[str, type[GenServer]] = {"inline": Inline, "task": Task}


def measure(kind: type[GenServer]) -> dict[str, float]:
    return trio.run(_measure, kind)


async def _measure(kind: type[GenServer]) -> dict[str, float]:
    few = await _start_and_stop(kind, FEW)
    many = await _start_and_stop(kind, MANY)
    return {
        "start_us": 1e6 * many[0],
        "stop_us": 1e6 * many[1],
        "start_ratio": many[0] / few[0],
        "stop_ratio": many[1] / few[1],
    }


async def _start_and_stop(kind: type[GenServer], children: int) -> tuple[float, float]:
    """Seconds per child to start so many one by one, and to stop them one by one, the oldest first."""
    async with open_node(shutdown_timeout=60):
        supervisor = await DynamicSupervisor.start_link()
        gc.collect()
        start = time.perf_counter()
        pids = [await start_child(supervisor, ChildSpec(number, kind.start_link)) for number in range(children)]
        started = time.perf_counter()
        for pid in pids:
            await terminate_child(supervisor, pid)
        stopped = time.perf_counter()
    return (started - start) / children, (stopped - started) / children


if __name__ == "__main__":
    print(json.dumps(measure(KINDS[sys.argv[1]])))  # noqa: T201 - this is a command
