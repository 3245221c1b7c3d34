"""The work on triotp. This module is its gen_server, too: callbacks of triotp are functions of a module.

python -m tests.benchmarks.peers.on_triotp WORK

An actor is known by a name, for triotp gives out no address otherwise. ``supervisor.start`` and
``gen_server.start`` return when what they start has ended, so who is ready is told by ``init``.
"""

from __future__ import annotations

import gc
import importlib
import sys
import time
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

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

# Not installed where this is checked; and its trio is a version of its own.
trio: Any = importlib.import_module("trio")
gen_server: Any = importlib.import_module("triotp.gen_server")
supervisor: Any = importlib.import_module("triotp.supervisor")
dynamic_supervisor: Any = importlib.import_module("triotp.dynamic_supervisor")
application: Any = importlib.import_module("triotp.application")
node: Any = importlib.import_module("triotp.node")

SERVER = sys.modules[__name__]
TALLIES: dict[str, Tally] = {}
"""Of those that have begun, have had their last message, and have ended."""


def _tally(name: str, total: int) -> Any:
    event = trio.Event()
    TALLIES[name] = Tally(total, event.set)
    return event


# The callbacks. The state is the count of messages.


async def init(_argument: object) -> int:
    TALLIES["begun"].one()
    return 0


async def handle_call(request: object, _caller: object, state: int) -> tuple[object, int]:
    return gen_server.Reply(request), state


async def handle_cast(request: object, state: int) -> tuple[object, int]:
    match request:
        case "die":
            raise RuntimeError("as it was told")
        case "stop":
            return gen_server.Stop(), state
        case _:
            if state + 1 == MESSAGES:
                TALLIES["last message"].one()
            return gen_server.NoReply(), state + 1


async def terminate(_reason: object, _state: int) -> None:
    if "ended" in TALLIES:
        TALLIES["ended"].one()


# The work.


async def spawn(nursery: Any) -> Sample:
    growth = Growth()
    await _servers(nursery, ACTORS)
    return growth.of(ACTORS)


async def _servers(nursery: Any, count: int) -> list[str]:
    begun = _tally("begun", count)
    names = [str(number) for number in range(count)]
    for name in names:
        nursery.start_soon(gen_server.start, SERVER, None, name)
    await begun.wait()
    return names


async def messages(nursery: Any) -> Sample:
    names = await _servers(nursery, ADDRESSEES)
    handled = _tally("last message", ADDRESSEES)
    gc.collect()
    start = time.perf_counter()
    for _ in range(MESSAGES):
        for name in names:
            await gen_server.cast(name, "count")
    await handled.wait()
    return message_sample(time.perf_counter() - start)


async def calls(nursery: Any) -> Sample:
    [name] = await _servers(nursery, 1)
    durations: list[float] = []
    for number in range(CALLS):
        start = time.perf_counter()
        answer = await gen_server.call(name, number)
        durations.append(time.perf_counter() - start)
        assert answer == number
    return call_sample(durations)


async def crash(nursery: Any) -> Sample:
    names = [str(number) for number in range(CRASHING)]
    begun = _tally("begun", CRASHING)
    specs = [_spec(name, supervisor.restart_strategy.PERMANENT) for name in names]
    await nursery.start(supervisor.start, specs, supervisor.options(max_restarts=CRASHING))
    await begun.wait()
    begun = _tally("begun", CRASHING)
    gc.collect()
    start = time.perf_counter()
    for name in names:
        await gen_server.cast(name, "die")
    with trio.move_on_after(PATIENCE) as patience:
        await begun.wait()
    seconds = time.perf_counter() - start
    if patience.cancelled_caught:
        return crash_sample(TALLIES["begun"].count, seconds)
    return crash_sample(sum([await _answers(name) for name in names]), seconds)


async def _answers(name: str) -> bool:
    try:
        return bool(await gen_server.call(name, "answer", timeout=1) == "answer")
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it does not answer
        return False


def _spec(name: str, restart: object) -> object:
    return supervisor.child_spec(id=name, task=gen_server.start, args=[SERVER, None, name], restart=restart)


async def scale(nursery: Any) -> Sample:
    return scale_sample(await _start_and_stop(nursery, FEW), await _start_and_stop(nursery, MANY))


async def _start_and_stop(nursery: Any, children: int) -> tuple[float, float]:
    """Its dynamic supervisor stops no child, so a child is told to stop, and its end awaited, as it would be there."""
    names = [str(number) for number in range(children)]
    mailbox = await nursery.start(dynamic_supervisor.start, supervisor.options())
    begun = _tally("begun", children)
    gc.collect()
    start = time.perf_counter()
    for name in names:
        await dynamic_supervisor.start_child(mailbox, _spec(name, supervisor.restart_strategy.TEMPORARY))
    await begun.wait()
    started = time.perf_counter()
    for name in names:
        ended = _tally("ended", 1)
        await gen_server.cast(name, "stop")
        await ended.wait()
    return (started - start) / children, (time.perf_counter() - started) / children


def _on_a_node(work: Callable[[Any], Awaitable[Sample]]) -> Sample:
    samples: list[Sample] = []

    async def start(_argument: object) -> None:
        async with trio.open_nursery() as nursery:
            samples.append(await work(nursery))
            nursery.cancel_scope.cancel()

    app = SimpleNamespace(__name__="benchmark", start=start)
    node.run([application.app_spec(module=app, start_arg=None, permanent=False)])
    return samples[0]


WORKS = {"spawn": spawn, "messages": messages, "call": calls, "crash": crash, "scale": scale}

if __name__ == "__main__":
    main({name: partial(_on_a_node, work) for name, work in WORKS.items()})
