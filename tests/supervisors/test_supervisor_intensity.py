"""Restart intensity and escalation (rules U-9 to U-13)."""

from __future__ import annotations

import math
from functools import partial

import pytest
import trio

from regrow.actors import (
    NORMAL,
    SHUTDOWN,
    Pid,
    cast,
    open_node,
    trap_exit,
)
from regrow.supervisors import (
    ChildSpec,
    ChildType,
    Restart,
    RestartLimit,
    Strategy,
    Supervisor,
    SupervisorShutdown,
    restart_child,
    terminate_child,
)
from tests.support.supervised import child, crash, end, fragile, its_end, reports_of, witness
from tests.support.trio_test import trio_test


@trio_test
async def test_u9_more_restarts_than_the_intensity_within_the_period_end_the_supervisor() -> None:
    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link([fragile("a")], intensity=3, period=5)
        for _ in range(3):
            await crash(supervisor, "a")
        assert supervisor.is_alive
        await crash(supervisor, "a")
        assert await its_end(supervisor) is SHUTDOWN


@pytest.mark.parametrize(("second", "survives"), [(1.9, False), (2.05, True)])
@trio_test
async def test_u10_the_period_is_counted_in_whole_seconds_of_trios_clock(second: float, *, survives: bool) -> None:
    async with open_node():
        trap_exit()
        await trio.sleep(math.ceil(trio.current_time()) - trio.current_time())
        supervisor = await Supervisor.start_link([fragile("a")], intensity=1, period=1)
        cast(await child(supervisor, "a"), "crash")
        await trio.sleep(second)
        await crash(supervisor, "a")
        assert supervisor.is_alive is survives


@trio_test
async def test_u11_the_counter_is_shared_by_all_children() -> None:
    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link([fragile("a"), fragile("b")], intensity=1)
        await crash(supervisor, "a")
        await crash(supervisor, "b")
        assert not supervisor.is_alive


@trio_test
async def test_u11_a_group_restart_counts_once() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link(
            [fragile(name) for name in "abcdef"], strategy=Strategy.ONE_FOR_ALL, intensity=2
        )
        await crash(supervisor, "a")
        await crash(supervisor, "f")
        assert supervisor.is_alive


@trio_test
async def test_u11_restarts_on_request_and_ends_without_a_restart_do_not_count() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a"), fragile("b", restart=Restart.TRANSIENT)], intensity=0)
        for _ in range(3):
            await terminate_child(supervisor, "a")
            await restart_child(supervisor, "a")
            await end(supervisor, "b", NORMAL)
            await restart_child(supervisor, "b")
        assert supervisor.is_alive


@trio_test
async def test_u11_a_permanent_child_that_ends_normally_counts() -> None:
    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link([fragile("a")], intensity=0)
        await end(supervisor, "a", NORMAL)
        assert not supervisor.is_alive


@trio_test
async def test_u12_giving_up_stops_the_others_in_reverse_and_does_not_restart_the_offender() -> None:
    events: list[str] = []
    async with open_node() as node:
        trap_exit()
        reports = reports_of(node)
        supervisor = await Supervisor.start_link([witness(name, events) for name in "abc"], intensity=0)
        events.clear()
        await crash(supervisor, "b")
        assert events == ["b-", "c-", "a-"]
        assert await its_end(supervisor) is SHUTDOWN
        assert [r for r in reports if isinstance(r, SupervisorShutdown)] == [
            SupervisorShutdown(supervisor, witness("b", events), RestartLimit(0, 5))
        ]


@pytest.mark.parametrize(
    ("restart", "after"), [(Restart.PERMANENT, "new"), (Restart.TRANSIENT, None), (Restart.TEMPORARY, "unknown")]
)
@trio_test
async def test_u13_a_supervisor_that_gave_up_is_a_child_that_ended_with_shutdown(
    restart: Restart, after: str | None
) -> None:
    async with open_node():
        start = partial(Supervisor.start_link, [fragile("a")], intensity=0)
        inner = ChildSpec("inner", start, restart=restart, type=ChildType.SUPERVISOR)
        outer = await Supervisor.start_link([inner, fragile("bystander")])
        before, bystander = await child(outer, "inner"), await child(outer, "bystander")
        await crash(before, "a")
        now = await child(outer, "inner")
        if after == "new":
            assert now is not before
            assert isinstance(await child(now, "a"), Pid)
        else:
            assert now == after
        assert await child(outer, "bystander") is bystander


@trio_test
async def test_u13_escalation_goes_on_to_the_root() -> None:
    async with open_node():
        trap_exit()
        inner = ChildSpec(
            "inner", partial(Supervisor.start_link, [fragile("a")], intensity=0), type=ChildType.SUPERVISOR
        )
        middle = ChildSpec("middle", partial(Supervisor.start_link, [inner], intensity=0), type=ChildType.SUPERVISOR)
        root = await Supervisor.start_link([middle], intensity=0)
        await crash(await child(await child(root, "middle"), "inner"), "a")
        assert await its_end(root) is SHUTDOWN
