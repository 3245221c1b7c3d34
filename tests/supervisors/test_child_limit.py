"""A restart limit of a child's own, and who is told that it was given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from regrow.actors import (
    NORMAL,
    SHUTDOWN,
    Pid,
    exit_signal,
    open_node,
    trap_exit,
)
from regrow.supervisors import (
    ChildGivenUp,
    Restart,
    RestartLimit,
    Strategy,
    Supervisor,
    terminate_child,
)
from tests.support.supervised import child, crash, end, fragile, its_end, moody, names, reports_of
from tests.support.trio_test import trio_test

if TYPE_CHECKING:
    from collections.abc import Callable


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
        [report] = [r for r in reports if isinstance(r, ChildGivenUp)]
        assert (report.supervisor, report.child, report.limit) == (supervisor, "poisoned", limit)


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
