"""Crash a share of the connections in their handlers, all at once, and watch them come back."""

from collections.abc import Callable
from enum import StrEnum

import trio

from regrow.gateway import room_for

from ._errors import NotSteadyError, UnsupportedError
from ._load import Load, open_load
from ._run import Run, Settings, choose_victims, join_stamps
from ._target import Target

TICKS = 10
"""How often the progress of a quiet phase is told."""


class Phase(StrEnum):
    """Where a run is."""

    CONNECT = "connecting"
    REHEARSE = "rehearsing the probes"
    BASELINE = "watching before the fault"
    CRASH = "crashing"
    AFTER = "watching after the recovery"
    DRAIN = "draining"


Watch = Callable[[Phase, float], None]
"""Told the phase and how much of it is done, from 0 to 1; never called between the fault and the recovery."""


async def crash_connections(*, name: str, percent: int, target: Target, settings: Settings, watch: Watch) -> Run:
    """Run `target` under load, crash `percent` of its connections, and return what was seen.

    The probes are rehearsed without a fault first: that is the steady-state gate, it warms every path that
    will be measured, and its figures are the floor below which no recovery can be read.

    Must run under `MonotonicClock`, for the stamps of two processes are subtracted. If cancelled, the gateway
    and the load process are gone when this returns. Errors may come wrapped in the target's exception groups.

    Raises:
        UnsupportedError: this machine cannot hold so many connections.
        NotSteadyError: a client could not join, or the rehearsal was not answered; nothing was harmed.
        LoadFailedError: the load process died.
    """
    room = room_for(settings.connections)
    if room < settings.connections:
        raise UnsupportedError(
            f"{settings.connections} connections do not fit: the limit of open files allows {room:g}"
        )
    selected = choose_victims(settings.connections, percent, settings.seed)
    async with target.serve() as port, open_load(settings.plan(port)) as load:
        await load.connected(lambda count: watch(Phase.CONNECT, count / settings.connections))
        await _pass(settings.warm_up, Phase.REHEARSE, watch)
        await _rehearse(load, selected, settings)
        await _pass(settings.baseline, Phase.BASELINE, watch)
        watch(Phase.CRASH, 0)
        await target.inject(selected)
        await load.probe(selected)
        with trio.move_on_after(settings.recovery_limit):
            await load.answered()
        await _pass(settings.after, Phase.AFTER, watch)
        watch(Phase.DRAIN, 0)
        result = await load.finish()
        watch(Phase.DRAIN, 1)
        victims = join_stamps(target.stamps(), result)
    return Run(experiment=name, settings=settings, selected=selected, victims=victims, load=result)


async def _rehearse(load: Load, selected: tuple[int, ...], settings: Settings) -> None:
    await load.probe(selected)
    with trio.move_on_after(settings.recovery_limit) as waiting:
        await load.answered()
    if waiting.cancelled_caught:
        raise NotSteadyError(f"not all of {len(selected)} clients were answered within {settings.recovery_limit:g} s")


async def _pass(seconds: float, phase: Phase, watch: Watch) -> None:
    for tick in range(TICKS):
        watch(phase, tick / TICKS)
        await trio.sleep(seconds / TICKS)
    watch(phase, 1)
