"""The start protocol (rules S-1 to S-4). (The init table is in test_gen_server_start.)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    IGNORE,
    KILL,
    KILLED,
    NORMAL,
    SHUTDOWN,
    TIMEOUT,
    AlreadyStartedError,
    Crash,
    CrashReport,
    Down,
    Exit,
    ExitReason,
    Failure,
    InitFailedError,
    NameTakenError,
    Ok,
    Pid,
    Report,
    Shutdown,
    Stop,
    Via,
    exit_,
    exit_signal,
    link,
    open_node,
    self_,
    send,
    spawn,
    spawn_monitor,
    starter_of,
    trap_exit,
    whereis,
)
from tests.support.assertions import death_of, mailbox
from tests.support.misbehaving import DRIVERS, Driver, Puppet, does, raising, started, wait_forever
from tests.support.trio_test import trio_test

if TYPE_CHECKING:
    from collections.abc import Callable

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
async def test_a_linked_starter_that_does_not_catch_the_failure_dies_of_its_very_reason(driver: Driver) -> None:  # S-4
    async with open_node():

        async def starter(begin: Any) -> None:
            await driver(Puppet).start_link([], begin)

        _pid, ref = spawn_monitor(starter, does(lambda _puppet: raising(ValueError("bad"))))
        crash = await death_of(ref)
        assert isinstance(crash, Crash)
        assert crash.type == "ValueError"
        for reason in (SHUTDOWN, Shutdown("detail"), Failure("x")):
            _pid, ref = spawn_monitor(starter, stops_with(reason))
            assert await death_of(ref) is reason


def stops_with(reason: ExitReason) -> Callable[[Puppet], Stop]:
    return lambda _puppet: Stop(reason)


@both_drivers
@trio_test
async def test_what_no_link_would_have_told_is_a_failure_of_the_starter(driver: Driver) -> None:  # S-4
    """Uncaught, the error is a ``{ok, Pid} = ...`` that does not match."""
    async with open_node():
        stops = does(lambda _puppet: Stop(SHUTDOWN))

        async def trapping_starter() -> None:
            trap_exit()
            await driver(Puppet).start_link([], stops)

        async def unlinked_starter() -> None:
            await driver(Puppet).start([], stops)

        async def starter_of_one_that_ends_normally() -> None:
            await driver(Puppet).start_link([], does(lambda _puppet: Stop(NORMAL)))

        for starter, reason in (
            (trapping_starter, SHUTDOWN),
            (unlinked_starter, SHUTDOWN),
            (starter_of_one_that_ends_normally, NORMAL),
        ):
            _pid, ref = spawn_monitor(starter)
            assert await death_of(ref) == Failure(reason)


@both_drivers
@trio_test
async def test_a_failed_start_is_an_error_in_place_even_without_trapping_exits(driver: Driver) -> None:  # S-4
    async with open_node() as node:
        failing: list[Callable[[Puppet], Any]] = [
            lambda _puppet: raising(ValueError("bad")),
            lambda _puppet: Stop(Failure("x")),
            lambda _puppet: 7,
        ]
        for begin in failing:
            with pytest.raises(InitFailedError):
                await driver(Puppet).start_link([], begin)
        assert await driver(Puppet).start_link([], does(lambda _puppet: IGNORE)) is None

        assert node.pids() == [self_()]


@both_drivers
@trio_test
async def test_no_start_that_fails_or_is_ignored_leaves_an_exit_with_a_trapping_starter(driver: Driver) -> None:  # S-4
    async with open_node():
        trap_exit()
        outcomes: list[Callable[[Puppet], Any]] = [
            lambda _puppet: raising(ValueError("crash")),
            lambda _puppet: exit_(Failure("exit")),
            lambda _puppet: Stop(SHUTDOWN),
            lambda _puppet: "a bad return",
        ]
        for begin in outcomes:
            with pytest.raises(InitFailedError):
                await driver(Puppet).start_link([], begin)
        await driver(Puppet).start_link([], does(lambda _puppet: IGNORE))
        await wait_all_tasks_blocked()

        assert await mailbox() == []


@both_drivers
@trio_test
async def test_a_continuation_runs_before_any_message_even_one_sent_in_init(driver: Driver) -> None:  # S-1
    async with open_node():
        log: list[object] = []

        def begin(puppet: Puppet) -> Ok:
            send(puppet.pid, "sent in init")
            return Ok(continue_="later")

        await started(driver(Puppet), log, begin)
        await wait_all_tasks_blocked()

        assert log == [("continue", "later"), "sent in init"]


@trio_test
async def test_a_continuation_does_not_hold_up_the_starter() -> None:  # S-1
    class Slow(Puppet):
        async def handle_continue(self, continuation: Any) -> None:
            await trio.sleep(60)
            self.log.append("continued")

    async with open_node():
        log: list[object] = []
        begun = trio.current_time()

        await started(Slow, log, does(lambda _puppet: Ok(continue_="later")))

        assert trio.current_time() == begun
        assert log == []
        await trio.sleep(61)
        assert log == ["continued"]


@both_drivers
@trio_test
async def test_a_monitored_start_gives_the_pid_and_one_down(driver: Driver) -> None:
    async with open_node():
        started_with = await driver(Puppet).start_monitor([], name="it")
        assert started_with is not None
        pid, ref = started_with
        assert whereis("it") is pid
        process = self_().process
        assert process is not None
        assert list(process.linked()) == []

        exit_signal(pid, KILL)
        assert await mailbox() == [Down(ref, pid, KILLED)]


@trio_test
async def test_a_monitored_task_that_dies_right_after_it_is_ready_is_down_with_its_reason() -> None:
    """A monitor made after the start would say NOPROC."""
    async with open_node():

        def begin(_puppet: Puppet) -> Ok:
            return Ok(continue_=stops_with(Failure("soon")))

        started_with = await DRIVERS[1](Puppet).start_monitor([], begin)
        assert started_with is not None

        assert await death_of(started_with[1]) == Failure("soon")


@both_drivers
@trio_test
async def test_a_monitored_start_that_fails_leaves_no_down(driver: Driver) -> None:
    async with open_node() as node:
        with pytest.raises(InitFailedError):
            await driver(Puppet).start_monitor([], does(lambda _puppet: raising(ValueError("bad"))))
        assert await driver(Puppet).start_monitor([], does(lambda _puppet: IGNORE)) is None
        with pytest.raises(InitFailedError):
            await SlowInit.start_monitor([], timeout=1)
        await wait_all_tasks_blocked()

        assert await mailbox() == []
        assert node.pids() == [self_()]


class ContestedName(Via):
    """A name that is taken between the question and the registration."""

    def register(self, pid: Pid, /) -> None:
        raise NameTakenError("somebody was faster")

    def unregister(self) -> None:
        """Nothing to free."""

    def whereis(self) -> Pid | None:
        return None


@both_drivers
@trio_test
async def test_a_start_that_loses_the_race_for_its_name_leaves_no_process(driver: Driver) -> None:
    async with open_node() as node:
        with pytest.raises(NameTakenError):
            await driver(Puppet).start_link([], name=ContestedName())
        await wait_all_tasks_blocked()

        assert node.pids() == [self_()]


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


@trio_test
async def test_the_starter_of_a_process_is_who_waits_until_it_is_ready() -> None:
    async with open_node():
        starters: list[Pid | None] = []

        async def looker() -> None:
            await trio.sleep(1)
            slow = whereis("slow")
            assert slow is not None
            starters.append(starter_of(slow))

        spawn(looker)
        pid = await started(SlowInit, [], name="slow")

        assert starters == [self_()]
        assert starter_of(pid) is None
        assert starter_of(self_()) is None


@trio_test
async def test_nobody_is_the_starter_of_a_process_whose_starter_gave_up() -> None:
    async with open_node():
        with trio.move_on_after(1):
            await SlowInit.start_link([], name="slow")

        assert whereis("slow") is None


@trio_test
async def test_a_process_that_is_dead_has_no_starter() -> None:
    async with open_node():
        trap_exit()
        pid = await started(Puppet, [])
        exit_signal(pid, KILL)

        assert starter_of(pid) is None
