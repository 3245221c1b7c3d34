"""Inline actors: what one costs to start, to keep, and to send a message.

python -m tests.benchmarks.inline_actors
"""

from __future__ import annotations

import gc
import json
import statistics
import time
from typing import Any

import trio

from regrow.actors import From, GenServer, Pid, Reply, call, open_node, send
from tests.benchmarks.memory import resident_bytes

KEPT = 100_000
ACTORS = 10_000
MESSAGES = 10
ROUNDS = 3


class Counter(GenServer):
    """Counts its messages."""

    def init(self) -> None:
        self.count = 0

    def handle_info(self, message: Any) -> None:
        self.count += 1

    def handle_call(self, request: Any, caller: From) -> Reply:
        return Reply(self.count)


def measure() -> dict[str, float]:
    return trio.run(_measure)


async def _measure() -> dict[str, float]:
    async with open_node(shutdown_timeout=60):
        resident_bytes_each, spawn = await _keep_many()
    async with open_node(shutdown_timeout=60):
        messages = [await _send_many() for _ in range(ROUNDS)]
    return {
        "resident_bytes_each": resident_bytes_each,
        "spawn_us": 1e6 * spawn,
        "message_us": 1e6 * statistics.median(messages),
    }


async def _keep_many() -> tuple[float, float]:
    """Bytes by which an actor makes the process grow, and seconds it takes to start one, linked."""
    pids: list[Pid | None] = [None] * KEPT
    gc.collect()
    before = resident_bytes()
    start = time.perf_counter()
    for index in range(KEPT):
        pids[index] = await Counter.start_link()
    seconds = time.perf_counter() - start
    gc.collect()
    return (resident_bytes() - before) / KEPT, seconds / KEPT


async def _send_many() -> float:
    """Seconds to send a message and have it handled. An actor gets one at a time: nothing is saved by batches."""
    pids = [pid for pid in [await Counter.start_link() for _ in range(ACTORS)] if pid is not None]
    gc.collect()
    start = time.perf_counter()
    for _ in range(MESSAGES):
        for pid in pids:
            send(pid, 1)
        await call(pids[-1], "count")
    seconds = time.perf_counter() - start
    counts = [await call(pid, "count") for pid in pids]
    assert counts == [MESSAGES] * ACTORS
    return seconds / (ACTORS * MESSAGES)


if __name__ == "__main__":
    print(json.dumps(measure()))  # noqa: T201 - this is a command
