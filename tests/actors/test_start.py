"""The start protocol (rules S-1 to S-4). (The init table is in test_gen_server.)"""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    KILLED,
    TIMEOUT,
    AlreadyStartedError,
    CrashReport,
    Exit,
    Failure,
    InitFailedError,
    Pid,
    Report,
    exit_signal,
    link,
    open_node,
    self_,
    send,
    spawn,
    spawn_monitor,
    trap_exit,
    whereis,
)
from tests.support.assertions import death_of, mailbox
from tests.support.misbehaving import DRIVERS, Driver, Puppet, does, raising, started, wait_forever
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


class SlowInit(Puppet):
    """A server whose init takes ten seconds."""

    async def init(self, log: list[object], begin: Any = None) -> Any:
        self.log = log
        await trio.sleep(10)
        log.append("ready")


@trio_test
async def test_start_returns_only_after_init_and_messages_queue_up_meanwhile() -> None:  # S-1
    async with open_node():
        log: list[object] = []

        async def sender() -> None:
            await trio.sleep(1)
            send("slow", "early")

        spawn(sender)
        await started(SlowInit, log, name="slow")

        assert log[0] == "ready"
        assert trio.current_time() >= 10
        await wait_all_tasks_blocked()
        assert log == ["ready", "early"]


@trio_test
async def test_a_start_that_takes_too_long_leaves_no_trace() -> None:  # S-2
    async with open_node() as node:
        trap_exit()

        with pytest.raises(InitFailedError) as caught:
            await SlowInit.start_link([], name="slow", timeout=3)

        assert caught.value.reason is TIMEOUT
        assert whereis("slow") is None
        assert node.pids() == [self_()]
        await trio.sleep(20)
        assert await mailbox() == []


@trio_test
async def test_a_start_that_is_cancelled_leaves_no_trace() -> None:  # S-2
    async with open_node() as node:
        trap_exit()

        with trio.move_on_after(3) as scope:
            await SlowInit.start_link([], name="slow")

        assert scope.cancelled_caught
        assert whereis("slow") is None
        assert node.pids() == [self_()]
        await trio.sleep(20)
        assert await mailbox() == []


@both_drivers
@trio_test
async def test_a_failed_start_may_be_tried_again_at_once_under_the_same_name(driver: Driver) -> None:  # S-3
    async with open_node():
        for _ in range(3):
            with pytest.raises(InitFailedError):
                await driver(Puppet).start_link([], does(lambda _puppet: raising(ValueError("bad"))), name="it")

        assert await driver(Puppet).start_link([], name="it") is whereis("it")


@trio_test
async def test_a_process_killed_while_its_init_runs_is_an_error_and_no_exit() -> None:  # S-4
    async with open_node() as node:
        trap_exit()
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)

        async def assassin() -> None:
            await trio.sleep(1)
            victim = whereis("slow")
            assert victim is not None
            exit_signal(victim, KILL)

        spawn(assassin)
        with pytest.raises(InitFailedError) as caught:
            await SlowInit.start_link([], name="slow")

        assert caught.value.reason is KILLED
        assert await mailbox() == []
        assert reports == []


@trio_test
async def test_an_inline_process_killed_while_its_init_runs_is_an_error_and_no_exit() -> None:  # S-4
    async with open_node() as node:
        trap_exit()
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)
        peer = spawn(wait_forever)

        def begin(_puppet: Puppet) -> None:
            link(peer)
            exit_signal(peer, KILL)

        with pytest.raises(InitFailedError) as caught:
            await Puppet.start_link([], begin)

        assert caught.value.reason is KILLED
        assert await mailbox() == []
        assert reports == []


@both_drivers
@trio_test
async def test_after_a_start_the_link_holds(driver: Driver) -> None:
    async with open_node():
        trap_exit()
        pid = await started(driver(Puppet), [])

        exit_signal(pid, KILL)

        assert await mailbox() == [Exit(pid, KILLED)]


@trio_test
async def test_the_death_of_the_starter_ends_a_process_that_is_still_starting() -> None:
    async with open_node():

        async def starter() -> None:
            await SlowInit.start_link([], name="slow")

        pid, ref = spawn_monitor(starter)
        await trio.sleep(1)
        child = whereis("slow")
        assert child is not None
        exit_signal(pid, KILL)

        assert await death_of(ref) is KILLED
        assert not child.is_alive


@both_drivers
@trio_test
async def test_a_starter_that_does_not_catch_the_failure_dies_of_it(driver: Driver) -> None:
    async with open_node():

        async def starter() -> None:
            await driver(Puppet).start_link([], does(lambda _puppet: raising(ValueError("bad"))))

        _pid, ref = spawn_monitor(starter)
        reason = await death_of(ref)

        assert isinstance(reason, Failure)


@both_drivers
@trio_test
async def test_a_crash_in_init_is_reported_once(driver: Driver) -> None:
    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)

        with pytest.raises(InitFailedError):
            await driver(Puppet).start([], does(lambda _puppet: raising(ValueError("bad"))))

        assert [type(report) for report in reports] == [CrashReport]


@trio_test
async def test_two_starts_under_one_name_give_one_process() -> None:
    async with open_node():
        pids: list[Pid] = []
        losers: list[Pid] = []

        async def start() -> None:
            try:
                pids.append(await started(SlowInit, [], name="slow"))
            except AlreadyStartedError as error:
                losers.append(error.pid)
            await trio.sleep_forever()

        spawn(start)
        spawn(start)
        await trio.sleep(20)

        assert len(pids) == 1
        assert losers == pids
