"""Thirty per cent of ten thousand children crash in one tick: how long until all are back and answer?

    python -m tests.benchmarks.supervisors

Needs ``actors`` and ``supervisors`` on ``PYTHONPATH`` unless regrow is installed.
"""

from __future__ import annotations

import gc
import json
import logging
import statistics
import time
from typing import Any, ClassVar

import trio

from regrow.actors import Answer, From, GenServer, Pid, Reply, cast, open_node, receive, send_request
from regrow.supervisors import ChildSpec, DynamicSupervisor, start_child, which_children
from tests.benchmarks.memory import resident_bytes

CHILDREN = 10_000
CRASHING = 3_000
ROUNDS = 9


class Echo(GenServer):
    """The smallest useful child: it answers, and it crashes on request."""

    number: int
    begun: ClassVar[list[Pid]] = []
    """Who has initialised since the list was cleared."""

    def init(self, number: int) -> None:
        self.number = number
        self.begun.append(self.pid)

    def handle_call(self, request: Any, caller: From) -> Reply:
        return Reply(self.number)

    def handle_cast(self, request: Any) -> None:
        raise RuntimeError("poison")


def measure() -> dict[str, float]:
    """Medians of `ROUNDS` rounds, in the units their names say."""
    logging.getLogger("regrow").setLevel(logging.CRITICAL)
    return trio.run(_measure)


async def _measure() -> dict[str, float]:
    async with open_node(shutdown_timeout=60):
        supervisor = await DynamicSupervisor.start_link(intensity=ROUNDS * CRASHING, period=3600)
        gc.collect()
        before = resident_bytes()
        start = time.perf_counter()
        for number in range(CHILDREN):
            await start_child(supervisor, ChildSpec(number, Echo.start_link, (number,)))
        started = time.perf_counter() - start
        gc.collect()
        resident = resident_bytes() - before
        rounds = [await _crash_some(supervisor) for _ in range(ROUNDS)]
        start = time.perf_counter()
    stopped = time.perf_counter() - start
    median = statistics.median
    return {
        "children": CHILDREN,
        "crashing": CRASHING,
        "recovery_ms": 1e3 * median(crash + restart + answer for crash, restart, answer in rounds),
        "crash_us_each": 1e6 * median(crash for crash, _, _ in rounds) / CRASHING,
        "restart_us_each": 1e6 * median(restart for _, restart, _ in rounds) / CRASHING,
        "answer_us_each": 1e6 * median(answer for _, _, answer in rounds) / CRASHING,
        "start_child_us_each": 1e6 * started / CHILDREN,
        "stop_us_each": 1e6 * stopped / CHILDREN,
        "resident_bytes_each": resident / CHILDREN,
    }


async def _crash_some(supervisor: Pid) -> tuple[float, float, float]:
    """Seconds to crash, to restart, and to have every restarted child answer.

    The crash is over when the last victim is dead and its exit signal lies in the supervisor's mailbox.
    """
    children = [child.pid for child in await which_children(supervisor)]
    victims = [pid for pid in children[:: CHILDREN // CRASHING] if isinstance(pid, Pid)][:CRASHING]
    successors = Echo.begun
    successors.clear()
    gc.collect()
    start = time.perf_counter()
    for pid in victims:
        cast(pid, "die")
    while any(pid.is_alive for pid in victims):
        await trio.lowlevel.checkpoint()
    crashed = time.perf_counter()
    while len(successors) < CRASHING:
        await trio.lowlevel.checkpoint()
    restarted = time.perf_counter()
    for pid in successors:
        send_request(pid, "who")
    for _ in successors:
        await receive(Answer)
    answered = time.perf_counter()
    return crashed - start, restarted - crashed, answered - restarted


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))  # noqa: T201 - this is a command
