"""The work on otpylib.

python -m tests.benchmarks.peers.on_otpylib WORK

Whoever is called has a name, for ``gen_server.call`` looks its target up by name only.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import time
from functools import partial
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

# Not installed where this is checked.
process: Any = importlib.import_module("otpylib.process")
gen_server: Any = importlib.import_module("otpylib.gen_server")
supervisor: Any = importlib.import_module("otpylib.supervisor")
dynamic_supervisor: Any = importlib.import_module("otpylib.dynamic_supervisor")
module: Any = importlib.import_module("otpylib.module")
backend: Any = importlib.import_module("otpylib.runtime.backends.asyncio_backend")

TALLIES: dict[str, Tally] = {}
"""Of those that have begun, and have had their last message."""


def _tally(name: str, total: int) -> asyncio.Event:
    event = asyncio.Event()
    TALLIES[name] = Tally(total, event.set)
    return event


# The callbacks of the server, whose state is the count of messages, and of the supervisors.


async def _init(_self: object, _argument: object) -> int:
    TALLIES["begun"].one()
    return 0


async def _handle_call(_self: object, request: object, _caller: object, state: int) -> tuple[object, int]:
    return gen_server.Reply(payload=request), state


async def _handle_cast(_self: object, request: object, state: int) -> tuple[object, int]:
    if request == "die":
        raise RuntimeError("as it was told")
    if state + 1 == MESSAGES:
        TALLIES["last message"].one()
    return gen_server.NoReply(), state + 1


async def _handle_info(_self: object, _message: object, state: int) -> tuple[object, int]:
    return gen_server.NoReply(), state


async def _terminate(_self: object, _reason: object, _state: object) -> None:
    pass


async def _init_supervisor(_self: object, names: list[str]) -> tuple[list[object], object]:
    children = [supervisor.child_spec(id=name, module=SERVER, name=name) for name in names]
    return children, supervisor.options(max_restarts=CRASHING)


async def _init_dynamic_supervisor(_self: object, _argument: object) -> tuple[list[object], object]:
    return [], dynamic_supervisor.options()


SERVER = module.OTPModule(
    "Server",
    (),
    {
        "init": _init,
        "handle_call": _handle_call,
        "handle_cast": _handle_cast,
        "handle_info": _handle_info,
        "terminate": _terminate,
    },
    behavior=module.GEN_SERVER,
    version="1.0.0",
)
SUPERVISOR = module.OTPModule(
    "Supervisor",
    (),
    {"init": _init_supervisor, "terminate": _terminate},
    behavior=module.SUPERVISOR,
    version="1.0.0",
)
DYNAMIC_SUPERVISOR = module.OTPModule(
    "DynamicSupervisor",
    (),
    {"init": _init_dynamic_supervisor, "terminate": _terminate},
    behavior=module.DYNAMIC_SUPERVISOR,
    version="1.0.0",
)


# The work.


async def spawn() -> Sample:
    begun = _tally("begun", ACTORS)
    growth = Growth()
    for _ in range(ACTORS):
        await gen_server.start_link(SERVER)
    await begun.wait()
    return growth.of(ACTORS)


async def messages() -> Sample:
    _tally("begun", ADDRESSEES)
    pids = [await gen_server.start_link(SERVER) for _ in range(ADDRESSEES)]
    handled = _tally("last message", ADDRESSEES)
    gc.collect()
    start = time.perf_counter()
    for _ in range(MESSAGES):
        for pid in pids:
            await gen_server.cast(pid, "count")
    await handled.wait()
    return message_sample(time.perf_counter() - start)


async def calls() -> Sample:
    _tally("begun", 1)
    await gen_server.start_link(SERVER, name="server")
    durations: list[float] = []
    for number in range(CALLS):
        start = time.perf_counter()
        answer = await gen_server.call("server", number)
        durations.append(time.perf_counter() - start)
        assert answer == number
    return call_sample(durations)


async def crash() -> Sample:
    names = [str(number) for number in range(CRASHING)]
    begun = _tally("begun", CRASHING)
    await supervisor.start_link(SUPERVISOR, init_arg=names)
    await begun.wait()
    begun = _tally("begun", CRASHING)
    gc.collect()
    start = time.perf_counter()
    for name in names:
        await gen_server.cast(name, "die")
    try:
        await asyncio.wait_for(begun.wait(), PATIENCE)
    except TimeoutError:
        return crash_sample(TALLIES["begun"].count, PATIENCE)
    seconds = time.perf_counter() - start
    return crash_sample(sum([await _answers(name) for name in names]), seconds)


async def _answers(name: str) -> bool:
    try:
        return bool(await gen_server.call(name, "answer", timeout=1) == "answer")
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it does not answer
        return False


async def scale() -> Sample:
    return scale_sample(await _start_and_stop(FEW), await _start_and_stop(MANY))


async def _start_and_stop(children: int) -> tuple[float, float]:
    names = [str(number) for number in range(children)]
    _tally("begun", children)
    parent = await dynamic_supervisor.start_link(DYNAMIC_SUPERVISOR)
    gc.collect()
    start = time.perf_counter()
    for name in names:
        await dynamic_supervisor.start_child(parent, dynamic_supervisor.child_spec(id=name, module=SERVER))
    started = time.perf_counter()
    for name in names:
        await dynamic_supervisor.terminate_child(parent, name)
    return (started - start) / children, (time.perf_counter() - started) / children


async def _in_a_process(work: Callable[[], Awaitable[Sample]]) -> Sample:
    runtime = backend.AsyncIOBackend()
    await runtime.initialize()
    process.use_runtime(runtime)
    sample: asyncio.Future[Sample] = asyncio.get_running_loop().create_future()

    async def body() -> None:
        try:
            sample.set_result(await work())
        except BaseException as error:  # noqa: BLE001 - raised where the sample is awaited
            sample.set_exception(error)

    await process.spawn(body)
    return await sample


def _run(work: Callable[[], Awaitable[Sample]]) -> Sample:
    """The processes end with the program: to cancel a supervisor that is at work would have it loop for ever."""
    return asyncio.new_event_loop().run_until_complete(_in_a_process(work))


WORKS = {"spawn": spawn, "messages": messages, "call": calls, "crash": crash, "scale": scale}

if __name__ == "__main__":
    main({name: partial(_run, work) for name, work in WORKS.items()})
