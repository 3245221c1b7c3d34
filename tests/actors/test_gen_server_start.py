"""The init table: what start_link makes of what ``init`` does (rules G-1 and G-2), for both drivers."""

from __future__ import annotations

from typing import Any

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
    BadReturn,
    Crash,
    ExitReason,
    Failure,
    InitFailedError,
    Ok,
    Stop,
    exit_,
    exit_signal,
    open_node,
    self_,
    send,
    trap_exit,
    whereis,
)
from tests.support.assertions import mailbox
from tests.support.misbehaving import (
    DRIVERS,
    Driver,
    Puppet,
    does,
    raising,
    started,
)
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


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
