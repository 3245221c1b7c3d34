"""sys, debugging: trace, log, statistics and hooks (rule Y-6), for both drivers."""

from __future__ import annotations

import io
from typing import Any

import pytest
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    NORMAL,
    Call,
    From,
    NoReply,
    Reply,
    Stop,
    call,
    monitor,
    open_node,
    reply,
    send,
    spawn,
    sys,
)
from tests.support.assertions import death_of, unlinked
from tests.support.misbehaving import DRIVERS, Driver, Puppet, answers, ask, started, tell
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


def echo(_puppet: Puppet, _caller: From) -> Reply:
    return Reply("echo")


def answer_in_vain(_puppet: Puppet, caller: From) -> NoReply:
    reply(caller, "by hand")
    return NoReply()


@both_drivers
@trio_test
async def test_statistics_count_messages_but_not_those_of_sys(driver: Driver) -> None:  # Y-6
    async with open_node():
        pid = await started(driver(Puppet), [])
        assert await sys.get_statistics(pid) is None

        await sys.statistics(pid)
        await ask(pid, echo)
        await ask(pid, echo)
        send(pid, "info")
        await sys.get_state(pid)

        totals = await sys.get_statistics(pid)
        assert totals is not None
        assert (totals.messages_in, totals.messages_out) == (3, 2)
        assert totals.start_time <= totals.current_time
        await sys.statistics(pid, on=False)
        assert await sys.get_statistics(pid) is None


@both_drivers
@trio_test
async def test_the_log_keeps_the_last_ten_events(driver: Driver) -> None:  # Y-6
    async with open_node():
        pid = await started(driver(Puppet), [])
        assert await sys.get_log(pid) == ()
        await sys.log(pid)

        await ask(pid, echo)
        await ask(pid, answer_in_vain)
        send(pid, "info")

        first, second, third, fourth, *rest = await sys.get_log(pid)
        assert isinstance(first, sys.In)
        assert isinstance(first.message, Call)
        assert second == sys.Out("echo", first.message.caller)
        assert isinstance(third, sys.In)
        assert fourth == sys.NoReply()
        assert rest == [sys.In("info"), sys.NoReply()]

        for number in range(20):
            send(pid, number)
        assert len(await sys.get_log(pid)) == 10
        assert (await sys.get_log(pid))[-2] == sys.In(19)
        await sys.log(pid, size=2)
        assert await sys.get_log(pid) == (sys.In(19), sys.NoReply())
        await sys.log(pid, on=False)
        assert await sys.get_log(pid) == ()


@trio_test
async def test_a_log_of_no_events_is_refused() -> None:
    async with open_node():
        pid = await started(Puppet, [])
        with pytest.raises(ValueError, match="positive"):
            sys.log(pid, size=0)


@both_drivers
@trio_test
async def test_trace_prints_each_event_until_it_is_turned_off(
    driver: Driver, capsys: pytest.CaptureFixture[str]
) -> None:  # Y-6
    async with open_node():
        pid = await started(driver(Puppet), [])
        await sys.trace(pid)
        await ask(pid, echo)
        send(pid, "info")
        await sys.trace(pid, on=False)
        send(pid, "unseen")
        await wait_all_tasks_blocked()

        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 4
        assert lines[0].startswith(f"*DBG* {pid} got Call(")
        assert lines[1].startswith(f"*DBG* {pid} sent 'echo' to ")
        assert lines[2:] == [f"*DBG* {pid} got 'info'", f"*DBG* {pid} carries on"]


@both_drivers
@trio_test
async def test_trace_prints_what_cannot_be_printed(driver: Driver) -> None:  # Y-6
    class Unprintable:
        def __repr__(self) -> str:
            raise ValueError("no")

    async with open_node():
        file = io.StringIO()
        pid = await started(driver(Puppet), [])
        await sys.trace(pid, file=file)
        send(pid, Unprintable())
        await sys.no_debug(pid)
        assert "Unprintable" in file.getvalue()
        assert pid.is_alive


@both_drivers
@trio_test
async def test_a_hook_folds_over_the_events_until_it_is_done(driver: Driver) -> None:  # Y-6
    seen: list[tuple[int, sys.Event]] = []

    def count(number: int, event: sys.Event) -> Any:
        seen.append((number, event))
        return number + 1 if number < 2 else sys.DONE

    async with open_node():
        pid = await started(driver(Puppet), [])
        await sys.install(pid, count, 0)
        await sys.install(pid, count, 100)  # it is installed already
        send(pid, "a")
        send(pid, "b")
        send(pid, "c")
        await wait_all_tasks_blocked()

        assert seen == [(0, sys.In("a")), (1, sys.NoReply()), (2, sys.In("b"))]


@both_drivers
@trio_test
async def test_a_hook_that_raises_is_removed_and_the_server_lives(driver: Driver) -> None:  # Y-6
    def fail(_state: object, _event: sys.Event) -> None:
        seen.append(1)
        raise ValueError("bad hook")

    seen: list[int] = []
    async with open_node():
        log: list[object] = []
        pid = await started(driver(Puppet), log)
        await sys.install(pid, fail)
        send(pid, "a")
        send(pid, "b")
        await wait_all_tasks_blocked()

        assert (seen, log) == ([1], ["a", "b"])
        assert (await sys.get_status(pid)).debug == ()


@both_drivers
@trio_test
async def test_a_hook_is_removed_by_itself_or_its_key(driver: Driver) -> None:  # Y-6
    seen: list[tuple[str, sys.Event]] = []

    def note(name: str, event: sys.Event) -> str:
        seen.append((name, event))
        return name

    async with open_node():
        pid = await started(driver(Puppet), [])
        await sys.install(pid, note, "plain")
        await sys.install(pid, note, "keyed", key="key")
        send(pid, 1)
        await sys.remove(pid, "key")
        send(pid, 2)
        await sys.remove(pid, note)
        await sys.remove(pid, note)
        send(pid, 3)
        await wait_all_tasks_blocked()

        assert [(name, event.message) for name, event in seen if isinstance(event, sys.In)] == [
            ("plain", 1),
            ("keyed", 1),
            ("plain", 2),
        ]


@both_drivers
@trio_test
async def test_no_debug_ceases_everything_and_leaves_nothing_behind(driver: Driver) -> None:  # Y-6
    async with open_node():
        pid = await started(driver(Puppet), [])
        assert pid.process is not None
        server = pid.process.server
        assert isinstance(server, Puppet)
        await sys.log(pid)
        await sys.statistics(pid)
        await sys.install(pid, lambda state, _event: state, key="hook")
        assert (await sys.get_status(pid)).debug == ("log", "statistics", "install 'hook'")
        await sys.no_debug(pid)

        assert (await sys.get_status(pid)).debug == ()
        assert "_route" not in vars(server)


@both_drivers
@trio_test
async def test_what_is_kept_back_while_suspended_becomes_an_event_when_it_is_handled(driver: Driver) -> None:  # Y-6
    async with open_node():
        pid = await started(driver(Puppet), [])
        await sys.suspend(pid)
        await sys.log(pid)
        send(pid, "x")
        assert await sys.get_log(pid) == ()
        await sys.resume(pid)
        await wait_all_tasks_blocked()
        assert await sys.get_log(pid) == (sys.In("x"), sys.NoReply())


@both_drivers
@trio_test
async def test_debugging_changes_no_outcome(driver: Driver) -> None:  # Y-6, G-8, G-9
    async with open_node():
        for outcome, reason_name in ((Stop(NORMAL, "bye"), "NORMAL"), ("nonsense", "BadReturn")):
            log: list[object] = []
            pid = await unlinked(driver(Puppet), log)
            ref = monitor(pid)
            await sys.log(pid)

            async def asking(pid: Any = pid, outcome: Any = outcome) -> None:
                await call(pid, answers(lambda _puppet, _caller: outcome))

            spawn(asking)
            assert reason_name in repr(await death_of(ref))
            assert len(log) == 1


@trio_test
async def test_a_cast_and_a_continuation_are_handled_under_observation() -> None:  # Y-6
    async with open_node():
        log: list[object] = []
        pid = await started(Puppet, log)
        await sys.log(pid)
        tell(pid, lambda _puppet: NoReply(continue_="more"))
        await wait_all_tasks_blocked()

        assert log == [("continue", "more")]
        assert (await sys.get_log(pid))[1] == sys.NoReply()
