"""The terminate table: which ends of a server run ``terminate`` (rules G-10 and G-13), for both drivers."""

from __future__ import annotations

from typing import Any

import pytest
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    KILLED,
    NORMAL,
    SHUTDOWN,
    Crash,
    Exit,
    ExitReason,
    Failure,
    NoReply,
    Pid,
    Stop,
    cast,
    exit_,
    exit_signal,
    link,
    open_node,
    self_,
    send,
    send_request,
    spawn,
    trap_exit,
)
from tests.support.assertions import death_of, mailbox, unlinked, watched
from tests.support.misbehaving import (
    DRIVERS,
    Driver,
    Puppet,
    TerminateFails,
    does,
    inform,
    raising,
    started,
    tell,
    trapping,
)
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


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
@pytest.mark.parametrize("callback", ["handle_call", "handle_cast", "handle_info", "handle_continue"])
@trio_test
async def test_a_crash_in_any_callback_reaches_terminate_which_sees_what_it_left(driver: Driver, callback: str) -> None:
    async with open_node():  # G-10
        log: list[object] = []
        pid, ref = await watched(driver(Puppet), log)

        def begin_and_fail(puppet: Puppet, *_caller: object) -> None:
            puppet.log.append("begun")
            raise ValueError("bad")

        match callback:
            case "handle_call":
                send_request(pid, begin_and_fail)
            case "handle_cast":
                cast(pid, begin_and_fail)
            case "handle_info":
                send(pid, begin_and_fail)
            case _:
                send(pid, does(lambda _puppet: NoReply(continue_=begin_and_fail)))
        reason = await death_of(ref)

        assert isinstance(reason, Crash)
        assert log == ["begun", ("terminate", reason)]


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


class TerminateExits(Puppet):
    """A server whose terminate exits with another reason."""

    def terminate(self, reason: ExitReason) -> Any:
        super().terminate(reason)
        exit_(Failure("of its own"))


@both_drivers
@trio_test
async def test_an_exit_in_terminate_replaces_the_reason_too(driver: Driver) -> None:  # G-13
    async with open_node():
        log: list[object] = []
        pid, ref = await watched(driver(TerminateExits), log)

        tell(pid, lambda _puppet: Stop(SHUTDOWN))

        assert await death_of(ref) == Failure("of its own")
        assert log == [("terminate", SHUTDOWN)]
