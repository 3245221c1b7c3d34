"""What GenServer.init may return beside the OTP 25 forms, hibernation, and debugging from the start."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    HIBERNATE,
    NORMAL,
    TIMEOUT,
    Fail,
    Failure,
    GenServer,
    InitFailedError,
    NoReply,
    Ok,
    Pid,
    Reply,
    Report,
    monitor,
    open_node,
    receive,
    send,
    spawn,
    sys,
    trap_exit,
    whereis,
)
from tests.support.assertions import death_of, mailbox
from tests.support.misbehaving import DRIVERS, Driver, Puppet, answers, ask, does, started, tell
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


def server_of(pid: Pid) -> GenServer:
    """The running server of a pid."""
    assert pid.process is not None
    server = pid.process.server
    assert isinstance(server, GenServer)
    return server


@both_drivers
@trio_test
async def test_init_that_returns_fail_is_an_error_for_the_starter_and_a_quiet_end_of_the_process(
    driver: Driver,
) -> None:  # the {error, R} row of the init table, G-1, S-3, S-4
    async with open_node() as node:
        trap_exit()
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)
        log: list[object] = []
        reason = Failure("not today")

        with pytest.raises(InitFailedError) as caught:
            await driver(Puppet).start_link(log, does(lambda _puppet: Fail(reason)), name="it")
        assert caught.value.reason == reason
        assert whereis("it") is None
        await wait_all_tasks_blocked()

        assert (log, reports, await mailbox()) == ([], [], [])


@trio_test
async def test_a_process_whose_init_returned_fail_exits_with_normal() -> None:  # the {error, R} row of the init table
    class Failing(Puppet):
        async def init(self, log: list[object], begin: Any = None) -> Fail:
            log.append(self.pid)
            await receive()
            return Fail(Failure("not today"))

    async with open_node():
        pids: list[Pid] = []
        spawn(swallowing(Failing, pids))
        await wait_all_tasks_blocked()
        ref = monitor(pids[0])
        send(pids[0], "go on")
        assert await death_of(ref) is NORMAL


def swallowing(actor: type[GenServer], *args: Any) -> Any:
    """A starter that expects the start to fail."""

    async def start() -> None:
        with pytest.raises(InitFailedError):
            await actor.start_link(*args)

    return start


@both_drivers
@trio_test
async def test_a_callback_may_send_its_server_to_sleep_until_the_next_message(driver: Driver) -> None:  # G-11
    async with open_node():
        log: list[object] = []
        pid = await started(driver(Puppet), log, does(lambda _puppet: Ok(HIBERNATE)))
        server = server_of(pid)
        assert server.is_hibernating
        await trio.sleep(60)
        assert log == []

        send(pid, "wake up")
        await wait_all_tasks_blocked()
        assert not server.is_hibernating
        assert log == ["wake up"]

        await ask(pid, answers(lambda _puppet, _caller: Reply(None, HIBERNATE)))
        assert server.is_hibernating
        tell(pid, does(lambda _puppet: NoReply(1)))
        await trio.sleep(2)
        assert log == ["wake up", TIMEOUT]
        assert not server.is_hibernating


@both_drivers
@trio_test
async def test_system_messages_do_not_wake_a_hibernating_server_for_good(driver: Driver) -> None:  # G-11
    async with open_node():
        pid = await started(driver(Puppet), [], does(lambda _puppet: Ok(HIBERNATE)))

        await sys.get_state(pid)
        assert server_of(pid).is_hibernating
        await sys.suspend(pid)
        await sys.resume(pid)
        assert server_of(pid).is_hibernating


@both_drivers
@trio_test
async def test_a_server_may_be_debugged_from_its_first_message_on(driver: Driver) -> None:  # Y-6
    async with open_node():
        options = [sys.Log(size=3), sys.Statistics()]
        linked = await driver(Puppet).start_link([], does(lambda puppet: send(puppet.pid, "first")), debug=options)
        alone = await driver(Puppet).start([], does(lambda puppet: send(puppet.pid, "first")), debug=options)
        for pid in (linked, alone):
            assert pid is not None
            assert await sys.get_log(pid) == (sys.In("first"), sys.NoReply())
            totals = await sys.get_statistics(pid)
            assert totals is not None
            assert totals.messages_in == 1


@trio_test
async def test_a_debug_option_that_is_none_is_refused() -> None:
    async with open_node():
        with pytest.raises(TypeError, match="a debug option is Trace, Log, Statistics or Install"):
            await Puppet.start([], debug=["log"])  # type: ignore[list-item]
