"""Monitors (rules M-1 to M-4)."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    KILLED,
    NOPROC,
    CallError,
    Crash,
    Down,
    Failure,
    NoReply,
    Ref,
    demonitor,
    exit_signal,
    monitor,
    open_node,
    receive,
    register,
    self_,
    send,
    send_request,
    spawn,
)
from tests.support.assertions import death_of, mailbox, unlinked, watched
from tests.support.misbehaving import DRIVERS, Driver, Puppet, answers, ask, raising, tell, wait_forever
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


@both_drivers
@trio_test
async def test_two_monitors_give_two_downs_and_each_one_only(driver: Driver) -> None:  # M-1
    async with open_node():
        pid = await unlinked(driver(Puppet), [])
        refs = {monitor(pid), monitor(pid)}

        exit_signal(pid, KILL)
        downs = await mailbox()

        assert {down.ref for down in downs} == refs
        assert [(down.target, down.reason) for down in downs] == [(pid, KILLED)] * 2


@both_drivers
@trio_test
async def test_a_dead_pid_or_unknown_name_is_down_at_once_with_noproc(driver: Driver) -> None:  # M-1
    async with open_node():
        log: list[object] = []
        dead = spawn(wait_forever)
        exit_signal(dead, KILL)
        refs: list[Ref] = []

        def watch(_puppet: Puppet) -> None:
            refs.extend([monitor(dead), monitor("nobody")])

        tell(await unlinked(driver(Puppet), log), watch)
        await wait_all_tasks_blocked()

        assert log == [Down(refs[0], dead, NOPROC), Down(refs[1], "nobody", NOPROC)]


@trio_test
async def test_a_monitor_by_name_says_the_name() -> None:  # M-2
    async with open_node():
        pid = spawn(wait_forever)
        register("worker", pid)
        ref = monitor("worker")

        exit_signal(pid, KILL)

        assert await receive() == Down(ref, "worker", KILLED)


@both_drivers
@trio_test
async def test_monitoring_oneself_never_fires(driver: Driver) -> None:  # M-2
    async with open_node():
        log: list[object] = []
        pid, ref = await watched(driver(Puppet), log)
        tell(pid, lambda puppet: puppet.log.append(monitor(puppet.pid)))
        await wait_all_tasks_blocked()
        exit_signal(pid, KILL)

        assert await death_of(ref) is KILLED
        assert isinstance(log[0], Ref)
        assert len(log) == 1
        assert demonitor(monitor(self_())) is False


@trio_test
async def test_the_death_of_the_watcher_is_silent_and_leaves_nothing() -> None:  # M-2
    async with open_node():
        watched_pid = spawn(wait_forever)

        async def watcher() -> None:
            monitor(watched_pid)
            await trio.sleep_forever()

        pid = spawn(watcher)
        await wait_all_tasks_blocked()
        process = watched_pid.process
        assert process is not None
        assert process.watchers
        exit_signal(pid, KILL)

        assert watched_pid.is_alive
        assert not process.watchers


@trio_test
async def test_demonitor_tells_whether_it_was_in_time_and_leaves_a_queued_down() -> None:  # M-3
    async with open_node():
        one, two = spawn(wait_forever), spawn(wait_forever)
        early, late = monitor(one), monitor(two)

        assert demonitor(early) is True
        assert demonitor(early) is False
        exit_signal(one, KILL)
        exit_signal(two, KILL)
        assert demonitor(late) is False
        assert await mailbox() == [Down(late, two, KILLED)]


@both_drivers
@trio_test
async def test_the_down_reason_is_the_exit_reason(driver: Driver) -> None:  # M-4
    async with open_node():
        exited, ref = await watched(driver(Puppet), [])
        exit_signal(exited, Failure("x"))
        assert await death_of(ref) == Failure("x")

        crashed, ref = await watched(driver(Puppet), [])
        tell(crashed, lambda _puppet: raising(KeyError("k")))
        reason = await death_of(ref)
        assert isinstance(reason, Crash)
        assert (reason.type, reason.message) == ("KeyError", "'k'")


@both_drivers
@trio_test
async def test_monitors_calls_and_requests_are_all_told_of_one_death_and_once(driver: Driver) -> None:
    """Each of them ends its own watch while the watchers are told."""
    async with open_node():
        victim = await unlinked(driver(Puppet), [])
        failed: list[object] = []

        async def caller() -> None:
            try:
                await ask(victim, lambda _puppet, _caller: NoReply())
            except CallError as error:
                failed.append(error.reason)

        for _ in range(20):
            spawn(caller)
        refs = [monitor(victim) for _ in range(20)]
        refs += [send_request(victim, answers(lambda _puppet, _caller: NoReply())) for _ in range(20)]
        await wait_all_tasks_blocked()
        exit_signal(victim, KILL)
        messages = await mailbox()
        await wait_all_tasks_blocked()

        assert sorted(map(id, refs)) == sorted(id(message.ref) for message in messages)
        assert {message.reason for message in messages} == {KILLED}
        assert failed == [KILLED] * 20


@trio_test
async def test_only_those_that_still_watch_are_told() -> None:
    async with open_node():
        victim = spawn(wait_forever)
        refs = [monitor(victim) for _ in range(50)]
        for ref in refs[::2]:
            demonitor(ref)

        exit_signal(victim, KILL)

        assert {down.ref for down in await mailbox()} == set(refs[1::2])


@trio_test
async def test_demonitor_with_flush_removes_a_queued_down_and_nothing_else() -> None:  # M-3
    async with open_node():
        one, two = spawn(wait_forever), spawn(wait_forever)
        first, second, third = monitor(one), monitor(one), monitor(two)
        send(self_(), "before")
        exit_signal(one, KILL)
        send(self_(), "after")

        assert demonitor(third, flush=True) is True
        assert demonitor(first, flush=True) is False
        assert demonitor(first, flush=True) is False
        left = await mailbox()
        assert [left[0], left[-1]] == ["before", "after"]
        assert left[1:-1] == [Down(second, one, KILLED)]
        exit_signal(two, KILL)
        assert await mailbox() == []


@both_drivers
@trio_test
async def test_a_callback_flushes_a_down_it_has_not_got_yet(driver: Driver) -> None:  # M-3
    async with open_node():
        log: list[object] = []
        victim = spawn(wait_forever)
        refs: list[Ref] = []
        pid = await unlinked(driver(Puppet), log)
        tell(pid, lambda _puppet: refs.append(monitor(victim)))
        await wait_all_tasks_blocked()

        tell(pid, lambda puppet: puppet.log.append(demonitor(refs[0], flush=True)))
        send(pid, "before")
        exit_signal(victim, KILL)
        send(pid, "after")
        await wait_all_tasks_blocked()

        assert log == [False, "before", "after"]


@both_drivers
@pytest.mark.parametrize("count", [1, 150, 450])
@trio_test
async def test_flushing_a_down_that_was_handled_already_loses_no_message(driver: Driver, count: int) -> None:  # M-3
    """Also across the border between two turns of an inline process."""
    async with open_node():
        log: list[object] = []
        victim = spawn(wait_forever)
        refs: list[Ref] = []
        pid = await unlinked(driver(Puppet), log)
        tell(pid, lambda _puppet: refs.append(monitor(victim)))
        await wait_all_tasks_blocked()

        exit_signal(victim, KILL)
        for number in range(count):
            send(pid, number)
        tell(pid, lambda puppet: puppet.log.append(demonitor(refs[0], flush=True)))
        for number in range(count, 2 * count):
            send(pid, number)
        await wait_all_tasks_blocked()

        assert log == [Down(refs[0], victim, KILLED), *range(count), False, *range(count, 2 * count)]


@trio_test
async def test_an_inline_process_that_emptied_its_mailbox_by_flushing_goes_on() -> None:
    async with open_node():
        log: list[object] = []
        victim = spawn(wait_forever)
        pid = await unlinked(Puppet, log)

        def watch_and_flush(puppet: Puppet) -> None:
            ref = monitor(victim)
            exit_signal(victim, KILL)
            puppet.log.append(demonitor(ref, flush=True))

        tell(pid, watch_and_flush)
        await wait_all_tasks_blocked()
        send(pid, "next")
        await wait_all_tasks_blocked()

        assert log == [False, "next"]
