"""Reports: one each as values, and a storm summarised in the log."""

from __future__ import annotations

import dataclasses
import gc
import logging
import weakref
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    NORMAL,
    SHUTDOWN,
    CallError,
    Crash,
    CrashReport,
    ExitReason,
    Failure,
    Report,
    ServerTerminated,
    Shutdown,
    Stop,
    exit_,
    exit_signal,
    link,
    open_node,
    register,
    self_,
    spawn,
    sys,
    trap_exit,
)
from regrow.actors._processes._reports import IN_FULL, WINDOW
from tests.support.assertions import death_of, unlinked, watched
from tests.support.misbehaving import (
    DRIVERS,
    Driver,
    Puppet,
    RaisingTextError,
    answers,
    ask,
    raising,
    started,
    tell,
    wait_forever,
)
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

        terminated, report = reports
        assert isinstance(terminated, ServerTerminated)
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


# What a server was doing.


@both_drivers
@trio_test
async def test_a_terminated_server_is_reported_before_its_crash_with_message_state_and_client(
    driver: Driver, caplog: pytest.LogCaptureFixture
) -> None:  # G-15
    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)
        pid = await unlinked(driver(Puppet), ["the log"])
        request = answers(lambda _puppet, _caller: raising(ValueError("bad")))

        with pytest.raises(CallError) as caught:
            await ask(pid, request)

        terminated, crash = reports
        assert isinstance(terminated, ServerTerminated)
        assert (terminated.pid, terminated.client, terminated.reason) == (pid, self_(), caught.value.reason)
        assert "lambda" in terminated.message
        assert "'the log'" in terminated.state
        assert isinstance(crash, CrashReport)
        assert crash.reason is terminated.reason
        assert [record.__dict__["regrow_report"] for record in caplog.records] == reports
        assert f"client: {self_()}" in caplog.text


@both_drivers
@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, Shutdown("x")])
@trio_test
async def test_a_quiet_stop_is_no_report(driver: Driver, reason: ExitReason) -> None:  # G-15
    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)
        pid, ref = await watched(driver(Puppet), [])
        tell(pid, lambda _puppet: Stop(reason))
        assert await death_of(ref) == reason
        assert reports == []


@both_drivers
@trio_test
async def test_format_status_presents_the_state_of_a_crash(driver: Driver) -> None:  # G-16
    class Discreet(Puppet):
        def format_status(self, status: sys.Status) -> sys.Status:
            assert status.reason == Failure("bad")
            return dataclasses.replace(status, state="<secret>", message="<secret message>")

    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)
        pid, ref = await watched(driver(Discreet), ["password"])
        tell(pid, lambda _puppet: exit_(Failure("bad")))
        await death_of(ref)

        terminated = reports[0]
        assert isinstance(terminated, ServerTerminated)
        assert (terminated.state, terminated.message) == ("'<secret>'", "'<secret message>'")


@both_drivers
@trio_test
async def test_format_status_presents_reason_and_log_too(driver: Driver) -> None:  # G-16
    class Discreet(Puppet):
        def format_status(self, status: sys.Status) -> sys.Status:
            reason = None if status.reason is None else Failure("for reasons")
            return dataclasses.replace(status, reason=reason, log=status.log[:1])

    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)
        pid, ref = await watched(driver(Discreet), [])
        await sys.log(pid)
        tell(pid, lambda _puppet: None)
        status = (await sys.get_status(pid)).status
        assert [type(event) for event in status.log] == [sys.In]
        tell(pid, lambda _puppet: exit_(Failure("a secret")))

        assert await death_of(ref) == Failure("a secret")
        assert isinstance(reports[0], ServerTerminated)
        assert reports[0].reason == Failure("for reasons")


class Silent:
    """A value that cannot be printed."""

    def __repr__(self) -> str:
        raise ValueError("broken")


class UnpresentableStatus(Puppet):
    """A server whose format_status raises."""

    def format_status(self, status: sys.Status) -> sys.Status:
        raise ValueError("broken")


class UnpresentableState(Puppet):
    """A server whose state cannot be shown."""

    def system_get_state(self) -> Any:
        raise ValueError("broken")


@both_drivers
@pytest.mark.parametrize(
    ("actor", "note"),
    [(UnpresentableStatus, "format_status"), (UnpresentableState, "system_get_state"), (Puppet, "Silent instance")],
)
@trio_test
async def test_a_state_that_cannot_be_presented_breaks_no_report(
    driver: Driver, actor: type[Puppet], note: str
) -> None:  # G-16
    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)
        pid, ref = await watched(driver(actor), [Silent()])
        tell(pid, lambda _puppet: exit_(Failure("bad")))
        assert await death_of(ref) == Failure("bad")

        terminated = reports[0]
        assert isinstance(terminated, ServerTerminated)
        assert note in terminated.state


@both_drivers
@trio_test
async def test_a_report_keeps_nothing_of_the_dead_server_alive(driver: Driver) -> None:  # G-15
    class Value:
        pass

    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)
        pid, ref = await watched(driver(Puppet), [Value()])
        assert pid.process is not None
        server = pid.process.server
        assert isinstance(server, Puppet)
        value = weakref.ref(server.log[0])
        del server
        tell(pid, lambda _puppet: exit_(Failure("bad")))
        await death_of(ref)
        await wait_all_tasks_blocked()
        gc.collect()

        assert len(reports) == 2
        assert value() is None


@both_drivers
@trio_test
async def test_a_crash_is_reported_with_the_neighbourhood(driver: Driver) -> None:  # G-15
    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)
        trap_exit()
        pid = await started(driver(Puppet), [])
        neighbour = await unlinked(Puppet, [])
        tell(neighbour, lambda _puppet: link(pid))
        await wait_all_tasks_blocked()
        tell(pid, lambda _puppet: exit_(Failure("bad")))
        await wait_all_tasks_blocked()

        crash = reports[1]
        assert isinstance(crash, CrashReport)
        assert (crash.parent, crash.trap_exit, crash.messages) == (self_(), False, 0)
        assert (crash.links, crash.neighbours) == ((self_(), neighbour), (neighbour,))


@both_drivers
@trio_test
async def test_in_a_storm_the_states_of_a_few_are_looked_at_and_each_crash_is_heard(driver: Driver) -> None:  # G-15
    looked_at: list[int] = []

    class Costly(Puppet):
        def format_status(self, status: sys.Status) -> sys.Status:
            looked_at.append(1)
            return status

    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)
        for _ in range(100):
            tell(await unlinked(driver(Costly), []), lambda _puppet: exit_(Failure("bad")))
        await wait_all_tasks_blocked()

        assert len(looked_at) == IN_FULL
        assert len([report for report in reports if isinstance(report, CrashReport)]) == 100
