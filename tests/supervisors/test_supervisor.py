from __future__ import annotations

import gc
import math
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    IGNORE,
    KILL,
    KILLED,
    NOPROC,
    NORMAL,
    SHUTDOWN,
    AlreadyStartedError,
    BadReturn,
    CallError,
    Crash,
    Exit,
    ExitReason,
    Failure,
    InitFailedError,
    Node,
    Pid,
    Report,
    Shutdown,
    call,
    cast,
    exit_signal,
    open_node,
    receive,
    self_,
    spawn,
    trap_exit,
    whereis,
)
from regrow.supervisors import (
    BRUTAL_KILL,
    RESTARTING,
    BadLimitError,
    BadOptionError,
    ChildAlreadyStartedError,
    ChildGivenUp,
    ChildInfo,
    ChildPresentError,
    ChildRestarted,
    ChildRestartingError,
    ChildRunningError,
    ChildSpec,
    ChildTerminated,
    ChildType,
    Counts,
    DuplicateChildError,
    DynamicSupervisor,
    FailedToStart,
    Restart,
    RestartLimit,
    ShutdownError,
    StartChildError,
    StartError,
    Strategy,
    Supervisor,
    SupervisorShutdown,
    UnknownChildError,
    count_children,
    delete_child,
    restart_child,
    start_child,
    terminate_child,
    which_children,
)
from tests.support.misbehaving_children import Crier, Deserter, Fragile, Moody, Slow, SoreLoser, Stubborn, Witness
from tests.support.trio_test import trio_test

if TYPE_CHECKING:
    from collections.abc import Callable

ENDINGS: list[ExitReason] = [NORMAL, SHUTDOWN, Shutdown("done"), Failure("broken"), NOPROC]


def witness(name: str, events: list[str], **fields: Any) -> ChildSpec:
    return ChildSpec(name, Witness.start_link, (name, events), **fields)


def moody(name: str, events: list[str], moods: list[Any], **fields: Any) -> ChildSpec:
    return ChildSpec(name, Moody.start_link, (name, events, moods), **fields)


def fragile(name: str, value: object = None, **fields: Any) -> ChildSpec:
    return ChildSpec(name, Fragile.start_link, (value,), **fields)


async def child(supervisor: Pid, name: object) -> Any:
    """What `which_children` says about a child, once the supervisor has nothing else to do."""
    await wait_all_tasks_blocked()
    return {info.id: info.pid for info in await which_children(supervisor)}.get(name, "unknown")


async def names(supervisor: Pid) -> list[object]:
    await wait_all_tasks_blocked()
    return [info.id for info in await which_children(supervisor)]


async def crash(supervisor: Pid, name: str) -> None:
    """Crash a child and wait until everybody has done what follows from it."""
    cast(await child(supervisor, name), "crash")
    await wait_all_tasks_blocked()


async def end(supervisor: Pid, name: str, reason: ExitReason) -> None:
    cast(await child(supervisor, name), reason)
    await wait_all_tasks_blocked()


def reports_of(node: Node) -> list[Report]:
    reports: list[Report] = []
    node.reports.listeners.append(reports.append)
    return reports


async def its_end(pid: Pid) -> ExitReason:
    """The reason of which a linked process died, as a process that traps exits hears of it."""

    def is_its_exit(message: object) -> bool:
        return isinstance(message, Exit) and message.pid is pid

    message = await receive(is_its_exit)
    assert isinstance(message, Exit)
    return message.reason


# Start.


@trio_test
async def test_u1_children_start_from_first_to_last_each_ready_before_the_next() -> None:
    begun: list[tuple[str, float]] = []

    async def slow(name: str) -> Pid | None:
        begun.append((name, trio.current_time()))
        return await Slow.start_link(2.0)

    async with open_node():
        started_at = trio.current_time()
        await Supervisor.start_link([ChildSpec("a", slow, ("a",)), ChildSpec("b", slow, ("b",))])
        assert begun == [("a", started_at), ("b", started_at + 2.0)]
        assert trio.current_time() == started_at + 4.0


@trio_test
async def test_u2_a_child_that_fails_to_start_fails_the_supervisor_and_stops_the_others_in_reverse() -> None:
    events: list[str] = []
    async with open_node() as node:
        reports = reports_of(node)
        children = [
            witness("a", events),
            witness("b", events),
            moody("c", events, [ValueError("no")]),
            witness("d", events),
        ]
        with pytest.raises(InitFailedError) as failure:
            await Supervisor.start_link(children, intensity=100)
        assert events == ["a+", "b+", "c!", "b-", "a-"]
        reason = failure.value.reason
        assert isinstance(reason, Shutdown)
        assert isinstance(reason.detail, FailedToStart)
        assert reason.detail.child == "c"
        assert isinstance(reason.detail.reason, Crash)
        assert [report.child for report in reports if isinstance(report, StartError)] == ["c"]
        assert len(node.processes) == 1


@trio_test
async def test_u2_a_failed_start_leaves_its_parent_alone_and_its_name_free() -> None:
    async with open_node():
        trap_exit()
        for _ in range(2):
            with pytest.raises(InitFailedError):
                await Supervisor.start_link([moody("a", [], [ValueError()])], name="sup")
        assert whereis("sup") is None
        await wait_all_tasks_blocked()
        await Supervisor.start_link([], name="sup")


@trio_test
async def test_u2_a_start_function_that_returns_neither_pid_nor_none_fails_the_start() -> None:
    def answers(value: object) -> Any:
        return value

    async with open_node():
        with pytest.raises(InitFailedError) as failure:
            await Supervisor.start_link([ChildSpec("a", answers, (42,))])
        reason = failure.value.reason
        assert isinstance(reason, Shutdown)
        assert isinstance(reason.detail.reason, BadReturn)  # type: ignore[attr-defined]  # pyright: ignore


@trio_test
async def test_u3_an_ignored_child_is_kept_without_a_process_and_not_restarted() -> None:
    events: list[str] = []
    async with open_node():
        supervisor = await Supervisor.start_link([moody("a", events, [IGNORE]), moody("b", events, [])])
        assert await child(supervisor, "a") is None
        await crash(supervisor, "b")
        assert await child(supervisor, "a") is None
        assert await restart_child(supervisor, "a") is not None
        assert events == ["a0", "b+", "b-", "b+", "a+"]


@trio_test
async def test_u3_an_ignored_temporary_child_is_dropped() -> None:
    ignored = partial(moody, events=[], moods=[IGNORE], restart=Restart.TEMPORARY)
    async with open_node():
        supervisor = await Supervisor.start_link([ignored("a", moods=[IGNORE])])
        assert await start_child(supervisor, ignored("b", moods=[IGNORE])) is None
        assert await names(supervisor) == []


@trio_test
async def test_u3_start_child_returns_none_for_an_ignored_child_and_keeps_it() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([])
        assert await start_child(supervisor, moody("a", [], [IGNORE])) is None
        assert await count_children(supervisor) == Counts(specs=1, active=0, supervisors=0, workers=1)


@trio_test
async def test_u4_options_out_of_range_are_refused_before_anything_starts() -> None:
    events: list[str] = []
    one = [witness("a", events)]
    async with open_node():
        with pytest.raises(BadLimitError, match="intensity"):
            await Supervisor.start_link(one, intensity=-1)
        with pytest.raises(BadLimitError, match="period"):
            await Supervisor.start_link(one, period=0)
        with pytest.raises(BadOptionError, match="strategy"):
            await Supervisor.start_link(one, strategy="all_for_one")  # type: ignore[arg-type]  # pyright: ignore
        with pytest.raises(DuplicateChildError, match="'a'"):
            await Supervisor.start_link(one + one)
        assert events == []


@trio_test
async def test_u5_messages_that_are_no_requests_and_exits_of_strangers_are_ignored() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a")])
        before = await child(supervisor, "a")
        spawn(exit_signal, supervisor, Failure("stranger"))
        spawn(exit_signal, supervisor, NORMAL)
        spawn(exit_signal, supervisor, SHUTDOWN)
        supervisor.process.post("hello")  # type: ignore[union-attr]  # pyright: ignore
        assert await child(supervisor, "a") is before


@trio_test
async def test_u5_an_unknown_call_crashes_the_supervisor_which_stops_its_children() -> None:
    events: list[str] = []
    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link([witness("a", events)])
        with pytest.raises(CallError) as failure:
            await call(supervisor, "what?")
        assert isinstance(failure.value.reason, Crash)
        assert events == ["a+", "a-"]


@trio_test
async def test_a_supervisor_can_be_found_by_its_name() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a")], name="sup")
        assert await names(supervisor) == [info.id for info in await which_children("sup")] == ["a"]
        with pytest.raises(AlreadyStartedError):
            await Supervisor.start_link([], name="sup")


@trio_test
async def test_supervisors_are_children_like_others() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link(
            [
                ChildSpec("inner", Supervisor.start_link, ([fragile("a")],), type=ChildType.SUPERVISOR),
                ChildSpec("crowd", partial(DynamicSupervisor.start_link, max_children=1), type=ChildType.SUPERVISOR),
            ]
        )
        inner = await child(supervisor, "inner")
        before = await child(inner, "a")
        await crash(inner, "a")
        assert await child(inner, "a") not in {before, None}
        assert await child(supervisor, "inner") is inner


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
            ChildRestarted(supervisor, "permanent", before, after)
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


# Intensity.


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
            SupervisorShutdown(supervisor, "b", RestartLimit(0, 5))
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


# Restarts that fail.


@trio_test
async def test_u14_a_failed_restart_is_tried_again_at_once_and_each_attempt_counts() -> None:
    events: list[str] = []
    failures: list[Any] = [None, *[ValueError("still broken")] * 3]
    async with open_node() as node:
        trap_exit()
        reports = reports_of(node)
        started_at = trio.current_time()
        supervisor = await Supervisor.start_link([moody("a", events, failures)], intensity=3)
        await crash(supervisor, "a")
        assert events == ["a+", "a-", "a!", "a!", "a!"]
        assert await its_end(supervisor) is SHUTDOWN
        assert trio.current_time() == started_at
        assert sum(isinstance(r, StartError) for r in reports) == 3


@trio_test
async def test_u14_a_restart_that_succeeds_after_failures_is_a_restart() -> None:
    events: list[str] = []
    async with open_node():
        supervisor = await Supervisor.start_link([moody("a", events, [None, ValueError(), ValueError()])], intensity=3)
        await crash(supervisor, "a")
        assert events == ["a+", "a-", "a!", "a!", "a+"]
        assert supervisor.is_alive


async def endless_retry(events: list[str], neighbour: ChildSpec) -> Pid:
    """A supervisor whose child ``a`` crashed and never starts again, however often it is tried."""
    supervisor = await Supervisor.start_link(
        [moody("a", events, [None, *[ValueError()] * 100_000]), neighbour], intensity=100_000
    )
    pid = await child(supervisor, "a")
    cast(pid, "crash")
    while "a!" not in events:
        await trio.lowlevel.checkpoint()
    return supervisor


@trio_test
async def test_u14_requests_and_signals_are_served_between_attempts() -> None:
    async with open_node():
        trap_exit()
        supervisor = await endless_retry([], fragile("b"))
        pid = (await which_children(supervisor))[0].pid
        assert isinstance(pid, Pid)
        assert await call(pid, "who") is None
        exit_signal(supervisor, SHUTDOWN)
        assert await its_end(supervisor) is SHUTDOWN


@trio_test
async def test_u15_a_child_between_attempts_is_restarting() -> None:
    async with open_node():
        events: list[str] = []
        supervisor = await endless_retry(events, fragile("b"))
        assert (await which_children(supervisor))[1] == ChildInfo("a", RESTARTING, ChildType.WORKER)
        assert await count_children(supervisor) == Counts(specs=2, active=1, supervisors=0, workers=2)
        with pytest.raises(ChildRestartingError):
            await restart_child(supervisor, "a")
        with pytest.raises(ChildRestartingError):
            await delete_child(supervisor, "a")
        with pytest.raises(ChildPresentError):
            await start_child(supervisor, fragile("a"))
        await terminate_child(supervisor, "a")
        attempts = events.count("a!")
        assert await child(supervisor, "a") is None
        assert events.count("a!") == attempts


@trio_test
async def test_u16_one_for_all_stops_those_started_again_and_tries_the_whole_group() -> None:
    events: list[str] = []
    async with open_node():
        supervisor = await Supervisor.start_link(
            [moody("a", events, []), moody("b", events, []), moody("c", events, [None, ValueError()])],
            strategy=Strategy.ONE_FOR_ALL,
            intensity=2,
        )
        events.clear()
        await crash(supervisor, "a")
        assert events == ["a-", "c-", "b-", "a+", "b+", "c!", "b-", "a-", "a+", "b+", "c+"]


@trio_test
async def test_u16_rest_for_one_goes_on_from_the_child_that_failed() -> None:
    events: list[str] = []
    async with open_node():
        supervisor = await Supervisor.start_link(
            [moody(name, events, [None, ValueError()] if name == "c" else []) for name in "abcd"],
            strategy=Strategy.REST_FOR_ONE,
            intensity=2,
        )
        events.clear()
        await crash(supervisor, "b")
        assert events == ["b-", "d-", "c-", "b+", "c!", "c+", "d+"]


@trio_test
async def test_u16_a_group_restart_makes_good_for_a_child_that_was_to_be_tried_again() -> None:
    events: list[str] = []
    moods: list[Any] = [None, ValueError()]
    async with open_node():

        async def crash_a_and_fail() -> Pid | None:
            if moods and isinstance(moods[0], ValueError):
                cast("a", "crash")
                while whereis("a") is not None:  # the crash of a lies before the note to try again
                    await trio.lowlevel.checkpoint()
            return await Moody.start_link("b", events, moods)

        supervisor = await Supervisor.start_link(
            [
                ChildSpec("a", partial(Moody.start_link, name="a"), ("a", events, [])),
                ChildSpec("b", crash_a_and_fail),
            ],
            strategy=Strategy.ONE_FOR_ALL,
            intensity=2,
        )
        events.clear()
        await crash(supervisor, "b")
        assert events == ["b-", "a-", "a+", "a-", "b!", "a+", "b+"]
        assert supervisor.is_alive


@trio_test
async def test_u17_a_restart_that_is_ignored_leaves_the_child_stopped() -> None:
    events: list[str] = []
    async with open_node():
        supervisor = await Supervisor.start_link([moody("a", events, [None, IGNORE])])
        await crash(supervisor, "a")
        assert events == ["a+", "a-", "a0"]
        assert await child(supervisor, "a") is None


# Stopping.


@trio_test
async def test_u18_a_child_that_does_not_stop_in_time_is_killed() -> None:
    async with open_node() as node:
        reports = reports_of(node)
        supervisor = await Supervisor.start_link([ChildSpec("a", Stubborn.start_link, shutdown=3)])
        pid = await child(supervisor, "a")
        asked_at = trio.current_time()
        await terminate_child(supervisor, "a")
        assert trio.current_time() == asked_at + 3
        assert not pid.is_alive
        assert [r for r in reports if isinstance(r, ShutdownError)] == [ShutdownError(supervisor, "a", pid, KILLED)]


@trio_test
async def test_u18_a_child_that_stops_in_time_is_waited_for_and_nobody_hears_of_it() -> None:
    async with open_node() as node:
        reports = reports_of(node)
        supervisor = await Supervisor.start_link([ChildSpec("a", Slow.start_link, (0, 2.0), shutdown=3)])
        asked_at = trio.current_time()
        await terminate_child(supervisor, "a")
        assert trio.current_time() == asked_at + 2
        assert reports == []


@trio_test
async def test_u18_brutal_kill_does_not_ask() -> None:
    events: list[str] = []
    async with open_node() as node:
        reports = reports_of(node)
        supervisor = await Supervisor.start_link([witness("a", events, shutdown=BRUTAL_KILL)])
        await terminate_child(supervisor, "a")
        assert events == ["a+"]
        assert reports == []


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
async def test_an_exit_signal_that_a_living_child_sends_is_not_its_end() -> None:
    def cry() -> Any:
        return Crier.start_link(self_())

    async with open_node():
        supervisor = await Supervisor.start_link([ChildSpec("a", cry)])
        pid = await child(supervisor, "a")
        cast(pid, Failure("pretending"))
        assert await child(supervisor, "a") is pid


@trio_test
async def test_the_end_of_the_node_stops_the_tree_in_order() -> None:
    events: list[str] = []
    async with open_node():
        await Supervisor.start_link([witness(name, events) for name in "abc"])
        events.clear()
    assert events == ["c-", "b-", "a-"]


@trio_test
async def test_u23_a_supervisor_is_busy_while_a_child_starts() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a")])
        pid = await child(supervisor, "a")
        asked_at = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(start_child, supervisor, ChildSpec("slow", Slow.start_link, (2.0,)))
            await wait_all_tasks_blocked()
            cast(pid, "crash")
            await wait_all_tasks_blocked()
            after = {info.id: info.pid for info in await which_children(supervisor)}
        assert trio.current_time() == asked_at + 2
        assert after["a"] not in {pid, None}


@trio_test
async def test_u23_a_supervisor_killed_while_a_child_starts_leaves_no_child() -> None:
    async with open_node() as node:
        trap_exit()
        supervisor = await Supervisor.start_link([])
        async with trio.open_nursery() as nursery:

            async def ask() -> None:
                with pytest.raises(CallError):
                    await start_child(supervisor, ChildSpec("slow", Slow.start_link, (9.0,)))

            nursery.start_soon(ask)
            await wait_all_tasks_blocked()
            exit_signal(supervisor, KILL)
        await wait_all_tasks_blocked()
        assert len(node.processes) == 1


# What may be asked.


@trio_test
async def test_start_child_adds_a_child_at_the_end() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a")])
        pid = await start_child(supervisor, fragile("b", "second"))
        assert pid is not None
        assert await call(pid, "who") == "second"
        assert await names(supervisor) == ["b", "a"]
        await crash(supervisor, "b")
        assert await child(supervisor, "b") not in {pid, None}


@trio_test
async def test_start_child_refuses_an_id_that_is_taken() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a")])
        with pytest.raises(ChildAlreadyStartedError) as refusal:
            await start_child(supervisor, fragile("a"))
        assert refusal.value.pid is await child(supervisor, "a")
        await terminate_child(supervisor, "a")
        with pytest.raises(ChildPresentError):
            await start_child(supervisor, fragile("a"))


@trio_test
async def test_start_child_keeps_nothing_of_a_child_that_fails_to_start() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([])
        with pytest.raises(StartChildError, match="'a'") as failure:
            await start_child(supervisor, moody("a", [], [ValueError("no")]))
        assert isinstance(failure.value.reason, Crash)
        assert await names(supervisor) == []
        assert supervisor.is_alive


@trio_test
async def test_terminate_child_keeps_the_spec_unless_the_child_is_temporary() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a"), fragile("b", restart=Restart.TEMPORARY)])
        pid = await child(supervisor, "a")
        await terminate_child(supervisor, "a")
        await terminate_child(supervisor, "b")
        assert not pid.is_alive
        assert await names(supervisor) == ["a"]
        await terminate_child(supervisor, "a")
        assert await child(supervisor, "a") is None


@trio_test
async def test_requests_for_unknown_children_are_errors() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a")])
        pid = await child(supervisor, "a")
        for unknown in ("b", pid):
            for request in (terminate_child, restart_child, delete_child):
                with pytest.raises(UnknownChildError):
                    await request(supervisor, unknown)


@trio_test
async def test_restart_child_and_delete_child_want_a_stopped_child() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a")])
        for request in (restart_child, delete_child):
            with pytest.raises(ChildRunningError):
                await request(supervisor, "a")
        await terminate_child(supervisor, "a")
        assert await restart_child(supervisor, "a") is await child(supervisor, "a")
        await terminate_child(supervisor, "a")
        await delete_child(supervisor, "a")
        assert await names(supervisor) == []


@trio_test
async def test_restart_child_keeps_the_spec_of_a_child_that_fails_to_start() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([moody("a", [], [None, ValueError()])])
        await terminate_child(supervisor, "a")
        with pytest.raises(StartChildError):
            await restart_child(supervisor, "a")
        assert await child(supervisor, "a") is None
        assert await restart_child(supervisor, "a") is not None


@trio_test
async def test_which_children_and_count_children_tell_types_and_processes() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link(
            [
                fragile("a"),
                ChildSpec("crowd", DynamicSupervisor.start_link, type=ChildType.SUPERVISOR),
                fragile("b", restart=Restart.TRANSIENT),
            ]
        )
        await end(supervisor, "b", NORMAL)
        a, crowd = await child(supervisor, "a"), await child(supervisor, "crowd")
        assert await which_children(supervisor) == [
            ChildInfo("b", None, ChildType.WORKER),
            ChildInfo("crowd", crowd, ChildType.SUPERVISOR),
            ChildInfo("a", a, ChildType.WORKER),
        ]
        assert await count_children(supervisor) == Counts(specs=3, active=2, supervisors=1, workers=2)


@trio_test
async def test_a_supervisor_that_is_dead_cannot_be_asked() -> None:
    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link([])
        exit_signal(supervisor, NORMAL)
        await its_end(supervisor)
        with pytest.raises(CallError) as failure:
            await which_children(supervisor)
        assert failure.value.reason is NOPROC


# A child's own limit.


def counted() -> tuple[list[str], Callable[[str], Callable[[], None]]]:
    """A list, and a maker of ``given_up`` callbacks that write a name into it."""
    told: list[str] = []
    return told, lambda name: lambda: told.append(name)


@trio_test
async def test_a_child_that_exceeds_its_own_limit_is_given_up_alone() -> None:
    told, given_up = counted()
    limit = RestartLimit(2, 5)
    async with open_node() as node:
        reports = reports_of(node)
        supervisor = await Supervisor.start_link(
            [fragile("poisoned", limit=limit, given_up=given_up("poisoned")), fragile("b", given_up=given_up("b"))],
            strategy=Strategy.ONE_FOR_ALL,
            intensity=0,
        )
        for _ in range(2):
            await crash(supervisor, "poisoned")
        assert told == []
        bystander = await child(supervisor, "b")
        await crash(supervisor, "poisoned")
        assert told == ["poisoned"]
        assert await names(supervisor) == ["b"]
        assert await child(supervisor, "b") is bystander
        assert [r for r in reports if isinstance(r, ChildGivenUp)] == [ChildGivenUp(supervisor, "poisoned", limit)]


@trio_test
async def test_a_childs_own_limit_is_a_window_too() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a", limit=RestartLimit(1, 1))], intensity=0)
        for _ in range(5):
            await crash(supervisor, "a")
            await trio.sleep(2)
        assert isinstance(await child(supervisor, "a"), Pid)


@trio_test
async def test_failed_restarts_count_against_a_childs_own_limit() -> None:
    told, given_up = counted()
    events: list[str] = []
    async with open_node():
        supervisor = await Supervisor.start_link(
            [
                moody(
                    "a",
                    events,
                    [None, *[ValueError()] * 9],
                    limit=RestartLimit(3, 5),
                    given_up=given_up("a"),
                )
            ]
        )
        await crash(supervisor, "a")
        assert events == ["a+", "a-", "a!", "a!", "a!"]
        assert told == ["a"]
        assert await names(supervisor) == []


@trio_test
async def test_a_supervisor_that_gives_up_tells_every_child_that_could_have_come_back() -> None:
    told, given_up = counted()
    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link(
            [
                fragile("permanent", given_up=given_up("permanent")),
                fragile("transient", restart=Restart.TRANSIENT, given_up=given_up("transient")),
                fragile("temporary", restart=Restart.TEMPORARY, given_up=given_up("temporary")),
                fragile("offender", given_up=given_up("offender")),
            ],
            intensity=0,
        )
        await crash(supervisor, "offender")
        assert sorted(told) == ["offender", "permanent", "transient"]


@trio_test
async def test_nobody_is_given_up_when_a_child_or_the_supervisor_is_stopped_in_order() -> None:
    told, given_up = counted()
    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link(
            [fragile("a", given_up=given_up("a")), fragile("b", given_up=given_up("b"), restart=Restart.TRANSIENT)]
        )
        await terminate_child(supervisor, "a")
        await end(supervisor, "b", NORMAL)
        exit_signal(supervisor, SHUTDOWN)
        await its_end(supervisor)
    assert told == []


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [(Strategy.REST_FOR_ONE, "b- d- c- b+ c! c! d+"), (Strategy.ONE_FOR_ALL, "b- d- c- a- a+ b+ c! b- a- a+ b+ c! d+")],
)
@trio_test
async def test_a_group_restart_that_waits_for_a_child_goes_on_when_that_is_given_up(
    strategy: Strategy, expected: str
) -> None:
    events: list[str] = []
    async with open_node():
        supervisor = await Supervisor.start_link(
            [
                moody("a", events, []),
                moody("b", events, []),
                moody("c", events, [None, *[ValueError()] * 9], limit=RestartLimit(1, 5)),
                moody("d", events, []),
            ],
            strategy=strategy,
            intensity=1,
        )
        events.clear()
        await crash(supervisor, "b")
        assert events == expected.split()
        assert await names(supervisor) == ["d", "b", "a"]


# Memory.


@trio_test
async def test_a_temporary_child_does_not_hold_on_to_its_arguments() -> None:
    class Argument:
        pass

    async def start(_argument: Argument) -> Pid | None:
        return await Fragile.start_link()

    argument = Argument()
    trace = weakref.ref(argument)
    async with open_node():
        supervisor = await Supervisor.start_link(
            [ChildSpec("a", partial(start, argument), restart=Restart.TEMPORARY)], strategy=Strategy.ONE_FOR_ALL
        )
        del argument
        await wait_all_tasks_blocked()
        gc.collect()
        assert trace() is None
        assert await names(supervisor) == ["a"]
