"""GenServer: the init table, rules G-1 to G-14 and the terminate table, for both drivers."""

from __future__ import annotations

import logging
import math
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    CALLING_SELF,
    IGNORE,
    KILL,
    KILLED,
    NOPROC,
    NORMAL,
    SHUTDOWN,
    TIMEOUT,
    AlreadyStartedError,
    BadReturn,
    CallError,
    CannotWaitError,
    Crash,
    Exit,
    ExitReason,
    Failure,
    From,
    GenServer,
    InitFailedError,
    NoReply,
    Ok,
    Pid,
    Reply,
    Shutdown,
    Stop,
    call,
    cast,
    exit_,
    exit_signal,
    link,
    open_node,
    reply,
    self_,
    send,
    send_after,
    send_request,
    spawn,
    spawn_link,
    start_inline,
    stop,
    trap_exit,
    whereis,
)
from tests.support.assertions import death_of, mailbox, unlinked, watched
from tests.support.misbehaving import (
    DRIVERS,
    Driver,
    Puppet,
    SlowTerminate,
    TerminateFails,
    answers,
    ask,
    does,
    inform,
    raising,
    started,
    tell,
    trapping,
    wait_forever,
)
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


# The init table.


@both_drivers
@pytest.mark.parametrize("result", [None, Ok()])
@trio_test
async def test_init_that_returns_none_or_ok_starts_the_process(driver: Driver, result: Any) -> None:
    async with open_node():
        pid = await started(driver(Puppet), [], does(lambda _puppet: result), name="it")

        assert pid.is_alive
        assert whereis("it") is pid


@both_drivers
@trio_test
async def test_init_with_a_timeout_gets_timeout_if_no_message_comes(driver: Driver) -> None:
    async with open_node():
        log: list[object] = []
        await started(driver(Puppet), log, does(lambda _puppet: Ok(timeout=3)))

        await trio.sleep(2)
        assert log == []
        await trio.sleep(2)
        assert log == [TIMEOUT]


@both_drivers
@trio_test
async def test_continue_runs_before_any_message_even_those_sent_in_init(driver: Driver) -> None:
    async with open_node():
        log: list[object] = []

        def begin(puppet: Puppet) -> Ok:
            send(puppet.pid, "sent in init")
            return Ok(continue_="first")

        pid = await started(driver(Puppet), log, begin)
        send(pid, "sent after start")
        await wait_all_tasks_blocked()

        assert log == [("continue", "first"), "sent in init", "sent after start"]


@both_drivers
@trio_test
async def test_init_that_returns_ignore_starts_nothing_and_frees_the_name(driver: Driver) -> None:
    async with open_node() as node:
        trap_exit()

        assert await driver(Puppet).start_link([], does(lambda _puppet: IGNORE), name="it") is None
        assert whereis("it") is None
        assert node.pids() == [self_()]
        assert await mailbox() == []


FAILURES: list[tuple[Any, ExitReason]] = [
    (does(lambda _puppet: Stop(Failure("x"))), Failure("x")),
    (does(lambda _puppet: Stop(NORMAL)), NORMAL),
    (does(lambda _puppet: exit_(SHUTDOWN)), SHUTDOWN),
    (does(lambda _puppet: exit_(NORMAL)), NORMAL),
    (does(lambda puppet: exit_signal(puppet.pid, KILL)), KILLED),
    (does(lambda puppet: exit_signal(puppet.pid, NORMAL)), NORMAL),
]


@both_drivers
@pytest.mark.parametrize(("begin", "reason"), FAILURES)
@trio_test
async def test_init_that_leaves_is_an_error_with_its_reason(driver: Driver, begin: Any, reason: ExitReason) -> None:
    async with open_node() as node:
        log: list[object] = []
        trap_exit()

        with pytest.raises(InitFailedError) as caught:
            await driver(Puppet).start_link(log, begin, name="it")

        assert caught.value.reason == reason
        assert whereis("it") is None  # S-3
        assert log == []  # G-1
        assert await mailbox() == []  # S-4
        assert node.pids() == [self_()]


@both_drivers
@trio_test
async def test_init_that_raises_is_an_error_with_the_crash(driver: Driver) -> None:
    async with open_node():
        log: list[object] = []
        trap_exit()

        with pytest.raises(InitFailedError) as caught:
            await driver(Puppet).start_link(log, does(lambda _puppet: raising(ValueError("bad"))), name="it")

        assert isinstance(caught.value.reason, Crash)
        assert caught.value.reason.type == "ValueError"
        assert whereis("it") is None
        assert log == []
        assert await mailbox() == []


@both_drivers
@trio_test
async def test_init_that_returns_anything_else_is_a_bad_return(driver: Driver) -> None:
    async with open_node():
        with pytest.raises(InitFailedError) as caught:
            await driver(Puppet).start([], does(lambda _puppet: 42))

        assert isinstance(caught.value.reason, BadReturn)
        assert caught.value.reason.got == "42"
        assert caught.value.reason.callback.endswith("init")


@both_drivers
@trio_test
async def test_terminate_does_not_run_when_init_failed(driver: Driver) -> None:  # G-1
    async with open_node():
        log: list[object] = []

        with pytest.raises(InitFailedError):
            await driver(Puppet).start(log, does(lambda _puppet: raising(ValueError("bad"))))

        assert log == []


@both_drivers
@trio_test
async def test_a_taken_name_is_already_started_and_init_does_not_run(driver: Driver) -> None:  # G-2
    async with open_node():
        log: list[object] = []
        pid = await started(driver(Puppet), [], name="it")

        with pytest.raises(AlreadyStartedError) as caught:
            await driver(Puppet).start_link([], does(lambda _puppet: log.append("init")), name="it")

        assert caught.value.pid is pid
        assert log == []


# Call, cast, reply.


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


@both_drivers
@pytest.mark.parametrize("send_it", [tell, inform])
@trio_test
async def test_a_bad_return_stops_the_server(driver: Driver, send_it: Any) -> None:  # G-9
    async with open_node():
        log: list[object] = []
        pid, ref = await watched(driver(Puppet), log)

        send_it(pid, does(lambda _puppet: "nonsense"))
        reason = await death_of(ref)

        assert isinstance(reason, BadReturn)
        assert reason.got == "'nonsense'"
        assert log == [("terminate", reason)]


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no text for you")


@both_drivers
@trio_test
async def test_a_bad_return_that_cannot_be_printed_still_runs_terminate(driver: Driver) -> None:  # G-9
    async with open_node():
        log: list[object] = []
        pid, ref = await watched(driver(Puppet), log)

        tell(pid, lambda _puppet: Unprintable())
        reason = await death_of(ref)

        assert isinstance(reason, BadReturn)
        assert "RuntimeError" in reason.got
        assert log == [("terminate", reason)]


@both_drivers
@pytest.mark.parametrize("nonsense", [None, 42])
@trio_test
async def test_a_call_that_returns_no_outcome_is_a_bad_return(driver: Driver, nonsense: Any) -> None:  # G-9
    async with open_node():
        pid = await unlinked(driver(Puppet), [])

        with pytest.raises(CallError) as caught:
            await ask(pid, lambda _puppet, _caller: nonsense)
        assert isinstance(caught.value.reason, BadReturn)
        assert "Reply" in caught.value.reason.expected


@both_drivers
@trio_test
async def test_a_crash_reaches_terminate_and_is_the_exit_reason(driver: Driver) -> None:  # G-10
    async with open_node():
        log: list[object] = []
        pid, ref = await watched(driver(Puppet), log)

        tell(pid, lambda _puppet: raising(ValueError("bad")))
        reason = await death_of(ref)

        assert isinstance(reason, Crash)
        assert log == [("terminate", reason)]


@both_drivers
@trio_test
async def test_exit_in_a_callback_reaches_terminate_with_its_plain_reason(driver: Driver) -> None:  # G-10
    async with open_node():
        log: list[object] = []
        pid, ref = await watched(driver(Puppet), log)

        inform(pid, lambda _puppet: exit_(Failure("x")))

        assert await death_of(ref) == Failure("x")
        assert log == [("terminate", Failure("x"))]


@both_drivers
@trio_test
async def test_any_message_cancels_a_timeout(driver: Driver) -> None:  # G-11
    async with open_node():
        log: list[object] = []
        pid = await started(driver(Puppet), log, does(lambda _puppet: Ok(timeout=3)))

        await trio.sleep(2)
        send(pid, "message")
        await trio.sleep(10)

        assert log == ["message"]


@both_drivers
@trio_test
async def test_an_infinite_timeout_is_none(driver: Driver) -> None:  # G-11
    async with open_node():
        log: list[object] = []
        pid = await started(driver(Puppet), log, does(lambda _puppet: Ok(timeout=math.inf)))
        await trio.sleep(1000)

        assert pid.is_alive
        assert log == []


@both_drivers
@trio_test
async def test_every_kind_of_outcome_may_set_a_timeout(driver: Driver) -> None:  # G-11
    async with open_node():
        log: list[object] = []
        pid = await started(driver(Puppet), log)

        assert await ask(pid, lambda _puppet, _caller: Reply(1, timeout=1)) == 1
        await trio.sleep(2)
        tell(pid, lambda _puppet: NoReply(timeout=1))
        await trio.sleep(2)
        inform(pid, does(lambda _puppet: NoReply(continue_=does(lambda _puppet: NoReply(timeout=1)))))
        await trio.sleep(2)

        assert log == [TIMEOUT] * 3


@both_drivers
@trio_test
async def test_a_timeout_of_zero_with_mail_waiting_handles_the_mail_instead(driver: Driver) -> None:  # G-11
    async with open_node():
        log: list[object] = []
        pid = await started(driver(Puppet), log)

        tell(pid, lambda _puppet: NoReply(timeout=0))
        send(pid, "mail")
        await trio.sleep(1)
        assert log == ["mail"]

        tell(pid, lambda _puppet: NoReply(timeout=0))
        await trio.sleep(1)
        assert log == ["mail", TIMEOUT]


async def five_seconds() -> None:
    await trio.sleep(5)


@trio_test
async def test_a_timeout_that_fires_while_mail_waits_is_forgotten() -> None:  # G-11
    async with open_node():
        log: list[object] = []
        pid = await started(DRIVERS[1](Puppet), log, does(lambda _puppet: Ok(timeout=1)))
        inform(pid, lambda _puppet: five_seconds())
        tell(pid, lambda _puppet: NoReply(timeout=1))
        inform(pid, lambda _puppet: five_seconds())
        send(pid, "mail")
        await trio.sleep(30)

        assert log == ["mail"]


@both_drivers
@trio_test
async def test_a_stale_timeout_does_not_end_the_wait_for_a_new_one(driver: Driver) -> None:  # G-11
    async with open_node():
        log: list[object] = []
        pid = await started(driver(Puppet), log)

        tell(pid, lambda _puppet: NoReply(timeout=1))
        await trio.sleep(0.5)
        tell(pid, lambda _puppet: NoReply(timeout=1))
        await trio.sleep(0.75)
        assert log == []
        await trio.sleep(0.5)
        assert log == [TIMEOUT]


@pytest.mark.parametrize("coroutine", ["init", "handle_info"])
@trio_test
async def test_a_missing_handle_info_logs_and_drops_the_message(
    coroutine: str, caplog: pytest.LogCaptureFixture
) -> None:  # G-12
    async with open_node():

        class Plain(GenServer):
            if coroutine == "init":

                async def init(self) -> None:
                    pass

        pid = await started(Plain)
        with caplog.at_level(logging.WARNING, "regrow"):
            send(pid, "surprise")
            await wait_all_tasks_blocked()

        assert "Plain" in caplog.text
        assert "unexpected message: 'surprise'" in caplog.text
        assert pid.is_alive


@pytest.mark.parametrize("missing", ["handle_call", "handle_cast", "handle_continue"])
@trio_test
async def test_a_missing_callback_crashes(missing: str) -> None:  # G-12
    async with open_node():

        class Plain(GenServer):
            def handle_info(self, message: Any) -> Any:
                return NoReply(continue_=message)

        pid, ref = await watched(Plain)
        if missing == "handle_call":
            with pytest.raises(CallError):
                await call(pid, "anything")
        elif missing == "handle_cast":
            cast(pid, "anything")
        else:
            send(pid, "anything")
        reason = await death_of(ref)

        assert isinstance(reason, Crash)
        assert missing in reason.message


# The terminate table.


@both_drivers
@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, Failure("x")])
@trio_test
async def test_the_parents_exit_signal_terminates_a_trapping_server(driver: Driver, reason: ExitReason) -> None:
    """Any reason, normal included."""
    async with open_node():
        trap_exit()
        log: list[object] = []
        pid = await started(driver(Puppet), log, trapping)

        exit_signal(pid, reason)
        await wait_all_tasks_blocked()

        assert log == [("terminate", reason)]
        assert await mailbox() == [Exit(pid, reason)]


@both_drivers
@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, KILLED])
@trio_test
async def test_the_parents_death_terminates_a_trapping_server(driver: Driver, reason: ExitReason) -> None:
    async with open_node():
        log: list[object] = []
        children: list[Pid] = []

        async def parent() -> None:
            children.append(await started(driver(Puppet), log, trapping))
            exit_(reason)

        spawn(parent)
        await wait_all_tasks_blocked()

        assert log == [("terminate", reason)]
        assert not children[0].is_alive


@both_drivers
@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, Failure("x")])
@trio_test
async def test_the_parents_exit_ends_a_server_that_does_not_trap_without_terminate(
    driver: Driver, reason: ExitReason
) -> None:
    """But a normal one leaves it alone."""
    async with open_node():
        log: list[object] = []
        children: list[Pid] = []

        async def parent() -> None:
            children.append(await started(driver(Puppet), log))
            exit_(reason)

        spawn(parent)
        await wait_all_tasks_blocked()

        assert log == []
        assert children[0].is_alive == (reason is NORMAL)


@both_drivers
@trio_test
async def test_the_exit_of_others_is_a_message_to_a_trapping_server(driver: Driver) -> None:
    async with open_node():
        log: list[object] = []
        pid = await started(driver(Puppet), log, trapping)

        async def peer() -> None:
            link(pid)
            exit_(SHUTDOWN)

        peer_pid = spawn(peer)
        await wait_all_tasks_blocked()

        assert log == [Exit(peer_pid, SHUTDOWN)]
        assert pid.is_alive


@both_drivers
@trio_test
async def test_nobody_is_the_parent_of_a_server_started_without_a_link(driver: Driver) -> None:
    async with open_node():
        log: list[object] = []
        pid = await unlinked(driver(Puppet), log, trapping)

        exit_signal(pid, SHUTDOWN)
        await wait_all_tasks_blocked()

        assert log == [Exit(self_(), SHUTDOWN)]
        assert pid.is_alive


@both_drivers
@trio_test
async def test_kill_runs_no_terminate(driver: Driver) -> None:
    async with open_node():
        log: list[object] = []
        pid, ref = await watched(driver(Puppet), log, trapping)

        exit_signal(pid, KILL)

        assert await death_of(ref) is KILLED
        assert log == []


@both_drivers
@trio_test
async def test_what_terminate_raises_replaces_the_reason(driver: Driver) -> None:  # G-13
    async with open_node():
        log: list[object] = []
        pid, ref = await watched(driver(TerminateFails), log)

        tell(pid, lambda _puppet: Stop(SHUTDOWN))
        reason = await death_of(ref)

        assert isinstance(reason, Crash)
        assert reason.type == "ArithmeticError"
        assert log == [("terminate", SHUTDOWN)]


@both_drivers
@pytest.mark.parametrize("begin", [None, trapping])
@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, Failure("x")])
@trio_test
async def test_stop_runs_terminate_whether_it_traps_or_not(driver: Driver, begin: Any, reason: ExitReason) -> None:
    async with open_node():  # G-14
        log: list[object] = []
        pid = await unlinked(driver(Puppet), log, begin)

        await stop(pid, reason)

        assert not pid.is_alive
        assert log == [("terminate", reason)]


@both_drivers
@trio_test
async def test_stop_of_a_dead_server_fails_with_noproc(driver: Driver) -> None:  # G-14
    async with open_node():
        pid = await unlinked(driver(Puppet), [])
        await stop(pid)

        with pytest.raises(CallError) as caught:
            await stop(pid)
        assert caught.value.reason is NOPROC


@trio_test
async def test_stop_that_takes_too_long_fails_and_does_not_kill() -> None:  # G-14
    async with open_node(shutdown_timeout=1000):
        log: list[object] = []
        pid = await unlinked(SlowTerminate, log)

        with pytest.raises(CallError) as caught:
            await stop(pid, timeout=10)
        assert caught.value.reason is TIMEOUT
        assert pid.is_alive
        await trio.sleep(60)
        assert log == [("terminate", NORMAL)]


@both_drivers
@trio_test
async def test_stop_that_ends_with_another_reason_fails_with_it(driver: Driver) -> None:  # G-14
    async with open_node():
        pid = await unlinked(driver(TerminateFails), [])

        with pytest.raises(CallError) as caught:
            await stop(pid)
        assert isinstance(caught.value.reason, Crash)


@trio_test
async def test_stopping_oneself_is_refused() -> None:
    async with open_node():
        with pytest.raises(CallError) as caught:
            await stop(self_())
        assert caught.value.reason is CALLING_SELF


@trio_test
async def test_an_inline_process_cannot_wait_in_stop() -> None:
    async with open_node():
        other = await started(Puppet, [])
        log: list[object] = []

        def try_to_stop(puppet: Puppet) -> None:
            try:
                stop(other)
            except CannotWaitError:
                puppet.log.append("refused")

        tell(await started(Puppet, log), try_to_stop)
        await wait_all_tasks_blocked()
        assert log == ["refused"]


# Both drivers.


def test_the_callbacks_decide_the_driver() -> None:
    class Waits(Puppet):
        async def handle_cast(self, request: Any) -> Any:
            pass

    assert Puppet._inline
    assert not Waits._inline
    assert not type("Heir", (Waits,), {})._inline  # type: ignore[attr-defined]


@trio_test
async def test_a_callback_may_use_a_nursery_and_exit_from_inside_it() -> None:
    async with open_node():
        log: list[object] = []

        async def leave() -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.sleep_forever)
                exit_(Failure("from a nursery"))

        pid, ref = await watched(DRIVERS[1](Puppet), log)
        tell(pid, lambda _puppet: leave())

        assert await death_of(ref) == Failure("from a nursery")
        assert log == [("terminate", Failure("from a nursery"))]


@trio_test
async def test_a_cancel_scope_of_the_callbacks_own_ends_only_what_is_in_it() -> None:
    async with open_node():
        log: list[object] = []

        async def give_up() -> None:
            with trio.move_on_after(1) as scope:
                await trio.sleep_forever()
            log.append(scope.cancelled_caught)

        pid = await started(DRIVERS[1](Puppet), log)
        tell(pid, lambda _puppet: give_up())
        assert await ask(pid, lambda _puppet, _caller: Reply("alive")) == "alive"

        assert log == [True]


@both_drivers
@trio_test
async def test_a_server_may_start_linked_children_in_init_and_takes_them_along_when_it_fails(driver: Driver) -> None:
    async with open_node():
        children: list[Pid] = []

        def begin(_puppet: Puppet) -> Any:
            children.append(spawn_link(wait_forever))
            return Stop(Failure("x"))

        with pytest.raises(InitFailedError):
            await driver(Puppet).start([], begin)

        assert not children[0].is_alive


@trio_test
async def test_an_inline_init_may_start_inline_children() -> None:
    async with open_node():
        log: list[object] = []
        children: list[Pid | None] = []

        class Nested(Puppet):
            def init(self, log: list[object], begin: Any = 0) -> Any:
                self.log, depth = log, begin
                log.append((depth, self_() is self.pid))
                if depth < 3:
                    children.append(start_inline(Nested(), (log, depth + 1), linked=True))
                log.append((depth, self_() is self.pid))

        root = await unlinked(Nested, log)
        assert log == [(depth, True) for depth in (0, 1, 2, 3, 3, 2, 1, 0)]
        exit_signal(root, KILL)
        assert len(children) == 3
        assert not any(child is not None and child.is_alive for child in children)
