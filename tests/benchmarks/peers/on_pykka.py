"""The work on pykka's own actors, each a thread.

python -m tests.benchmarks.peers.on_pykka WORK

It has no supervisors: starting and stopping is that of actors nobody watches.
"""

from __future__ import annotations

import gc
import threading
import time
from typing import Any, ClassVar

import pykka

from tests.benchmarks.peers.work import (
    ACTORS,
    ADDRESSEES,
    CALLS,
    FEW,
    MANY,
    MESSAGES,
    Growth,
    Sample,
    Tally,
    call_sample,
    main,
    message_sample,
    scale_sample,
)


class Worker(pykka.ThreadingActor):
    """Counts its messages, and answers with them."""

    on_begin: ClassVar[Tally]
    on_last_message: ClassVar[Tally]

    def on_start(self) -> None:
        self.count = 0
        self.on_begin.one()

    def on_receive(self, message: Any) -> Any:
        self.count += 1
        if self.count == MESSAGES:
            self.on_last_message.one()
        return message


def _workers(count: int) -> list[pykka.ActorRef[Worker]]:
    """As many as were asked for, all of them ready, or as many as the system allows."""
    begun = threading.Event()
    Worker.on_begin = Tally(count, begun.set)
    Worker.on_last_message = Tally(count, lambda: None)
    refs: list[pykka.ActorRef[Worker]] = []
    try:
        for _ in range(count):
            refs.append(Worker.start())  # noqa: PERF401 - those before a failure count
    except RuntimeError:  # it can't start new thread
        return refs
    begun.wait()
    return refs


def spawn() -> Sample:
    growth = Growth()
    refs = _workers(ACTORS)
    sample = growth.of(len(refs))
    pykka.ActorRegistry.stop_all()
    return sample


def messages() -> Sample:
    refs = _workers(ADDRESSEES)
    handled = threading.Event()
    Worker.on_last_message = Tally(len(refs), handled.set)
    gc.collect()
    start = time.perf_counter()
    for _ in range(MESSAGES):
        for ref in refs:
            ref.tell("count")
    handled.wait()
    sample = message_sample(time.perf_counter() - start)
    pykka.ActorRegistry.stop_all()
    return sample


def calls() -> Sample:
    [ref] = _workers(1)
    durations: list[float] = []
    for number in range(CALLS):
        start = time.perf_counter()
        answer = ref.ask(number)
        durations.append(time.perf_counter() - start)
        assert answer == number
    ref.stop()
    return call_sample(durations)


def scale() -> Sample:
    return scale_sample(_start_and_stop(FEW), _start_and_stop(MANY))


def _start_and_stop(actors: int) -> tuple[float, float]:
    gc.collect()
    start = time.perf_counter()
    refs = _workers(actors)
    started = time.perf_counter()
    for ref in refs:
        ref.stop()
    return (started - start) / len(refs), (time.perf_counter() - started) / len(refs)


WORKS = {"spawn": spawn, "messages": messages, "call": calls, "scale": scale}

if __name__ == "__main__":
    main(WORKS)
