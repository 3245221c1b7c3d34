"""Calls: every way they are answered and every way they fail (rules G-3 to G-8), for both drivers."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    CALLING_SELF,
    KILL,
    NOPROC,
    NORMAL,
    SHUTDOWN,
    TIMEOUT,
    CallError,
    Crash,
    ExitReason,
    Failure,
    From,
    NoReply,
    Reply,
    Shutdown,
    Stop,
    call,
    exit_signal,
    open_node,
    reply,
    self_,
    send,
    send_after,
    send_request,
    spawn,
)
from tests.support.assertions import death_of, mailbox, unlinked, watched
from tests.support.misbehaving import (
    DRIVERS,
    Driver,
    Puppet,
    SlowTerminate,
    answers,
    ask,
    does,
    raising,
    started,
    tell,
)
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


@both_drivers
@trio_test
async def test_call_of_a_dead_pid_or_unknown_name_fails_with_noproc(driver: Driver) -> None:  # G-3
    async with open_node():
        pid, ref = await watched(driver(Puppet), [])
        exit_signal(pid, KILL)
        await death_of(ref)

        for callee in (pid, "nobody"):
            with pytest.raises(CallError) as caught:
                await call(callee, "anything")
            assert caught.value.reason is NOPROC


@trio_test
async def test_calling_oneself_fails() -> None:  # G-3
    async with open_node():
        with pytest.raises(CallError) as caught:
            await call(self_(), "anything")
        assert caught.value.reason is CALLING_SELF


@both_drivers
@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, Shutdown("x"), Failure("x")])
@trio_test
async def test_a_server_that_stops_before_it_replies_fails_the_call_with_its_reason(
    driver: Driver, reason: ExitReason
) -> None:  # G-3, G-8
    async with open_node():
        pid = await unlinked(driver(Puppet), [])

        with pytest.raises(CallError) as caught:
            await ask(pid, lambda _puppet, _caller: Stop(reason))
        assert caught.value.reason == reason


@both_drivers
@trio_test
async def test_a_server_that_crashes_in_a_call_fails_it_with_the_crash(driver: Driver) -> None:  # G-3
    async with open_node():
        pid = await unlinked(driver(Puppet), [])

        with pytest.raises(CallError) as caught:
            await ask(pid, lambda _puppet, _caller: raising(ValueError("bad")))
        assert isinstance(caught.value.reason, Crash)


@both_drivers
@trio_test
async def test_a_call_times_out_after_five_seconds_and_leaves_the_server_alone(driver: Driver) -> None:  # G-3, G-4
    async with open_node():
        pid = await started(driver(Puppet), [])
        begun = trio.current_time()

        with pytest.raises(CallError) as caught:
            await call(pid, answers(lambda _puppet, _caller: NoReply()))

        assert caught.value.reason is TIMEOUT
        assert trio.current_time() - begun == 5
        assert await ask(pid, lambda _puppet, _caller: Reply("alive")) == "alive"


@both_drivers
@trio_test
async def test_a_late_reply_is_dropped(driver: Driver) -> None:  # G-4
    async with open_node():
        pid = await started(driver(Puppet), [])

        def later(_puppet: Puppet, caller: From) -> NoReply:
            send_after(2, pid, does(lambda _puppet: reply(caller, "late")))
            return NoReply()

        with pytest.raises(CallError):
            await ask(pid, later, timeout=1)
        await trio.sleep(5)

        assert await mailbox() == []
        process = pid.process
        assert process is not None
        assert not process.watchers


@trio_test
async def test_a_reply_that_is_there_when_the_timeout_fires_counts() -> None:  # G-5
    async with open_node():
        pid = await started(Puppet, [])  # inline: it replies before the call waits, whose time is over by then

        assert await ask(pid, lambda _puppet, _caller: Reply("in time"), timeout=0) == "in time"


@both_drivers
@trio_test
async def test_callers_queued_behind_a_stop_get_its_reason(driver: Driver) -> None:  # G-6
    async with open_node():
        pid = await unlinked(driver(Puppet), [])

        tell(pid, lambda _puppet: Stop(Shutdown("over")))
        refs = {send_request(pid, "too late") for _ in range(3)}
        await wait_all_tasks_blocked()
        answers = await mailbox()

        assert {answer.ref for answer in answers} == refs
        assert [answer.reason for answer in answers] == [Shutdown("over")] * 3


@both_drivers
@trio_test
async def test_messages_left_at_stop_vanish(driver: Driver) -> None:  # G-6
    async with open_node():
        log: list[object] = []
        pid, ref = await watched(driver(Puppet), log)

        tell(pid, lambda _puppet: Stop(NORMAL))
        send(pid, "left")

        assert await death_of(ref) is NORMAL
        assert log == [("terminate", NORMAL)]


@both_drivers
@trio_test
async def test_any_process_may_reply_later_and_only_the_first_reply_counts(driver: Driver) -> None:  # G-7
    async with open_node():
        pid = await started(driver(Puppet), [])

        def delegate(_puppet: Puppet, caller: From) -> NoReply:
            def helper() -> None:
                reply(caller, "first")
                reply(caller, "second")

            spawn(helper)
            return NoReply()

        assert await ask(pid, delegate) == "first"
        await wait_all_tasks_blocked()
        assert await mailbox() == []


@both_drivers
@trio_test
async def test_stop_with_a_reply_runs_terminate_first(driver: Driver) -> None:  # G-8
    async with open_node():
        log: list[object] = []
        pid, ref = await watched(driver(Puppet), log)

        assert await ask(pid, lambda _puppet, _caller: Stop(SHUTDOWN, reply="bye")) == "bye"
        assert log == [("terminate", SHUTDOWN)]
        assert await death_of(ref) is SHUTDOWN


@trio_test
async def test_the_caller_of_a_stop_with_a_reply_waits_for_terminate() -> None:  # G-8
    async with open_node():
        log: list[object] = []
        pid = await unlinked(SlowTerminate, log)

        assert await ask(pid, lambda _puppet, _caller: Stop(SHUTDOWN, reply="bye"), timeout=100) == "bye"
        assert trio.current_time() >= 60
        assert log == [("terminate", SHUTDOWN)]
