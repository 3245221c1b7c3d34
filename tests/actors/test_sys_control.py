"""sys: suspending and terminating, and who cannot be asked (rules Y-1, Y-4 and Y-5), for both drivers."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    CALLING_SELF,
    NOPROC,
    NORMAL,
    SHUTDOWN,
    TIMEOUT,
    CallbackFailedError,
    CallError,
    CannotWaitError,
    ExitReason,
    Failure,
    From,
    GenServer,
    NoReply,
    Ok,
    Pid,
    Reply,
    call,
    exit_,
    exit_signal,
    intercept,
    monitor,
    open_node,
    receive,
    self_,
    send,
    spawn,
    stop,
    sys,
)
from regrow.actors._system._system_messages import Suspend
from tests.support.assertions import death_of, mailbox, unlinked
from tests.support.misbehaving import (
    DRIVERS,
    Driver,
    Puppet,
    answers,
    does,
    inform,
    started,
    tell,
    trapping,
    wait_forever,
)
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


def reporting_its_exits(log: list[object], driver: Driver) -> Any:
    """A parent that starts a trapping puppet and then does what it is sent."""

    async def parent(channel: trio.MemorySendChannel[Pid]) -> None:
        channel.send_nowait(await started(driver(Puppet), log, trapping))
        exit_(await receive(ExitReason))

    return parent


# Suspending.


@both_drivers
@trio_test
async def test_a_suspended_server_handles_nothing_and_resume_handles_what_queued_up_in_order(  # Y-1
    driver: Driver,
) -> None:
    async with open_node():
        log: list[object] = []
        pid = await started(driver(Puppet), log)

        await sys.suspend(pid)
        for number in range(300):
            send(pid, number)
        await wait_all_tasks_blocked()
        assert log == []

        await sys.resume(pid)
        send(pid, 300)
        await wait_all_tasks_blocked()
        assert log == list(range(301))


@both_drivers
@trio_test
async def test_a_suspend_among_mail_takes_effect_where_it_lies(driver: Driver) -> None:  # Y-1, Y-4
    async with open_node():
        log: list[object] = []
        pid = await started(driver(Puppet), log)

        def flood(puppet: Puppet) -> None:
            send(puppet.pid, "before")
            send(puppet.pid, suspension)
            send(puppet.pid, "behind")

        suspension = sys.SystemMessage(Suspend(), _Unasked())
        inform(pid, flood)
        await wait_all_tasks_blocked()
        assert log == ["before"]

        send(pid, "later")
        await sys.resume(pid)
        await wait_all_tasks_blocked()
        assert log == ["before", "behind", "later"]


@both_drivers
@trio_test
async def test_suspend_and_resume_are_idempotent(driver: Driver) -> None:  # Y-1
    async with open_node():
        pid = await started(driver(Puppet), [])

        await sys.resume(pid)
        await sys.suspend(pid)
        await sys.suspend(pid)
        assert (await sys.get_status(pid)).mode is sys.Mode.SUSPENDED
        await sys.resume(pid)
        assert (await sys.get_status(pid)).mode is sys.Mode.RUNNING
        assert await call(pid, answers(lambda _puppet, _caller: Reply("here"))) == "here"


@both_drivers
@trio_test
async def test_calls_of_a_suspended_server_queue_up_and_may_time_out(driver: Driver) -> None:  # Y-1
    async with open_node():
        log: list[object] = []
        pid = await started(driver(Puppet), log)

        await sys.suspend(pid)

        def late(puppet: Puppet, _caller: From) -> Reply:
            puppet.log.append("late")
            return Reply(None)

        with pytest.raises(CallError) as raised:
            await call(pid, late)
        assert raised.value.reason is TIMEOUT

        await sys.resume(pid)
        await wait_all_tasks_blocked()
        assert log == ["late"]
        assert await mailbox() == []


@both_drivers
@trio_test
async def test_the_mail_of_a_suspended_server_counts_as_pending(driver: Driver) -> None:  # Y-1
    async with open_node():
        pid = await started(driver(Puppet), [])
        await sys.suspend(pid)
        send(pid, 1)
        send(pid, 2)
        await wait_all_tasks_blocked()

        assert pid.process is not None
        assert pid.process.pending() == 2


@both_drivers
@trio_test
async def test_an_interception_begun_while_suspended_sees_what_comes_after_the_resume(driver: Driver) -> None:  # Y-1
    async with open_node():
        log: list[object] = []
        seen: list[object] = []
        pid = await started(driver(Puppet), log)
        await sys.suspend(pid)
        intercept(pid, seen.append)
        await sys.resume(pid)
        await sys.suspend(pid)
        await sys.resume(pid)

        send(pid, "x")
        await wait_all_tasks_blocked()
        assert log == ["x"]
        assert seen.count("x") == 1


@both_drivers
@pytest.mark.parametrize("suspended", [True, False])
@trio_test
async def test_a_system_message_restarts_the_full_timeout(driver: Driver, *, suspended: bool) -> None:  # G-11
    async with open_node():
        log: list[object] = []
        pid = await started(driver(Puppet), log, does(lambda _puppet: Ok(timeout=10)))

        await trio.sleep(9)
        if suspended:
            await sys.suspend(pid)
            await trio.sleep(60)
            assert log == []
            await sys.resume(pid)
        else:
            await sys.get_state(pid)
        await trio.sleep(9)
        assert log == []
        await trio.sleep(2)
        assert log == [TIMEOUT]


# The parent, and terminating.


@both_drivers
@trio_test
async def test_the_parents_exit_terminates_a_suspended_server_that_traps(driver: Driver) -> None:  # Y-5
    async with open_node():
        log: list[object] = []
        send_channel, receive_channel = trio.open_memory_channel[Pid](1)
        parent = spawn(reporting_its_exits(log, driver), send_channel)
        pid = await receive_channel.receive()
        ref = monitor(pid)

        await sys.suspend(pid)
        send(pid, "never handled")
        exit_signal(pid, Failure("of a stranger"))
        await wait_all_tasks_blocked()
        assert pid.is_alive
        send(parent, SHUTDOWN)

        assert await death_of(ref) is SHUTDOWN
        assert log == [("terminate", SHUTDOWN)]


@both_drivers
@pytest.mark.parametrize("suspended", [True, False])
@trio_test
async def test_terminate_runs_terminate_with_the_reason(driver: Driver, *, suspended: bool) -> None:  # Y-5
    async with open_node():
        log: list[object] = []
        pid = await unlinked(driver(Puppet), log)
        ref = monitor(pid)
        if suspended:
            await sys.suspend(pid)
            send(pid, "never handled")

        await sys.terminate(pid, Failure("enough"))

        assert await death_of(ref) == Failure("enough")
        assert log == [("terminate", Failure("enough"))]


@both_drivers
@trio_test
async def test_stop_ends_a_suspended_server(driver: Driver) -> None:  # G-14
    async with open_node():
        log: list[object] = []
        pid = await unlinked(driver(Puppet), log)
        await sys.suspend(pid)

        await stop(pid)

        assert log == [("terminate", NORMAL)]


# Who cannot be asked.


@trio_test
async def test_a_system_message_waits_its_turn() -> None:  # Y-4
    class Slow(GenServer):
        async def handle_info(self, message: Any) -> None:
            self.done = message
            await trio.sleep(1)

    async with open_node():
        pid = await started(Slow)
        for number in range(3):
            send(pid, number)
        assert await sys.get_state(pid) == {"done": 2}


@trio_test
async def test_a_process_without_system_messages_times_out() -> None:  # Y-4
    async with open_node():
        pid = spawn(wait_forever)
        before = trio.current_time()
        with pytest.raises(CallError) as raised:
            await sys.get_state(pid)
        assert raised.value.reason is TIMEOUT
        assert trio.current_time() - before == pytest.approx(5)


@trio_test
async def test_a_dead_process_and_oneself_are_errors_at_once() -> None:
    async with open_node():
        with pytest.raises(CallError) as raised:
            await sys.suspend("nobody")
        assert raised.value.reason is NOPROC
        with pytest.raises(CallError) as raised:
            await sys.suspend(self_())
        assert raised.value.reason is CALLING_SELF


@trio_test
async def test_an_inline_process_cannot_ask() -> None:
    async with open_node():
        log: list[object] = []
        pid = await started(Puppet, log)
        other = await started(Puppet, [])

        def ask(puppet: Puppet) -> None:
            with pytest.raises(CannotWaitError):
                sys.suspend(other)
            puppet.log.append("refused")

        tell(pid, ask)
        await wait_all_tasks_blocked()
        assert log == ["refused"]


@both_drivers
@trio_test
async def test_a_server_that_dies_while_it_is_asked_fails_the_request_with_its_reason(driver: Driver) -> None:
    async with open_node():
        pid = await unlinked(driver(Puppet), [])
        await sys.suspend(pid)

        def die(_state: Any) -> Any:
            exit_signal(pid, Failure("bad luck"))
            return NoReply()

        with pytest.raises((CallError, CallbackFailedError)):
            await sys.replace_state(pid, die)
        await wait_all_tasks_blocked()
        assert not pid.is_alive


class _Unasked(From):
    """The caller of a system message that nobody waits for."""

    def answer(self, value: object) -> None:
        pass
