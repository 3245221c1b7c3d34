"""Reports: one each as values, and a storm summarised in the log."""

from __future__ import annotations

import logging

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    NORMAL,
    SHUTDOWN,
    Crash,
    CrashReport,
    Failure,
    Report,
    Shutdown,
    exit_,
    exit_signal,
    open_node,
    register,
    spawn,
)
from regrow.actors._reports import IN_FULL, WINDOW
from tests.support.assertions import unlinked
from tests.support.misbehaving import DRIVERS, Driver, Puppet, RaisingTextError, raising, tell, wait_forever
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


@both_drivers
@trio_test
async def test_a_crash_is_reported_with_its_process_name_and_reason(
    driver: Driver, caplog: pytest.LogCaptureFixture
) -> None:  # G-15
    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)
        pid = await unlinked(driver(Puppet), [])
        register("it", pid)

        tell(pid, lambda _puppet: raising(ValueError("bad")))
        await wait_all_tasks_blocked()

        (report,) = reports
        assert isinstance(report, CrashReport)
        assert (report.pid, report.name) == (pid, "it")
        assert isinstance(report.reason, Crash)
        assert "(it) crashed: ValueError: bad" in caplog.text
        assert "misbehaving.py" in caplog.text


@both_drivers
@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, Shutdown("x")])
@trio_test
async def test_an_orderly_exit_is_not_reported(driver: Driver, reason: object) -> None:  # G-15
    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)
        pid = await unlinked(driver(Puppet), [])

        tell(pid, lambda _puppet: exit_(reason))  # type: ignore[arg-type]
        await wait_all_tasks_blocked()

        assert not pid.is_alive
        assert reports == []


@both_drivers
@trio_test
async def test_a_death_by_exit_signal_is_not_a_crash(driver: Driver) -> None:
    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)

        exit_signal(await unlinked(driver(Puppet), []), Failure("x"))
        exit_signal(spawn(wait_forever), KILL)
        await wait_all_tasks_blocked()

        assert reports == []


@trio_test
async def test_a_crash_that_cannot_be_printed_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    async with open_node():
        spawn(raising, RaisingTextError())
        await wait_all_tasks_blocked()

        assert "RaisingTextError: <RuntimeError while reading the message>" in caplog.text


@trio_test
async def test_a_storm_of_crashes_is_summarised(caplog: pytest.LogCaptureFixture) -> None:
    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)

        for _ in range(1000):
            spawn(raising, ValueError("storm"))
        await wait_all_tasks_blocked()

        assert len(reports) == 1000
        assert len(caplog.records) == IN_FULL
        await trio.sleep(2 * WINDOW)
        assert len(caplog.records) == IN_FULL + 1
        assert f"and {1000 - IN_FULL} more reports" in caplog.records[-1].getMessage()
        assert caplog.records[-1].levelno == logging.ERROR


@trio_test
async def test_after_the_window_crashes_are_logged_in_full_again(caplog: pytest.LogCaptureFixture) -> None:
    async with open_node():
        for _ in range(IN_FULL):
            spawn(raising, ValueError("one"))
        await trio.sleep(2 * WINDOW)
        spawn(raising, ValueError("two"))
        await trio.sleep(2 * WINDOW)

        assert len(caplog.records) == IN_FULL + 1


@trio_test
async def test_what_is_held_back_is_logged_when_the_node_stops(caplog: pytest.LogCaptureFixture) -> None:
    async with open_node():
        for _ in range(IN_FULL + 2):
            spawn(raising, ValueError("storm"))
        await wait_all_tasks_blocked()

    assert "and 2 more reports" in caplog.text
