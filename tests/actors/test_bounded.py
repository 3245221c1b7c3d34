"""Bounded mailboxes: an extension. Senders never block, signals are never dropped."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    KILLED,
    MAILBOX_FULL,
    NORMAL,
    Actor,
    ActorDiedError,
    Bounded,
    CallError,
    Down,
    Exit,
    MailboxFullError,
    MailboxFullReport,
    NoReply,
    Overflow,
    Pid,
    Report,
    Unanswered,
    call,
    cast,
    exit_signal,
    link,
    monitor,
    open_node,
    process_info,
    receive,
    self_,
    send,
    send_after,
    send_request,
    spawn,
    spawn_opt,
    start_timer,
    stop,
    trap_exit,
)
from regrow.actors._processes._inline import InlineProcess
from regrow.actors._processes._task import TaskProcess
from tests.support.assertions import death_of, mailbox
from tests.support.misbehaving import DRIVERS, Driver, Puppet, answers, inform, trapping, wait_forever
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


async def bounded(driver: Driver, log: list[object], bound: Bounded, begin: Any = None) -> Pid:
    pid = await driver(Puppet).start(log, begin, mailbox=bound)
    assert pid is not None
    return pid


def dropped(pid: Pid) -> int:
    info = process_info(pid)
    assert info is not None
    return info.messages_dropped


@pytest.mark.parametrize("limit", [0, -1])
def test_a_bound_leaves_room_for_a_message_at_least(limit: int) -> None:
    with pytest.raises(ValueError, match="room for a message"):
        Bounded(limit)


@both_drivers
@trio_test
async def test_drop_newest_keeps_what_came_first_and_counts_the_rest(driver: Driver) -> None:
    async with open_node():
        log: list[object] = []
        pid = await bounded(driver, log, Bounded(3))
        await wait_all_tasks_blocked()
        for number in range(10):
            send(pid, number)
        assert dropped(pid) == 7
        await wait_all_tasks_blocked()

        assert log == [0, 1, 2]
        send(pid, "room again")
        await wait_all_tasks_blocked()
        assert log[-1] == "room again"


@both_drivers
@trio_test
async def test_drop_oldest_keeps_what_came_last(driver: Driver) -> None:
    async with open_node():
        log: list[object] = []
        pid = await bounded(driver, log, Bounded(3, Overflow.DROP_OLDEST))
        await wait_all_tasks_blocked()
        for number in range(10):
            send(pid, number)
        await wait_all_tasks_blocked()

        assert log == [7, 8, 9]
        assert dropped(pid) == 7


@both_drivers
@trio_test
async def test_kill_ends_the_process_even_if_it_traps_exits(driver: Driver) -> None:
    async with open_node():
        log: list[object] = []
        pid = await bounded(driver, log, Bounded(3, Overflow.KILL), trapping)
        ref = monitor(pid)
        for number in range(10):
            send(pid, number)

        assert await death_of(ref) is MAILBOX_FULL
        assert log == []


@trio_test
async def test_an_inline_process_that_floods_itself_dies_when_its_callback_returns() -> None:
    async with open_node():
        log: list[object] = []
        pid = await bounded(DRIVERS[0], log, Bounded(3, Overflow.KILL))
        ref = monitor(pid)

        def flood(puppet: Puppet) -> None:
            for number in range(10):
                send(puppet.pid, number)
            puppet.log.append("flooded")

        inform(pid, flood)

        assert await death_of(ref) is MAILBOX_FULL
        assert log == ["flooded"]


@both_drivers
@trio_test
async def test_refuse_is_an_error_of_the_sender(driver: Driver) -> None:
    async with open_node():
        log: list[object] = []
        pid = await bounded(driver, log, Bounded(1, Overflow.REFUSE))
        await wait_all_tasks_blocked()
        send(pid, "in")

        with pytest.raises(MailboxFullError, match="is full: 1 messages"):
            send(pid, "out")
        with pytest.raises(MailboxFullError):
            cast(pid, "out")
        assert dropped(pid) == 2
        await wait_all_tasks_blocked()
        assert log == ["in"]


@trio_test
async def test_a_timer_drops_the_message_that_is_refused() -> None:
    async with open_node():
        pid = spawn_opt(wait_forever, mailbox=Bounded(1, Overflow.REFUSE))
        send(pid, "in")
        send_after(1, pid, "out")
        await trio.sleep(2)

        assert dropped(pid) == 1


@both_drivers
@pytest.mark.parametrize("policy", [Overflow.DROP_NEWEST, Overflow.REFUSE])
@trio_test
async def test_a_call_that_finds_no_room_fails_at_once(driver: Driver, policy: Overflow) -> None:
    async with open_node():
        pid = await bounded(driver, [], Bounded(1, policy))
        await wait_all_tasks_blocked()
        send(pid, "in")
        begun = trio.current_time()

        with pytest.raises(CallError) as caught:
            if driver is DRIVERS[0]:  # a call runs an inline callee: ask instead
                ref = send_request(pid, answers(lambda _puppet, _caller: NoReply()))
                assert await receive() == Unanswered(ref, MAILBOX_FULL)
                raise CallError(MAILBOX_FULL, pid)
            await call(pid, "hello?")

        assert caught.value.reason is MAILBOX_FULL
        assert trio.current_time() == begun


@trio_test
async def test_a_request_that_makes_room_for_another_fails_at_once() -> None:
    async with open_node():
        pid = spawn_opt(wait_forever, mailbox=Bounded(1, Overflow.DROP_OLDEST))
        first, second = send_request(pid, "one"), send_request(pid, "two")

        assert await mailbox() == [Unanswered(first, MAILBOX_FULL)]
        exit_signal(pid, KILL)
        assert await mailbox() == [Unanswered(second, KILLED)]


@both_drivers
@pytest.mark.parametrize("policy", list(Overflow))
@trio_test
async def test_signals_are_neither_counted_nor_dropped(driver: Driver, policy: Overflow) -> None:
    async with open_node():
        log: list[Any] = []
        peers = [spawn(wait_forever) for _ in range(3)]

        def begin(_puppet: Puppet) -> None:
            trap_exit()
            for peer in peers:
                link(peer)
                monitor(peer)

        pid = await bounded(driver, log, Bounded(2, policy), begin)
        await wait_all_tasks_blocked()
        timer = start_timer(0, pid, "tick")
        await wait_all_tasks_blocked()
        log.clear()
        send(pid, "one")
        for peer in peers:
            exit_signal(peer, KILL)
        send(pid, "two")
        await wait_all_tasks_blocked()

        assert timer.remaining() is None
        assert [message for message in log if isinstance(message, str)] == ["one", "two"]
        assert sorted(message.pid for message in log if isinstance(message, Exit)) == peers
        assert len([message for message in log if isinstance(message, Down)]) == 3
        assert dropped(pid) == 0


@both_drivers
@trio_test
async def test_a_full_mailbox_does_not_keep_a_server_from_being_stopped(driver: Driver) -> None:
    async with open_node():
        pid = await bounded(driver, [], Bounded(1))
        send(pid, "in")

        await stop(pid)

        assert not pid.is_alive


@both_drivers
@trio_test
async def test_a_storm_is_reported_once(driver: Driver, caplog: pytest.LogCaptureFixture) -> None:
    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)
        pid = await bounded(driver, [], Bounded(4))
        await wait_all_tasks_blocked()

        with caplog.at_level(logging.WARNING, "regrow"):
            for _ in range(100):
                send(pid, "flood")
        assert [type(report) for report in reports] == [MailboxFullReport]
        assert "is full: 4 messages, DROP_NEWEST" in caplog.text
        await wait_all_tasks_blocked()
        for _ in range(100):
            send(pid, "flood again")
        assert len(reports) == 2


@trio_test
async def test_an_ask_that_finds_no_room_fails_and_a_tell_is_dropped() -> None:
    async with open_node():

        class Listener(Actor):
            async def on_receive(self, message: Any) -> Any:
                await trio.sleep_forever()

        pid = await Listener.start_link(mailbox=Bounded(1, Overflow.REFUSE))
        assert pid is not None
        process = pid.process
        assert process is not None
        actor = process.server
        assert isinstance(actor, Listener)
        actor.actor_ref.tell("taken")
        await wait_all_tasks_blocked()
        actor.actor_ref.tell("waits")
        actor.actor_ref.tell("dropped")

        with pytest.raises(ActorDiedError) as caught:
            await actor.actor_ref.ask("hello?", block=False)
        assert caught.value.reason is MAILBOX_FULL
        assert dropped(pid) == 2


@trio_test
async def test_the_rest_of_an_interrupted_turn_is_counted_anew() -> None:
    async with open_node():
        log: list[object] = []
        pid = await bounded(DRIVERS[0], log, Bounded(5, Overflow.DROP_OLDEST))

        def look(puppet: Puppet) -> None:
            process_info(puppet.pid, "messages")
            for number in range(3):
                send(puppet.pid, number)

        inform(pid, look)
        for letter in "abcd":
            send(pid, letter)
        await wait_all_tasks_blocked()

        assert log == ["c", "d", 0, 1, 2]


@trio_test
async def test_a_process_without_a_bound_is_of_the_plain_class() -> None:
    async with open_node():
        inline = await Puppet.start([])
        assert inline is not None
        assert type(inline.process) is InlineProcess
        assert type(spawn(wait_forever).process) is TaskProcess


@given(
    steps=st.lists(st.sampled_from(["send", "signal", "take", "select"]), max_size=60),
    limit=st.integers(1, 5),
    policy=st.sampled_from([Overflow.DROP_NEWEST, Overflow.DROP_OLDEST]),
)
def test_a_bounded_mailbox_behaves_like_a_list_with_a_limit(steps: list[str], limit: int, policy: Overflow) -> None:
    """The model: ordinary messages up to the limit, signals besides, in order of arrival."""
    trio_test(_compare)(steps, limit, policy)


async def _compare(steps: list[str], limit: int, policy: Overflow) -> None:
    async with open_node():
        model: list[Any] = []
        taken: list[Any] = []
        pid = spawn_opt(wait_forever, mailbox=Bounded(limit, policy))
        process = pid.process
        assert isinstance(process, TaskProcess)
        for number, step in enumerate(steps):
            if step == "send":
                waiting = [message for message in model if isinstance(message, int)]
                if len(waiting) < limit:
                    model.append(number)
                elif policy is Overflow.DROP_OLDEST:
                    model.remove(waiting[0])
                    model.append(number)
                send(pid, number)
            elif step == "signal":
                signal = Exit(self_(), NORMAL)
                model.append(signal)
                process.post(signal)
            else:
                patterns = (int,) if step == "select" else ()
                found = [message for message in model if not patterns or isinstance(message, int)]
                taken.append(process.take(patterns))
                if found:
                    assert taken[-1] is found[0]
                    del model[next(index for index, message in enumerate(model) if message is found[0])]
            assert list(process.mailbox) == model
