from __future__ import annotations

import gc
import math
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    IGNORE,
    KILL,
    KILLED,
    NORMAL,
    SHUTDOWN,
    CallError,
    Crash,
    ExitReason,
    Failure,
    Pid,
    call,
    cast,
    exit_signal,
    open_node,
    self_,
    trap_exit,
)
from regrow.supervisors import (
    BRUTAL_KILL,
    RESTARTING,
    BadLimitError,
    BadOptionError,
    ChildGivenUp,
    ChildInfo,
    ChildRestarted,
    ChildSpec,
    ChildTerminated,
    ChildType,
    Counts,
    DynamicSupervisor,
    MaxChildrenError,
    Restart,
    RestartLimit,
    ShutdownError,
    StartChildError,
    StartError,
    SupervisorShutdown,
    count_children,
    start_child,
    terminate_child,
    which_children,
)
from tests.support.misbehaving_children import Crier, Deserter, Fragile, Moody, Slow, Stubborn, Witness
from tests.support.supervised import its_end, reports_of
from tests.support.trio_test import trio_test

if TYPE_CHECKING:
    from collections.abc import Sequence

FRAGILE = ChildSpec("fragile", Fragile.start_link)


def fragile(value: object = None, **fields: Any) -> ChildSpec:
    return ChildSpec("fragile", Fragile.start_link, (value,), **fields)


def moody(events: list[str], moods: list[Any], **fields: Any) -> ChildSpec:
    return ChildSpec("moody", Moody.start_link, ("a", events, moods), **fields)


async def added(supervisor: Pid, spec: ChildSpec) -> Pid:
    pid = await start_child(supervisor, spec)
    assert pid is not None
    return pid


async def pids(supervisor: Pid) -> list[Any]:
    """The processes of the children, once the supervisor has nothing else to do."""
    await wait_all_tasks_blocked()
    return [info.pid for info in await which_children(supervisor)]


async def crash(*victims: Pid) -> None:
    """Crash children in one tick and wait until everybody has done what follows from it."""
    for pid in victims:
        cast(pid, "crash")
    await wait_all_tasks_blocked()


# Children.


@trio_test
async def test_it_begins_without_children_and_starts_them_on_demand() -> None:
    async with open_node():
        supervisor = await DynamicSupervisor.start_link()
        assert await pids(supervisor) == []
        pid = await added(supervisor, fragile("first"))
        assert await call(pid, "who") == "first"
        assert await which_children(supervisor) == [ChildInfo("fragile", pid, ChildType.WORKER, (Fragile.__module__,))]
        assert await count_children(supervisor) == Counts(specs=1, active=1, supervisors=0, workers=1)


@trio_test
async def test_the_same_spec_may_be_started_twice() -> None:
    async with open_node():
        supervisor = await DynamicSupervisor.start_link()
        first, second = await added(supervisor, FRAGILE), await added(supervisor, FRAGILE)
        assert first is not second
        assert set(await pids(supervisor)) == {first, second}


@trio_test
async def test_a_child_that_fails_to_start_is_not_kept_and_the_reason_is_told() -> None:
    async with open_node() as node:
        reports = reports_of(node)
        supervisor = await DynamicSupervisor.start_link()
        spec = moody([], [ValueError("no")])
        with pytest.raises(StartChildError) as failure:
            await start_child(supervisor, spec)
        reason = failure.value.reason
        assert isinstance(reason, Crash)
        assert reason.message == "no"
        assert StartError(supervisor, spec, reason) in reports
        assert await pids(supervisor) == []


@trio_test
async def test_no_more_than_max_children() -> None:
    async with open_node():
        supervisor = await DynamicSupervisor.start_link(max_children=2)
        first = await added(supervisor, fragile(restart=Restart.TRANSIENT))
        await added(supervisor, FRAGILE)
        with pytest.raises(MaxChildrenError, match="2"):
            await start_child(supervisor, FRAGILE)
        cast(first, NORMAL)
        await wait_all_tasks_blocked()
        await added(supervisor, FRAGILE)


@trio_test
async def test_a_child_that_is_being_restarted_keeps_its_place() -> None:
    async with open_node():
        trap_exit()
        supervisor = await DynamicSupervisor.start_link(max_children=1, intensity=100_000)
        await endless_retry(supervisor, [])
        with pytest.raises(MaxChildrenError):
            await start_child(supervisor, FRAGILE)


@trio_test
async def test_options_out_of_range_are_refused() -> None:
    async with open_node():
        with pytest.raises(BadOptionError, match="max_children"):
            await DynamicSupervisor.start_link(max_children=-1)
        with pytest.raises(BadLimitError, match="intensity"):
            await DynamicSupervisor.start_link(intensity=-1)
        with pytest.raises(BadLimitError, match="period"):
            await DynamicSupervisor.start_link(period=0)


@trio_test
async def test_terminate_child_takes_a_pid_and_frees_its_place() -> None:
    async with open_node():
        supervisor = await DynamicSupervisor.start_link(max_children=1)
        pid = await added(supervisor, FRAGILE)
        await terminate_child(supervisor, pid)
        assert not pid.is_alive
        assert await pids(supervisor) == []
        await added(supervisor, FRAGILE)


@trio_test
async def test_an_unknown_call_crashes_it() -> None:
    async with open_node():
        trap_exit()
        supervisor = await DynamicSupervisor.start_link()
        pid = await added(supervisor, FRAGILE)
        with pytest.raises(CallError):
            await call(supervisor, "what?")
        assert not pid.is_alive


# Restarts.


@trio_test
async def test_a_crashed_child_is_restarted_with_the_same_arguments_under_a_new_pid() -> None:
    async with open_node() as node:
        reports = reports_of(node)
        supervisor = await DynamicSupervisor.start_link()
        before = await added(supervisor, fragile("mine"))
        await crash(before)
        [after] = await pids(supervisor)
        assert after is not before
        assert await call(after, "who") == "mine"
        assert ChildRestarted(supervisor, fragile("mine"), before, after) in reports


@pytest.mark.parametrize(
    ("restart", "reason", "returns"),
    [
        (Restart.PERMANENT, NORMAL, True),
        (Restart.PERMANENT, KILLED, True),
        (Restart.TRANSIENT, NORMAL, False),
        (Restart.TRANSIENT, SHUTDOWN, False),
        (Restart.TRANSIENT, KILLED, True),
        (Restart.TEMPORARY, NORMAL, False),
        (Restart.TEMPORARY, KILLED, False),
    ],
)
@trio_test
async def test_a_child_that_ended_is_restarted_or_forgotten(
    restart: Restart, reason: ExitReason, *, returns: bool
) -> None:
    async with open_node():
        supervisor = await DynamicSupervisor.start_link()
        pid = await added(supervisor, fragile(restart=restart))
        exit_signal(pid, KILL) if reason is KILLED else cast(pid, reason)
        assert len(await pids(supervisor)) == returns


@trio_test
async def test_the_others_do_not_notice() -> None:
    async with open_node():
        supervisor = await DynamicSupervisor.start_link()
        victim, bystander = await added(supervisor, FRAGILE), await added(supervisor, FRAGILE)
        await crash(victim)
        assert bystander in await pids(supervisor)
        assert bystander.is_alive


@trio_test
async def test_a_restart_that_is_ignored_forgets_the_child() -> None:
    async with open_node():
        supervisor = await DynamicSupervisor.start_link()
        await crash(await added(supervisor, moody([], [None, IGNORE])))
        assert await pids(supervisor) == []


@trio_test
async def test_more_restarts_than_the_intensity_end_it() -> None:
    async with open_node() as node:
        trap_exit()
        reports = reports_of(node)
        supervisor = await DynamicSupervisor.start_link()
        victims = [await added(supervisor, FRAGILE) for _ in range(5)]
        await crash(*victims[:3])
        assert len(await pids(supervisor)) == 5
        await crash(victims[3])
        assert await its_end(supervisor) is SHUTDOWN
        assert not victims[4].is_alive
        assert SupervisorShutdown(supervisor, FRAGILE, RestartLimit(3, 5)) in reports
        assert not any(isinstance(report, ShutdownError) for report in reports)


@trio_test
async def test_thousands_of_crashes_at_once_are_all_restarted() -> None:
    async with open_node() as node:
        reports = reports_of(node)
        supervisor = await DynamicSupervisor.start_link(intensity=1000)
        victims = [await added(supervisor, fragile(number)) for number in range(1000)]
        await crash(*victims)
        successors = await pids(supervisor)
        assert [await call(pid, "who") for pid in successors] == list(range(1000))
        assert sum(isinstance(report, ChildTerminated) for report in reports) == 1000


@trio_test
async def test_it_lets_others_run_while_it_restarts_thousands() -> None:
    class Counted(Fragile):
        def init(self, value: object = None) -> None:
            restarts.append(trio.current_time())

    restarts: list[float] = []
    seen: list[int] = []
    async with open_node():
        supervisor = await DynamicSupervisor.start_link(intensity=1000)
        victims = [await added(supervisor, ChildSpec("a", Counted.start_link)) for _ in range(1000)]
        restarts.clear()
        for pid in victims:
            exit_signal(pid, KILL)
        while len(restarts) < 1000:
            await trio.lowlevel.checkpoint()
            seen.append(len(restarts))
    assert max(later - earlier for earlier, later in pairwise(seen)) <= 500


async def endless_retry(supervisor: Pid, events: list[str]) -> Pid:
    """A child that crashed and never starts again, however often it is tried."""
    pid = await added(supervisor, moody(events, [None, *[ValueError()] * 100_000]))
    cast(pid, "crash")
    while "a!" not in events:
        await trio.lowlevel.checkpoint()
    return pid


@trio_test
async def test_u14_a_failed_restart_is_tried_again_and_each_attempt_counts() -> None:
    events: list[str] = []
    async with open_node():
        trap_exit()
        supervisor = await DynamicSupervisor.start_link(intensity=3)
        await crash(await added(supervisor, moody(events, [None, *[ValueError()] * 3])))
        assert events == ["a+", "a-", "a!", "a!", "a!"]
        assert await its_end(supervisor) is SHUTDOWN


@trio_test
async def test_u14_it_can_be_asked_and_stopped_between_attempts() -> None:
    async with open_node():
        trap_exit()
        supervisor = await DynamicSupervisor.start_link(intensity=100_000)
        pid = await endless_retry(supervisor, [])
        assert [info.pid for info in await which_children(supervisor)] == [RESTARTING]
        assert await count_children(supervisor) == Counts(specs=1, active=0, supervisors=0, workers=1)
        assert not pid.is_alive
        exit_signal(supervisor, SHUTDOWN)
        assert await its_end(supervisor) is SHUTDOWN


@trio_test
async def test_u15_terminate_child_ends_the_attempts() -> None:
    events: list[str] = []
    async with open_node():
        supervisor = await DynamicSupervisor.start_link(intensity=100_000)
        pid = await endless_retry(supervisor, events)
        await terminate_child(supervisor, pid)
        attempts = events.count("a!")
        assert await pids(supervisor) == []
        assert events.count("a!") == attempts


@trio_test
async def test_an_exit_signal_that_a_living_child_sends_is_not_its_end() -> None:
    def cry() -> Any:
        return Crier.start_link(self_())

    async with open_node():
        supervisor = await DynamicSupervisor.start_link()
        pid = await added(supervisor, ChildSpec("a", cry))
        cast(pid, Failure("pretending"))
        assert await pids(supervisor) == [pid]


# A child's own limit.


@trio_test
async def test_a_poisoned_child_is_given_up_and_its_neighbours_live() -> None:
    told: list[str] = []
    limit = RestartLimit(2, 5)
    poisoned = fragile("poisoned", limit=limit, given_up=lambda: told.append("poisoned"))
    async with open_node() as node:
        reports = reports_of(node)
        supervisor = await DynamicSupervisor.start_link(intensity=0, max_children=2)
        neighbour = await added(supervisor, fragile("neighbour", limit=limit))
        victim = await added(supervisor, poisoned)
        for _ in range(2):
            await crash(victim)
            [victim] = [pid for pid in await pids(supervisor) if pid is not neighbour]
        assert told == []
        await crash(victim)
        assert told == ["poisoned"]
        assert await pids(supervisor) == [neighbour]
        assert ChildGivenUp(supervisor, poisoned, limit) in reports
        await added(supervisor, FRAGILE)


@trio_test
async def test_restarts_under_a_childs_own_limit_are_not_counted_by_the_supervisor() -> None:
    limit = RestartLimit(5, 5)
    async with open_node():
        trap_exit()
        supervisor = await DynamicSupervisor.start_link(intensity=1)
        await crash(*[await added(supervisor, fragile(limit=limit)) for _ in range(20)])
        plain = await added(supervisor, FRAGILE)
        await crash(plain)
        assert len(await pids(supervisor)) == 21


@trio_test
async def test_failed_restarts_count_against_a_childs_own_limit() -> None:
    events: list[str] = []
    told: list[str] = []
    spec = moody(
        events, [None, *[ValueError()] * 9], limit=RestartLimit(3, 5), given_up=lambda: told.append("given up")
    )
    async with open_node():
        supervisor = await DynamicSupervisor.start_link(intensity=0)
        await crash(await added(supervisor, spec))
        assert events == ["a+", "a-", "a!", "a!", "a!"]
        assert told == ["given up"]
        assert await pids(supervisor) == []


@trio_test
async def test_a_supervisor_that_gives_up_tells_every_child_that_could_have_come_back() -> None:
    told: list[str] = []

    def spec(name: str, restart: Restart = Restart.TRANSIENT) -> ChildSpec:
        return fragile(restart=restart, given_up=lambda: told.append(name))

    async with open_node():
        trap_exit()
        supervisor = await DynamicSupervisor.start_link(intensity=0)
        await added(supervisor, spec("running"))
        await added(supervisor, spec("temporary", Restart.TEMPORARY))
        dying = [await added(supervisor, spec("offender")), await added(supervisor, spec("also dead"))]
        await crash(*dying)
        assert sorted(told) == ["also dead", "offender", "running"]
        assert await its_end(supervisor) is SHUTDOWN


@trio_test
async def test_nobody_is_given_up_when_the_supervisor_is_stopped_in_order() -> None:
    told: list[str] = []
    async with open_node():
        trap_exit()
        supervisor = await DynamicSupervisor.start_link()
        await added(supervisor, fragile(given_up=lambda: told.append("a")))
        exit_signal(supervisor, SHUTDOWN)
        await its_end(supervisor)
        assert told == []


# Stopping.


async def stopped(specs: Sequence[ChildSpec]) -> tuple[float, list[tuple[Any, ExitReason]]]:
    """Start children, stop their supervisor: the seconds that took, and the shutdown errors it reported."""
    async with open_node() as node:
        trap_exit()
        reports = reports_of(node)
        supervisor = await DynamicSupervisor.start_link()
        children = [await added(supervisor, spec) for spec in specs]
        asked_at = trio.current_time()
        exit_signal(supervisor, SHUTDOWN)
        assert await its_end(supervisor) is SHUTDOWN
        assert not any(pid.is_alive for pid in children)
        errors = [(report.child, report.reason) for report in reports if isinstance(report, ShutdownError)]
        return trio.current_time() - asked_at, errors


@trio_test
async def test_u20_children_stop_all_at_once() -> None:
    slow = ChildSpec("slow", Slow.start_link, (0.0, 2.0))
    assert await stopped([slow] * 3 + [FRAGILE] * 3) == (2.0, [])


@trio_test
async def test_u20_children_share_one_deadline_and_are_killed_after_it() -> None:
    stubborn = ChildSpec("stubborn", Stubborn.start_link, shutdown=3)
    assert await stopped([stubborn] * 3) == (3.0, [("stubborn", KILLED)] * 3)


@trio_test
async def test_each_child_has_its_own_time_to_stop() -> None:
    assert await stopped(
        [
            ChildSpec("patient", Slow.start_link, (0.0, 4.0), shutdown=math.inf),
            ChildSpec("long", Stubborn.start_link, shutdown=3),
            ChildSpec("short", Stubborn.start_link, shutdown=1),
            ChildSpec("none", Stubborn.start_link, shutdown=0),
            ChildSpec("brutal", Stubborn.start_link, shutdown=BRUTAL_KILL),
        ]
    ) == (4.0, [("none", KILLED), ("short", KILLED), ("long", KILLED)])


@trio_test
async def test_a_child_that_unlinked_itself_cannot_hang_it() -> None:
    def desert() -> Any:
        return Deserter.start_link(self_())

    assert await stopped([ChildSpec("a", desert)]) == (0.0, [])


@trio_test
async def test_u21_a_child_found_dead_while_stopping_is_reported_and_not_restarted() -> None:
    async with open_node() as node:
        trap_exit()
        reports = reports_of(node)
        supervisor = await DynamicSupervisor.start_link()
        pid = await added(supervisor, FRAGILE)
        slow = await added(supervisor, ChildSpec("slow", Slow.start_link, (0.0, 2.0)))
        exit_signal(supervisor, SHUTDOWN)
        exit_signal(pid, KILL)  # dead before the supervisor comes to ask it
        await its_end(supervisor)
        assert not slow.is_alive
        assert [report for report in reports if isinstance(report, ShutdownError)] == [
            ShutdownError(supervisor, FRAGILE, pid, KILLED)
        ]
        assert not any(isinstance(report, ChildRestarted) for report in reports)


@trio_test
async def test_who_asks_a_supervisor_that_is_stopping_learns_of_its_end() -> None:
    async with open_node():
        trap_exit()
        supervisor = await DynamicSupervisor.start_link()
        await added(supervisor, ChildSpec("slow", Slow.start_link, (0.0, 2.0)))
        exit_signal(supervisor, SHUTDOWN)
        with pytest.raises(CallError) as failure:
            await which_children(supervisor)
        assert failure.value.reason is SHUTDOWN


@trio_test
async def test_terminate_child_waits_for_one_child_while_others_crash() -> None:
    events: list[str] = []
    async with open_node():
        supervisor = await DynamicSupervisor.start_link()
        slow = await added(supervisor, ChildSpec("slow", Slow.start_link, (0.0, 2.0)))
        witness = await added(supervisor, ChildSpec("witness", Witness.start_link, ("w", events)))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(terminate_child, supervisor, slow)
            await wait_all_tasks_blocked()
            await crash(witness)
            assert events == ["w+", "w-"]
        await wait_all_tasks_blocked()
        assert events == ["w+", "w-", "w+"]
        assert slow not in await pids(supervisor)


# Memory.


@trio_test
async def test_nothing_is_kept_of_children_that_are_gone() -> None:
    limit = RestartLimit(1, 5)
    async with open_node():
        trap_exit()
        supervisor = await DynamicSupervisor.start_link(intensity=1000)
        server = trace(supervisor)
        for spec in (fragile(restart=Restart.TEMPORARY), fragile(limit=limit), moody([], [None, IGNORE], limit=limit)):
            await crash(await added(supervisor, spec))
            for pid in await pids(supervisor):
                await crash(pid)
        assert (server._children, server._windows, server._restarting) == ({}, {}, set())


def trace(supervisor: Pid) -> Any:
    """The server behind a pid."""
    assert supervisor.process is not None
    return next(o for o in gc.get_objects() if isinstance(o, DynamicSupervisor) and o.pid is supervisor)


@trio_test
async def test_a_dynamic_supervisor_can_be_a_named_child_with_options() -> None:
    async with open_node():
        start = partial(DynamicSupervisor.start_link, max_children=0, name="crowd")
        outer = await DynamicSupervisor.start_link()
        await added(outer, ChildSpec("crowd", start, type=ChildType.SUPERVISOR))
        with pytest.raises(MaxChildrenError):
            await start_child("crowd", FRAGILE)
        assert await count_children(outer) == Counts(specs=1, active=1, supervisors=1, workers=0)
