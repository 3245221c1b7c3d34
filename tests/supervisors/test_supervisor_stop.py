"""Stopping children, and being stopped (rules U-18 to U-22 and U-25)."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
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
    open_node,
    self_,
    sys,
    trap_exit,
)
from regrow.supervisors import (
    BRUTAL_KILL,
    ChildRestarted,
    ChildSpec,
    Counts,
    DynamicSupervisor,
    Restart,
    ShutdownError,
    Supervisor,
    count_children,
    start_child,
    terminate_child,
)
from tests.support.misbehaving_children import Deserter, Fragile, Slow, SoreLoser, Stubborn, Witness
from tests.support.supervised import child, fragile, its_end, reports_of, witness
from tests.support.trio_test import trio_test


@trio_test
async def test_u18_a_child_that_does_not_stop_in_time_is_killed() -> None:
    async with open_node() as node:
        reports = reports_of(node)
        spec = ChildSpec("a", Stubborn.start_link, shutdown=3)
        supervisor = await Supervisor.start_link([spec])
        pid = await child(supervisor, "a")
        asked_at = trio.current_time()
        await terminate_child(supervisor, "a")
        assert trio.current_time() == asked_at + 3
        assert not pid.is_alive
        assert [r for r in reports if isinstance(r, ShutdownError)] == [ShutdownError(supervisor, spec, pid, KILLED)]


@trio_test
async def test_u18_a_child_that_stops_in_time_is_waited_for_and_nobody_hears_of_it() -> None:
    async with open_node() as node:
        reports = reports_of(node)
        supervisor = await Supervisor.start_link([ChildSpec("a", Slow.start_link, (0, 2.0), shutdown=3)])
        asked_at = trio.current_time()
        await terminate_child(supervisor, "a")
        assert trio.current_time() == asked_at + 2
        assert not any(isinstance(report, ShutdownError) for report in reports)


@trio_test
async def test_u18_brutal_kill_does_not_ask() -> None:
    events: list[str] = []
    async with open_node() as node:
        reports = reports_of(node)
        supervisor = await Supervisor.start_link([witness("a", events, shutdown=BRUTAL_KILL)])
        await terminate_child(supervisor, "a")
        assert events == ["a+"]
        assert not any(isinstance(report, ShutdownError) for report in reports)


@trio_test
async def test_u18_a_child_that_unlinked_itself_cannot_hang_its_supervisor() -> None:
    def desert() -> Any:
        return Deserter.start_link(self_())

    async with open_node():
        supervisor = await Supervisor.start_link([ChildSpec("living", desert), ChildSpec("dead", desert)])
        cast(await child(supervisor, "dead"), "crash")
        await wait_all_tasks_blocked()
        await terminate_child(supervisor, "dead")
        await terminate_child(supervisor, "living")
        assert await count_children(supervisor) == Counts(specs=2, active=0, supervisors=0, workers=2)


@trio_test
async def test_u25_the_end_of_a_child_that_unlinked_itself_goes_unnoticed() -> None:
    def desert() -> Any:
        return Deserter.start_link(self_())

    async with open_node():
        supervisor = await Supervisor.start_link([ChildSpec("a", desert)])
        pid = await child(supervisor, "a")
        cast(pid, "crash")
        assert await child(supervisor, "a") is pid
        assert await count_children(supervisor) == Counts(specs=1, active=0, supervisors=0, workers=1)


@trio_test
async def test_u25_the_end_of_a_child_whose_start_function_does_not_link_goes_unnoticed() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([ChildSpec("a", Fragile.start)])
        pid = await child(supervisor, "a")
        cast(pid, "crash")
        assert await child(supervisor, "a") is pid
        assert not pid.is_alive
        assert await count_children(supervisor) == Counts(specs=1, active=0, supervisors=0, workers=1)


@pytest.mark.parametrize(
    ("restart", "reason", "is_reported"),
    [
        (Restart.PERMANENT, SHUTDOWN, False),
        (Restart.PERMANENT, NORMAL, True),
        (Restart.PERMANENT, Shutdown("busy"), True),
        (Restart.PERMANENT, Failure("angry"), True),
        (Restart.TRANSIENT, NORMAL, False),
        (Restart.TRANSIENT, Shutdown("busy"), False),
        (Restart.TRANSIENT, Failure("angry"), True),
        (Restart.TEMPORARY, NORMAL, False),
        (Restart.TEMPORARY, Failure("angry"), True),
    ],
)
@trio_test
async def test_u19_a_child_that_stops_for_another_reason_than_asked_is_reported(
    restart: Restart, reason: ExitReason, *, is_reported: bool
) -> None:
    async with open_node() as node:
        reports = reports_of(node)
        supervisor = await Supervisor.start_link([ChildSpec("a", SoreLoser.start_link, (reason,), restart=restart)])
        await terminate_child(supervisor, "a")
        assert [r.reason for r in reports if isinstance(r, ShutdownError)] == [reason] * is_reported


@trio_test
async def test_u20_children_stop_one_after_the_other_last_started_first() -> None:
    events: list[str] = []

    async def slow(name: str) -> Pid | None:
        return await SlowWitness.start_link(name, events)

    class SlowWitness(Witness):
        async def terminate(self, reason: ExitReason) -> None:  # type: ignore[override]
            await trio.sleep(1.0)
            events.append(f"{self.name}- {trio.current_time() - asked_at:g}")

    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link([ChildSpec(name, slow, (name,)) for name in "abc"])
        events.clear()
        asked_at = trio.current_time()
        exit_signal(supervisor, SHUTDOWN)
        assert await its_end(supervisor) is SHUTDOWN
        assert events == ["c- 1", "b- 2", "a- 3"]


@trio_test
async def test_u21_shutdown_zero_asks_and_kills_at_once() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link(
            [ChildSpec("a", Stubborn.start_link, shutdown=0), fragile("b", shutdown=0)]
        )
        asked_at = trio.current_time()
        await terminate_child(supervisor, "a")
        await terminate_child(supervisor, "b")
        assert trio.current_time() == asked_at


@trio_test
async def test_u21_a_child_that_crashes_while_its_siblings_are_stopped_is_not_restarted() -> None:
    async with open_node() as node:
        trap_exit()
        reports = reports_of(node)
        supervisor = await Supervisor.start_link([fragile("a"), ChildSpec("b", Slow.start_link, (0.0, 2.0))])
        pid = await child(supervisor, "a")
        exit_signal(supervisor, SHUTDOWN)
        await wait_all_tasks_blocked()
        cast(pid, Failure("now"))
        assert await its_end(supervisor) is SHUTDOWN
        assert [(r.child, r.reason) for r in reports if isinstance(r, ShutdownError)] == [("a", Failure("now"))]
        assert not any(isinstance(r, ChildRestarted) for r in reports)


@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, Shutdown("upgrade"), Failure("angry")], ids=str)
@trio_test
async def test_u22_the_exit_of_its_parent_stops_a_supervisor_with_the_same_reason(reason: ExitReason) -> None:
    events: list[str] = []
    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link([witness(name, events) for name in "ab"])
        exit_signal(supervisor, reason)
        assert await its_end(supervisor) == reason
        assert events == ["a+", "b+", "b-", "a-"]


@trio_test
async def test_u22_a_killed_supervisor_takes_its_children_along() -> None:
    events: list[str] = []
    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link([witness("a", events), fragile("b")])
        pid = await child(supervisor, "b")
        exit_signal(supervisor, KILL)
        assert await its_end(supervisor) is KILLED
        await wait_all_tasks_blocked()
        assert events == ["a+", "a-"]
        assert not pid.is_alive


@trio_test
async def test_u22_children_of_a_killed_supervisor_that_trap_exits_terminate_because_their_parent_died() -> None:
    reasons: list[ExitReason] = []

    class Mourner(GenServer):
        """Traps exits and tells what it terminates for."""

        def init(self) -> None:
            trap_exit()

        def terminate(self, reason: ExitReason) -> None:
            reasons.append(reason)

    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link([ChildSpec("a", Mourner.start_link)])
        mourner = await child(supervisor, "a")
        exit_signal(supervisor, KILL)
        await wait_all_tasks_blocked()
        assert reasons == [KILLED]
        assert not mourner.is_alive


@trio_test
async def test_the_end_of_the_node_stops_the_tree_in_order() -> None:
    events: list[str] = []
    async with open_node():
        await Supervisor.start_link([witness(name, events) for name in "abc"])
        events.clear()
    assert events == ["c-", "b-", "a-"]


@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, Failure("angry")], ids=str)
@pytest.mark.parametrize("suspended", [True, False])
@trio_test
async def test_its_parents_exit_and_sys_terminate_stop_a_supervisor_suspended_or_not(
    reason: ExitReason, *, suspended: bool
) -> None:  # Y-5
    async with open_node():
        trap_exit()
        for supervisor, events in await families():
            if suspended:
                await sys.suspend(supervisor)
            exit_signal(supervisor, reason)
            assert await its_end(supervisor) == reason
            assert events == ["a-"]
        for supervisor, events in await families():
            if suspended:
                await sys.suspend(supervisor)
            await sys.terminate(supervisor, reason)
            assert await its_end(supervisor) == reason
            assert events == ["a-"]


async def families() -> list[tuple[Pid, list[str]]]:
    """A supervisor of either kind with a child, and what has become of that child since."""
    of_static: list[str] = []
    of_dynamic: list[str] = []
    static = await Supervisor.start_link([witness("a", of_static)])
    dynamic = await DynamicSupervisor.start_link()
    await start_child(dynamic, witness("a", of_dynamic))
    of_static.clear()
    of_dynamic.clear()
    return [(static, of_static), (dynamic, of_dynamic)]
