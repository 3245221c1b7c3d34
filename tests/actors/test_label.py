"""Labels and ancestors (rule R-5)."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    CrashReport,
    Pid,
    Report,
    ancestors,
    exit_signal,
    get_label,
    open_node,
    process_info,
    register,
    self_,
    set_label,
    spawn,
    spawn_link,
)
from tests.support.assertions import unlinked
from tests.support.misbehaving import DRIVERS, Driver, Puppet, RaisingTextError, raising, tell, wait_forever
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


@both_drivers
@trio_test
async def test_a_label_is_any_value_and_is_seen_until_death(driver: Driver) -> None:
    async with open_node():
        pid = await unlinked(driver(Puppet), [])
        assert get_label(pid) is None
        tell(pid, lambda _puppet: set_label(("worker", 1)))
        tell(pid, lambda _puppet: set_label(("worker", 2)))
        await wait_all_tasks_blocked()

        assert get_label(pid) == ("worker", 2)
        exit_signal(pid, KILL)
        assert get_label(pid) is None


@trio_test
async def test_reports_show_the_label_and_the_initial_call_stays() -> None:
    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)
        pid = await unlinked(Puppet, [])
        tell(pid, lambda _puppet: set_label("room 7"))
        await wait_all_tasks_blocked()
        info = process_info(pid, "initial_call", "label")
        tell(pid, lambda _puppet: raising(ValueError("bad")))
        await wait_all_tasks_blocked()

        assert info == {"initial_call": "Puppet", "label": "room 7"}
        [report] = [report for report in reports if isinstance(report, CrashReport)]
        assert report.process == "Puppet 'room 7'"


@trio_test
async def test_a_label_can_be_taken_away() -> None:
    async with open_node():
        set_label("busy")
        set_label(None)

        assert get_label(self_()) is None
        assert process_info(self_(), "initial_call") == {"initial_call": "main"}


class Unprintable:
    """A label that cannot be printed."""

    def __repr__(self) -> str:
        raise RaisingTextError


@trio_test
async def test_a_label_that_cannot_be_printed_harms_nobody() -> None:
    async with open_node():
        set_label(Unprintable())

        assert isinstance(get_label(self_()), Unprintable)
        process = self_().process
        assert process is not None
        assert "RaisingTextError while printing a Unprintable" in repr(process)


@trio_test
async def test_a_process_without_a_label_owns_nothing_for_it() -> None:
    async with open_node():
        pid = await unlinked(Puppet, [])

        process = pid.process
        assert process is not None
        assert process.holdings is None


@trio_test
async def test_ancestors_are_the_row_of_parents_by_name_if_they_have_one() -> None:
    async with open_node():
        seen: list[Pid] = []

        async def middle() -> None:
            register("middle", self_())
            seen.append(spawn_link(wait_forever))
            await trio.sleep_forever()

        pid = spawn(middle)
        await wait_all_tasks_blocked()

        assert ancestors(seen[0]) == ("middle", self_())
        assert ancestors(pid) == (self_(),)
        assert ancestors(self_()) == ()


@trio_test
async def test_the_row_of_ancestors_ends_with_a_dead_one() -> None:
    async with open_node():
        seen: list[Pid] = []

        async def middle() -> None:
            seen.append(spawn(wait_forever))

        pid = spawn(middle)
        await wait_all_tasks_blocked()

        assert ancestors(seen[0]) == (pid,)
        assert ancestors(pid) == ()
