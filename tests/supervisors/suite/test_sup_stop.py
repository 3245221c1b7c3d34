"""supervisor_SUITE, group sup_stop: stopping a supervisor, and what its children die of."""

from __future__ import annotations

import math
from typing import Any

import pytest
import trio

from regrow.actors import (
    KILLED,
    NORMAL,
    SHUTDOWN,
    ExitReason,
    Failure,
    GenServer,
    Pid,
    Shutdown,
    cast,
    exit_signal,
    monitor,
    open_node,
    trap_exit,
)
from regrow.supervisors import (
    BRUTAL_KILL,
    ChildSpec,
    ChildType,
    DynamicSupervisor,
    Restart,
    ShutdownError,
    Supervisor,
    start_child,
)
from tests.support.assertions import death_of
from tests.support.misbehaving_children import Fragile, Slow, SoreLoser, Stubborn
from tests.support.supervised import child, fragile, its_end, reports_of
from tests.support.trio_test import trio_test

ENDINGS = (NORMAL, SHUTDOWN, Shutdown("done"), Failure("other"))


async def stopped(supervisor: Pid, *children: Pid) -> list[ExitReason]:
    """Stop a supervisor in order; what each of its children died of."""
    refs = [monitor(pid) for pid in children]
    exit_signal(supervisor, SHUTDOWN)
    assert await its_end(supervisor) is SHUTDOWN
    return [await death_of(ref) for ref in refs]


async def added(supervisor: Pid, server: type[GenServer], *args: Any, **fields: Any) -> Pid:
    pid = await start_child(supervisor, ChildSpec(server.__name__, server.start_link, args, **fields))
    assert pid is not None
    return pid


@pytest.mark.parametrize("kind", ChildType)
@trio_test
async def test_sup_stop_infinity(kind: ChildType) -> None:
    """A child with all the time it needs is waited for, worker or supervisor."""
    spec = ChildSpec("a", Slow.start_link, (0.0, 1000.0), shutdown=math.inf, type=kind)
    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link([spec, fragile("b")])
        slow, quick = await child(supervisor, "a"), await child(supervisor, "b")
        asked_at = trio.current_time()
        assert await stopped(supervisor, slow, quick) == [SHUTDOWN, SHUTDOWN]
        assert trio.current_time() == asked_at + 1000.0


@trio_test
async def test_sup_stop_timeout() -> None:
    """A child that is still there when its time is over is killed; the others end with shutdown."""
    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link([ChildSpec("a", Stubborn.start_link, shutdown=1), fragile("b")])
        busy, quick = await child(supervisor, "a"), await child(supervisor, "b")
        assert await stopped(supervisor, busy, quick) == [KILLED, SHUTDOWN]


@trio_test
async def test_sup_stop_timeout_dynamic() -> None:
    """The same under a dynamic supervisor."""
    async with open_node():
        trap_exit()
        supervisor = await DynamicSupervisor.start_link()
        busy, quick = await added(supervisor, Stubborn, shutdown=1), await added(supervisor, Fragile)
        assert await stopped(supervisor, busy, quick) == [KILLED, SHUTDOWN]


@trio_test
async def test_sup_stop_brutal_kill() -> None:
    """A child that is to be killed is not asked; the others end with shutdown."""
    async with open_node():
        trap_exit()
        brutal = ChildSpec("a", SoreLoser.start_link, (Failure("asked"),), shutdown=BRUTAL_KILL)
        supervisor = await Supervisor.start_link([brutal, fragile("b")])
        children = await child(supervisor, "a"), await child(supervisor, "b")
        assert await stopped(supervisor, *children) == [KILLED, SHUTDOWN]


@trio_test
async def test_sup_stop_brutal_kill_dynamic() -> None:
    """Ten children of a dynamic supervisor, all killed without being asked."""
    async with open_node():
        trap_exit()
        supervisor = await DynamicSupervisor.start_link()
        children = [await added(supervisor, SoreLoser, NORMAL, shutdown=BRUTAL_KILL) for _ in range(10)]
        assert await stopped(supervisor, *children) == [KILLED] * 10


@pytest.mark.parametrize("reason", ENDINGS, ids=str)
@pytest.mark.parametrize("restart", Restart)
@trio_test
async def test_sup_stop_race(restart: Restart, reason: ExitReason) -> None:
    """Children that end by themselves while the supervisor stops keep their reason, and the supervisor its own."""
    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link(
            [
                fragile("racer", restart=restart),
                ChildSpec("slow", Slow.start_link, (0.0, 1.0)),
                ChildSpec("asked", SoreLoser.start_link, (reason,), restart=restart),
            ]
        )
        racer, slow, asked = [await child(supervisor, name) for name in ("racer", "slow", "asked")]
        refs = [monitor(pid) for pid in (racer, slow, asked)]
        exit_signal(supervisor, SHUTDOWN)
        await trio.sleep(0.5)
        cast(racer, reason)  # while the supervisor waits for the slow one
        assert await its_end(supervisor) is SHUTDOWN
        assert [await death_of(ref) for ref in refs] == [reason, SHUTDOWN, reason]


@pytest.mark.parametrize("reason", ENDINGS, ids=str)
@trio_test
async def test_sup_stop_non_shutdown_exit_dynamic(reason: ExitReason) -> None:
    """Children of a dynamic supervisor that, asked to stop, end for reasons of their own; the abnormal is reported."""
    async with open_node() as node:
        trap_exit()
        reports = reports_of(node)
        supervisor = await DynamicSupervisor.start_link()
        children = [await added(supervisor, SoreLoser, reason, restart=restart) for restart in Restart]
        assert await stopped(supervisor, *children) == [reason] * 3
        told = [report.offender.restart for report in reports if isinstance(report, ShutdownError)]
        if reason is SHUTDOWN:
            assert told == []
        else:
            assert told == (list(Restart) if reason.is_abnormal else [Restart.PERMANENT])
