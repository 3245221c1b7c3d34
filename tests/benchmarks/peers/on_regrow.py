"""The work on Regrow, with actors of plain functions (inline processes) or of coroutine functions (tasks).

python -m tests.benchmarks.peers.on_regrow inline|task WORK
"""

from __future__ import annotations

import gc
import logging
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import trio

from regrow.actors import CallError, From, GenServer, Pid, Reply, call, cast, open_node
from regrow.supervisors import ChildSpec, DynamicSupervisor, start_child, terminate_child
from tests.benchmarks.peers.work import (
    ACTORS,
    ADDRESSEES,
    CALLS,
    CRASHING,
    FEW,
    MANY,
    MESSAGES,
    PATIENCE,
    Growth,
    Sample,
    Tally,
    call_sample,
    crash_sample,
    main,
    message_sample,
    scale_sample,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Worker(GenServer):
    """Counts its messages, answers, and crashes on request."""

    begun: ClassVar[list[Pid]] = []
    """Who has initialised since the list was cleared."""
    on_begin: ClassVar[Tally]
    on_last_message: ClassVar[Tally]
    count: int

    def init(self) -> None:
        self.count = 0
        self.begun.append(self.pid)
        self.on_begin.one()

    def handle_message(self, request: Any) -> None:
        if request == "die":
            raise RuntimeError("as it was told")
        self.count += 1
        if self.count == MESSAGES:
            self.on_last_message.one()


class Inline(Worker):
    """Runs inside the tick."""

    def handle_cast(self, request: Any) -> None:
        self.handle_message(request)

    def handle_call(self, request: Any, caller: From) -> Reply:
        return Reply(request)


class Task(Worker):
    """Runs as a trio task."""

    async def handle_cast(self, request: Any) -> None:
        self.handle_message(request)

    async def handle_call(self, request: Any, caller: From) -> Reply:
        return Reply(request)


def _on_begin(total: int) -> trio.Event:
    event = trio.Event()
    Worker.begun.clear()
    Worker.on_begin = Tally(total, event.set)
    return event


async def spawn(worker: type[Worker]) -> Sample:
    begun = _on_begin(ACTORS)
    growth = Growth()
    pids = [await worker.start_link() for _ in range(ACTORS)]
    await begun.wait()
    return growth.of(len(pids))


async def messages(worker: type[Worker]) -> Sample:
    _on_begin(ADDRESSEES)
    pids = [pid for _ in range(ADDRESSEES) if (pid := await worker.start_link()) is not None]
    handled = trio.Event()
    Worker.on_last_message = Tally(ADDRESSEES, handled.set)
    gc.collect()
    start = time.perf_counter()
    for _ in range(MESSAGES):
        for pid in pids:
            cast(pid, "count")
    await handled.wait()
    return message_sample(time.perf_counter() - start)


async def calls(worker: type[Worker]) -> Sample:
    _on_begin(1)
    pid = await worker.start_link()
    assert pid is not None
    durations: list[float] = []
    for number in range(CALLS):
        start = time.perf_counter()
        answer = await call(pid, number)
        durations.append(time.perf_counter() - start)
        assert answer == number
    return call_sample(durations)


async def crash(worker: type[Worker]) -> Sample:
    _supervisor, victims = await _children(worker, CRASHING)
    begun = _on_begin(CRASHING)
    gc.collect()
    start = time.perf_counter()
    for pid in victims:
        cast(pid, "die")
    with trio.move_on_after(PATIENCE) as patience:
        await begun.wait()
    seconds = time.perf_counter() - start
    if patience.cancelled_caught:
        return crash_sample(Worker.on_begin.count, seconds)
    return crash_sample(sum([await _answers(pid) for pid in Worker.begun]), seconds)


async def _answers(pid: Pid) -> bool:
    try:
        return bool(await call(pid, "answer") == "answer")
    except CallError:
        return False


async def _children(worker: type[Worker], children: int) -> tuple[Pid, list[Pid]]:
    begun = _on_begin(children)
    supervisor = await DynamicSupervisor.start_link(intensity=children)
    pids = [await start_child(supervisor, ChildSpec(number, worker.start_link)) for number in range(children)]
    await begun.wait()
    return supervisor, [pid for pid in pids if isinstance(pid, Pid)]


async def scale(worker: type[Worker]) -> Sample:
    return scale_sample(await _start_and_stop(worker, FEW), await _start_and_stop(worker, MANY))


async def _start_and_stop(worker: type[Worker], children: int) -> tuple[float, float]:
    gc.collect()
    start = time.perf_counter()
    supervisor, pids = await _children(worker, children)
    started = time.perf_counter()
    for pid in pids:
        await terminate_child(supervisor, pid)
    return (started - start) / children, (time.perf_counter() - started) / children


def _on_a_node(work: Callable[[type[Worker]], Awaitable[Sample]], worker: type[Worker]) -> Sample:
    samples: list[Sample] = []

    async def run() -> None:
        async with open_node(shutdown_timeout=60):
            samples.append(await work(worker))

    trio.run(run)
    return samples[0]


WORKERS = {"inline": Inline, "task": Task}
WORKS = {"spawn": spawn, "messages": messages, "call": calls, "crash": crash, "scale": scale}

if __name__ == "__main__":
    logging.getLogger("regrow").setLevel(logging.CRITICAL)
    chosen = WORKERS[sys.argv[1]]
    main({name: partial(_on_a_node, work, chosen) for name, work in WORKS.items()})
