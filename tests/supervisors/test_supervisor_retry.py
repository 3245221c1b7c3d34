"""Restarts that fail (rules U-14 to U-17)."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import trio

from regrow.actors import (
    IGNORE,
    SHUTDOWN,
    Pid,
    call,
    cast,
    exit_signal,
    open_node,
    trap_exit,
    whereis,
)
from regrow.supervisors import (
    RESTARTING,
    ChildInfo,
    ChildPresentError,
    ChildRestartingError,
    ChildSpec,
    ChildType,
    Counts,
    Restart,
    StartError,
    Strategy,
    Supervisor,
    count_children,
    delete_child,
    restart_child,
    start_child,
    terminate_child,
    which_children,
)
from tests.support.misbehaving_children import Fragile, Moody
from tests.support.supervised import child, crash, fragile, its_end, moody, reports_of
from tests.support.trio_test import trio_test

HERE = (Fragile.__module__,)
"""The modules of the misbehaving children."""


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


@trio_test
async def test_u17_a_transient_child_whose_restart_fails_is_tried_again_too() -> None:
    events: list[str] = []
    async with open_node():
        supervisor = await Supervisor.start_link(
            [moody("a", events, [None, ValueError()], restart=Restart.TRANSIENT)], intensity=2
        )
        await crash(supervisor, "a")
        assert events == ["a+", "a-", "a!", "a+"]


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
        assert (await which_children(supervisor))[1] == ChildInfo("a", RESTARTING, ChildType.WORKER, HERE)
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
