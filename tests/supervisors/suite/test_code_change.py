"""supervisor_SUITE, the cases code_change*: a supervisor gets other options and specs while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from trio.testing import wait_all_tasks_blocked

from regrow.actors import CallbackFailedError, NotSuspendedError, Pid, cast, open_node, trap_exit
from regrow.actors import sys as system
from regrow.supervisors import (
    BadLimitError,
    BadOptionError,
    DuplicateChildError,
    DynamicSupervisor,
    MaxChildrenError,
    RestartLimit,
    Supervisor,
    SupervisorShutdown,
    get_childspec,
    restart_child,
    start_child,
    which_children,
)
from tests.support.supervised import child, crash, fragile, its_end, names, reports_of
from tests.support.trio_test import trio_test

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def ask_to_change(supervisor: Pid, **options: Any) -> None:
    """By the request made for it."""
    await Supervisor.upgrade(supervisor, **options)


async def change_code(supervisor: Pid, **options: Any) -> None:
    """As a release handler does it: suspend, change, resume; what `code_change` raises is told."""
    await system.suspend(supervisor)
    try:
        await system.change_code(supervisor, extra=options)
    finally:
        await system.resume(supervisor)


async def faulty_upgrades(supervisor: Pid, change: Callable[..., Awaitable[None]], *errors: type[Exception]) -> None:
    """Each of these is refused, and nothing has changed then."""
    before = await system.get_state(supervisor), await which_children(supervisor)
    twins = [fragile("x"), fragile("x")]
    for options in (
        {"children": twins},
        {"children": [fragile("x")], "intensity": -1},
        {"children": [fragile("x")], "period": 0},
        {"children": [fragile("x")], "strategy": "nobody_for_one"},
        {"children": [fragile("x"), "nonsense"]},
    ):
        with pytest.raises(errors):
            await change(supervisor, **options)
    assert (await system.get_state(supervisor), await which_children(supervisor)) == before


async def upgrades(change: Callable[..., Awaitable[None]], *errors: type[Exception]) -> None:
    trap_exit()
    supervisor = await Supervisor.start_link([], intensity=0, period=1)
    await change(supervisor, intensity=1, period=3)
    await change(supervisor, children=[fragile("1", shutdown=2), fragile("2")])
    assert [info.pid for info in await which_children(supervisor)] == [None, None]  # added, not started
    pids = [await restart_child(supervisor, name) for name in "12"]
    await change(supervisor, children=[fragile("1", shutdown=1), fragile("3")])
    assert await names(supervisor) == ["2", "3", "1"]  # what is missing stays, behind the others
    assert [await child(supervisor, name) for name in "123"] == [*pids, None]
    assert (await get_childspec(supervisor, "1")).shutdown == 1
    await change(supervisor)  # nothing to change
    await faulty_upgrades(supervisor, change, *errors)
    await crash(supervisor, "1")
    assert isinstance(await child(supervisor, "1"), Pid)  # one restart is allowed now
    await crash(supervisor, "1")
    await its_end(supervisor)


@trio_test
async def test_code_change() -> None:
    """Options and specs change by sys, pids stay, new children wait, and a change that fails changes nothing."""
    async with open_node() as node:
        reports = reports_of(node)
        await upgrades(change_code, CallbackFailedError)
        [report] = [report for report in reports if isinstance(report, SupervisorShutdown)]
        assert report.limit == RestartLimit(1, 3)
        supervisor = await Supervisor.start_link([])
        with pytest.raises(NotSuspendedError):
            await system.change_code(supervisor, extra={"intensity": 1})


@trio_test
async def test_code_change_map() -> None:
    """The same by `Supervisor.upgrade`, which raises the error itself."""
    async with open_node():
        await upgrades(ask_to_change, BadLimitError, BadOptionError, DuplicateChildError)


@trio_test
async def test_code_change_simple() -> None:
    """A dynamic supervisor has options to change, but no list of children."""
    async with open_node():
        trap_exit()
        supervisor = await DynamicSupervisor.start_link()
        pid = await start_child(supervisor, fragile("a"))
        await change_code(supervisor, max_children=1, intensity=0)
        with pytest.raises(CallbackFailedError, match="children"):
            await change_code(supervisor, children=[fragile("b")])
        assert [info.pid for info in await which_children(supervisor)] == [pid]
        with pytest.raises(MaxChildrenError):
            await start_child(supervisor, fragile("b"))
        await crash(supervisor, "a")
        await its_end(supervisor)


@trio_test
async def test_code_change_simple_map() -> None:
    """The same by `DynamicSupervisor.upgrade`; a change that fails changes nothing."""
    async with open_node():
        supervisor = await DynamicSupervisor.start_link()
        faulty: list[dict[str, Any]] = [{"max_children": -1}, {"extra_arguments": ["a list"]}, {"intensity": -1}]
        for options in faulty:
            mixed: dict[str, Any] = {"period": 9, "max_children": 0, **options}
            with pytest.raises((BadOptionError, BadLimitError)):
                await DynamicSupervisor.upgrade(supervisor, **mixed)
        await start_child(supervisor, fragile("a"))
        with pytest.raises(BadOptionError, match="children"):
            await Supervisor.upgrade(supervisor, children=[])
        await DynamicSupervisor.upgrade(supervisor, max_children=1)
        with pytest.raises(MaxChildrenError):
            await start_child(supervisor, fragile("b"))


@trio_test
async def test_a_suspended_supervisor_restarts_nobody_until_it_is_resumed() -> None:
    """The exit signal of a child waits, that of the parent does not (rule Y-1)."""
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a")])
        before = await child(supervisor, "a")
        await system.suspend(supervisor)
        cast(before, "crash")
        await wait_all_tasks_blocked()
        assert not before.is_alive
        await system.resume(supervisor)
        assert await child(supervisor, "a") not in {before, None}
