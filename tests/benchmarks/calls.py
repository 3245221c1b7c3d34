"""Calls: a request from a task process and the reply it waits for, from an inline process and from another task.

python -m tests.benchmarks.calls
"""

from __future__ import annotations

import gc
import json
import time
from typing import Any

import trio

from regrow.actors import From, GenServer, Pid, Reply, call, open_node, spawn_link
from tests.benchmarks.durations import percentile

CALLS = 20_000
WARM_UP = 1_000


class Inline(GenServer):
    """Answers inside the tick."""

    def handle_call(self, request: Any, caller: From) -> Reply:
        return Reply(request)


class Task(GenServer):
    """Answers from a trio task."""

    async def handle_call(self, request: Any, caller: From) -> Reply:
        return Reply(request)


def measure() -> dict[str, float]:
    return trio.run(_measure)


async def _measure() -> dict[str, float]:
    sample: dict[str, float] = {}
    async with open_node():
        for name, server in (("inline", Inline), ("task", Task)):
            callee = await server.start_link()
            assert callee is not None
            durations = await _durations(callee)
            sample[f"to_{name}_us"] = 1e6 * percentile(durations, 0.5)
            sample[f"to_{name}_p99_us"] = 1e6 * percentile(durations, 0.99)
    return sample


async def _durations(callee: Pid) -> list[float]:
    """Seconds that each call takes which another process makes, one after the other."""
    durations: list[float] = []
    done = trio.Event()

    async def caller() -> None:
        for number in range(WARM_UP):
            await call(callee, number)
        gc.collect()
        for number in range(CALLS):
            start = time.perf_counter()
            answer = await call(callee, number)
            durations.append(time.perf_counter() - start)
            assert answer == number
        done.set()

    spawn_link(caller)
    await done.wait()
    return durations


if __name__ == "__main__":
    print(json.dumps(measure()))  # noqa: T201 - this is a command
