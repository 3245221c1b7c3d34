"""Calls and requests: where they are refused, what they leave behind. (The rules G-3 to G-8 are in test_gen_server.)"""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    KILLED,
    NOPROC,
    TIMEOUT,
    Answer,
    CallError,
    CallFailed,
    CannotWaitError,
    From,
    NoReply,
    NotAProcessError,
    Reply,
    Unanswered,
    call,
    cast,
    exit_signal,
    monitor,
    open_node,
    reply,
    self_,
    send_request,
    spawn,
    spawn_monitor,
)
from tests.support.assertions import death_of, mailbox, unlinked, watched
from tests.support.misbehaving import DRIVERS, Driver, Puppet, answers, ask, started, tell
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


@trio_test
async def test_an_inline_process_is_refused_at_the_call_not_at_the_await() -> None:
    async with open_node():
        callee = await started(Puppet, [])
        log: list[object] = []

        def try_to_call(puppet: Puppet) -> None:
            try:
                call(callee, "anything")
            except CannotWaitError as error:
                puppet.log.append(str(error))

        tell(await started(Puppet, log), try_to_call)
        await wait_all_tasks_blocked()

        assert len(log) == 1
        assert "send_request()" in str(log[0])


@trio_test
async def test_call_outside_a_process_is_refused() -> None:
    with pytest.raises(NotAProcessError):
        call("anybody", "anything")


@both_drivers
@trio_test
async def test_a_process_that_does_not_catch_a_failed_call_dies_of_it(driver: Driver) -> None:
    async with open_node():
        pid, ref = await watched(driver(Puppet), [])
        exit_signal(pid, KILL)
        await death_of(ref)

        async def caller() -> None:
            await call(pid, "anything")

        _caller, ref = spawn_monitor(caller)

        assert await death_of(ref) == CallFailed(NOPROC, str(pid))


@both_drivers
@trio_test
async def test_a_cancelled_call_leaves_nothing_behind(driver: Driver) -> None:
    async with open_node():
        pid = await started(driver(Puppet), [])
        callers: list[From] = []

        def keep(_puppet: Puppet, caller: From) -> NoReply:
            callers.append(caller)
            return NoReply()

        with trio.move_on_after(1) as scope:
            await ask(pid, keep)
        assert scope.cancelled_caught
        reply(callers[0], "late")
        await wait_all_tasks_blocked()

        assert await mailbox() == []
        assert pid.process is not None
        assert not pid.process.watchers


@both_drivers
@trio_test
async def test_a_waiting_caller_learns_of_the_death_at_once(driver: Driver) -> None:
    async with open_node():
        pid = await unlinked(driver(Puppet), [])

        async def assassin() -> None:
            await trio.sleep(1)
            exit_signal(pid, KILL)

        spawn(assassin)
        with pytest.raises(CallError) as caught:
            await ask(pid, lambda _puppet, _caller: NoReply())

        assert caught.value.reason is KILLED
        assert trio.current_time() < 5


@both_drivers
@trio_test
async def test_a_call_with_no_time_at_all_times_out_cleanly(driver: Driver) -> None:
    async with open_node():
        pid = await started(driver(Puppet), [])

        with pytest.raises(CallError) as caught:
            await ask(pid, lambda _puppet, _caller: NoReply(), timeout=0)
        assert caught.value.reason is TIMEOUT


@both_drivers
@trio_test
async def test_a_request_is_answered_by_a_message(driver: Driver) -> None:
    async with open_node():
        log: list[object] = []
        callee = await started(driver(Puppet), [])
        asker = await started(driver(Puppet), log)

        tell(asker, lambda puppet: puppet.log.append(send_request(callee, answers(lambda _puppet, _caller: Reply(42)))))
        await wait_all_tasks_blocked()

        assert log == [log[0], Answer(log[0], 42)]  # type: ignore[arg-type]


@both_drivers
@trio_test
async def test_a_request_to_the_dead_or_dying_is_unanswered(driver: Driver) -> None:
    async with open_node():
        pid = await unlinked(driver(Puppet), [])
        ref = send_request(pid, answers(lambda _puppet, _caller: NoReply()))
        exit_signal(pid, KILL)
        late, nobody = send_request(pid, "anything"), send_request("nobody", "anything")

        assert await mailbox() == [Unanswered(ref, KILLED), Unanswered(late, NOPROC), Unanswered(nobody, NOPROC)]


@both_drivers
@trio_test
async def test_the_answer_to_a_dead_requester_is_dropped(driver: Driver) -> None:
    async with open_node():
        callers: list[From] = []
        callee = await started(driver(Puppet), [])
        asker, ref = await watched(driver(Puppet), [])

        def keep(_puppet: Puppet, caller: From) -> NoReply:
            callers.append(caller)
            return NoReply()

        tell(asker, lambda _puppet: send_request(callee, keep) and None)
        await wait_all_tasks_blocked()
        exit_signal(asker, KILL)
        reply(callers[0], "late")
        reply(callers[0], "later")

        assert await death_of(ref) is KILLED
        assert callee.process is not None
        assert not callee.process.watchers


@trio_test
async def test_cast_to_the_dead_or_to_nobody_is_no_error() -> None:  # P-3
    async with open_node():
        pid, ref = await watched(Puppet, [])
        exit_signal(pid, KILL)
        await death_of(ref)

        cast(pid, "anything")
        cast("nobody", "anything")
        monitor(pid)


@trio_test
async def test_a_request_ends_with_its_requester() -> None:
    async with open_node():
        callee = await unlinked(Puppet, [])
        callers: list[From] = []

        def keep(_puppet: Puppet, caller: From) -> NoReply:
            callers.append(caller)
            return NoReply()

        async def asks() -> None:
            send_request(callee, answers(keep))
            await trio.sleep_forever()

        requester = spawn(asks)
        await wait_all_tasks_blocked()
        process = callee.process
        assert process is not None
        assert process.watchers
        exit_signal(requester, KILL)

        assert not process.watchers
        reply(callers[0], "late")
        assert callee.is_alive


@trio_test
async def test_an_answered_request_leaves_nothing_with_either_process() -> None:
    async with open_node():
        callee = await unlinked(Puppet, [])
        send_request(callee, answers(lambda _puppet, _caller: Reply("yes")))
        await wait_all_tasks_blocked()

        for pid in (callee, self_()):
            process = pid.process
            assert process is not None
            assert not process.watchers
            assert not process.watching
