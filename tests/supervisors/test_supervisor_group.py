"""What the death of a child does to it and to its siblings (rules U-6 to U-8)."""

from __future__ import annotations

from functools import partial

import pytest
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    KILLED,
    NOPROC,
    NORMAL,
    SHUTDOWN,
    ExitReason,
    Failure,
    Shutdown,
    call,
    cast,
    exit_signal,
    open_node,
    trap_exit,
    whereis,
)
from regrow.supervisors import (
    ChildRestarted,
    ChildSpec,
    ChildTerminated,
    Restart,
    ShutdownError,
    Strategy,
    Supervisor,
    terminate_child,
)
from tests.support.misbehaving_children import Fragile
from tests.support.supervised import child, crash, end, fragile, names, reports_of, witness
from tests.support.trio_test import trio_test

ENDINGS: list[ExitReason] = [NORMAL, SHUTDOWN, Shutdown("done"), Failure("broken"), NOPROC]


# Which ends lead to a restart.


@pytest.mark.parametrize("reason", [*ENDINGS, KILLED], ids=str)
@pytest.mark.parametrize("restart", Restart)
@trio_test
async def test_a_child_that_ended_is_restarted_kept_or_forgotten(restart: Restart, reason: ExitReason) -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a", restart=restart)])
        before = await child(supervisor, "a")
        if reason is KILLED:
            exit_signal(before, KILL)
        else:
            cast(before, reason)
        after = await child(supervisor, "a")
        if restart is Restart.TEMPORARY:
            assert after == "unknown"
        elif restart is Restart.TRANSIENT and not reason.is_abnormal:
            assert after is None
        else:
            assert after is not before
            assert await call(after, "who") is None


@trio_test
async def test_a_restarted_child_is_a_new_process_with_the_same_arguments_and_name() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link(
            [ChildSpec("a", partial(Fragile.start_link, name="counter"), ("first",))]
        )
        before = whereis("counter")
        await crash(supervisor, "a")
        assert whereis("counter") not in {before, None}
        assert await call("counter", "who") == "first"


@trio_test
async def test_reports_tell_of_every_end_of_a_permanent_child_and_of_abnormal_ends_of_others() -> None:
    async with open_node() as node:
        reports = reports_of(node)
        supervisor = await Supervisor.start_link(
            [
                fragile("permanent"),
                fragile("transient", restart=Restart.TRANSIENT),
                fragile("temporary", restart=Restart.TEMPORARY),
                fragile("broken", restart=Restart.TEMPORARY),
            ],
        )
        before = await child(supervisor, "permanent")
        for name in ("permanent", "transient", "temporary"):
            await end(supervisor, name, NORMAL)
        await end(supervisor, "broken", Failure("broken"))
        told = [(r.child, r.reason) for r in reports if isinstance(r, ChildTerminated)]
        assert told == [("permanent", NORMAL), ("broken", Failure("broken"))]
        after = await child(supervisor, "permanent")
        assert [r for r in reports if isinstance(r, ChildRestarted)] == [
            ChildRestarted(supervisor, fragile("permanent"), before, after)
        ]


# Strategies: who goes along, in which order.


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (Strategy.ONE_FOR_ONE, "b- b+"),
        (Strategy.ONE_FOR_ALL, "b- d- c- a- a+ b+ c+ d+"),
        (Strategy.REST_FOR_ONE, "b- d- c- b+ c+ d+"),
    ],
)
@trio_test
async def test_order_of_events_when_b_of_abcd_crashes(strategy: Strategy, expected: str) -> None:
    events: list[str] = []
    async with open_node():
        supervisor = await Supervisor.start_link([witness(name, events) for name in "abcd"], strategy=strategy)
        events.clear()
        await crash(supervisor, "b")
        assert events == expected.split()


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
@pytest.mark.parametrize(
    ("restart", "reason"), [(Restart.TRANSIENT, NORMAL), (Restart.TEMPORARY, NORMAL), (Restart.TEMPORARY, NOPROC)]
)
@trio_test
async def test_u6_an_end_without_a_restart_takes_nobody_along(
    strategy: Strategy, restart: Restart, reason: ExitReason
) -> None:
    events: list[str] = []
    async with open_node():
        children = [witness("a", events), witness("b", events, restart=restart), witness("c", events)]
        supervisor = await Supervisor.start_link(children, strategy=strategy)
        events.clear()
        await end(supervisor, "b", reason)
        assert events == ["b-"]


@trio_test
async def test_u7_a_group_restart_also_starts_children_that_were_stopped() -> None:
    events: list[str] = []
    async with open_node():
        supervisor = await Supervisor.start_link(
            [witness("a", events, restart=Restart.TRANSIENT), witness("b", events), witness("c", events)],
            strategy=Strategy.ONE_FOR_ALL,
        )
        await end(supervisor, "a", NORMAL)
        await terminate_child(supervisor, "b")
        events.clear()
        await crash(supervisor, "c")
        assert events == ["c-", "a+", "b+", "c+"]


@trio_test
async def test_u7_a_group_restart_ends_temporary_siblings_for_good() -> None:
    events: list[str] = []
    async with open_node():
        supervisor = await Supervisor.start_link(
            [witness("a", events), witness("b", events, restart=Restart.TEMPORARY), witness("c", events)],
            strategy=Strategy.ONE_FOR_ALL,
        )
        events.clear()
        await crash(supervisor, "a")
        assert events == ["a-", "c-", "b-", "a+", "c+"]
        assert await names(supervisor) == ["c", "a"]


@pytest.mark.parametrize(
    ("strategy", "survives"),
    [(Strategy.ONE_FOR_ALL, True), (Strategy.REST_FOR_ONE, True), (Strategy.ONE_FOR_ONE, False)],
)
@trio_test
async def test_u8_simultaneous_crashes_of_a_group_are_one_restart(strategy: Strategy, *, survives: bool) -> None:
    async with open_node() as node:
        trap_exit()
        reports = reports_of(node)
        supervisor = await Supervisor.start_link([fragile("a"), fragile("b")], strategy=strategy, intensity=1)
        pids = [await child(supervisor, "a"), await child(supervisor, "b")]
        for pid in pids:
            cast(pid, "crash")
        await wait_all_tasks_blocked()
        assert supervisor.is_alive is survives
        if survives:  # rule U-21: the death found while stopping is reported, not restarted once more
            assert [r.child for r in reports if isinstance(r, ShutdownError)] == ["b"]
            assert sum(isinstance(r, ChildRestarted) for r in reports) == 2
