"""Calls: a request from a task and the reply it waits for.

python -m tests.benchmarks.calls
"""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

import trio

from regrow.actors import From, GenServer, Pid, Reply, call, open_node

CALLS = 5_000
ROUNDS = 5


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
    async with open_node():
        inline, task = await Inline.start_link(), await Task.start_link()
        assert inline is not None
        assert task is not None
        return {"to_inline_us": await _round_trip(inline), "to_task_us": await _round_trip(task)}


async def _round_trip(callee: Pid) -> float:
    return 1e6 * statistics.median([await _round(callee) for _ in range(ROUNDS)]) / CALLS


async def _round(callee: Pid) -> float:
    start = time.perf_counter()
    for number in range(CALLS):
        assert await call(callee, number) == number
    return time.perf_counter() - start


if __name__ == "__main__":
    print(json.dumps(measure()))  # noqa: T201 - this is a command
