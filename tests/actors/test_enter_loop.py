"""A function that becomes a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    HIBERNATE,
    NORMAL,
    SHUTDOWN,
    TIMEOUT,
    CannotWaitError,
    Crash,
    Exit,
    Failure,
    GenServer,
    NotAProcessError,
    Ok,
    Reply,
    Stop,
    enter_loop,
    exit_signal,
    open_node,
    process_info,
    receive,
    self_,
    send,
    spawn,
    spawn_link,
    spawn_monitor,
    stop,
    sys,
    trap_exit,
)
from tests.support.assertions import death_of, mailbox
from tests.support.misbehaving import DRIVERS, Driver, Puppet, ask, does, inform, raising, started, tell, trapping
from tests.support.trio_test import trio_test

if TYPE_CHECKING:
    from collections.abc import Callable

both_drivers = pytest.mark.parametrize("driver", DRIVERS)
"""Here: whether all callbacks are plain functions. The process is a task in either case."""


def becomes(driver: Driver, log: list[object], outcome: Ok | None = None, **options: Any) -> Callable[[], Any]:
    """A function that waits for its first message and then goes on as a puppet."""

    async def begin() -> None:
        log.append(await receive())
        puppet = driver(Puppet)()
        puppet.log = log
        try:
            await enter_loop(puppet, outcome, **options)
        finally:
            log.append("unwound")

    return begin


@both_drivers
@trio_test
async def test_a_function_becomes_a_server_and_init_does_not_run(driver: Driver) -> None:
    class Started(Puppet):
        def init(self, log: list[object], begin: Any = None) -> Any:
            raise AssertionError("init ran")

    async with open_node():
        log: list[object] = []
        pid = spawn(becomes(lambda server: driver(Started), log))
        send(pid, "first")
        send(pid, "second")

        assert await ask(pid, lambda puppet, _caller: Reply(puppet.pid)) is pid
        assert log == ["first", "second"]


@both_drivers
@trio_test
async def test_the_outcome_sets_a_timeout_or_puts_off_work_that_comes_before_any_message(driver: Driver) -> None:
    async with open_node():
        log: list[object] = []
        for outcome in (Ok(timeout=3), Ok(continue_="later")):
            pid = spawn(becomes(driver, log, outcome))
            send(pid, "go")
            await trio.sleep(4)
        send(pid, "next")
        await wait_all_tasks_blocked()
        assert log == ["go", TIMEOUT, "go", ("continue", "later"), "next"]

        asleep = spawn(becomes(driver, [], Ok(HIBERNATE)))
        send(asleep, "go")
        await wait_all_tasks_blocked()
        assert asleep.process is not None
        assert isinstance(asleep.process.server, GenServer)
        assert asleep.process.server.is_hibernating


@both_drivers
@pytest.mark.parametrize("spawned", [spawn, spawn_link])
@trio_test
async def test_its_spawner_is_its_parent_linked_or_not(driver: Driver, spawned: Any) -> None:
    async with open_node():
        trap_exit()
        log: list[object] = []
        pid = spawned(becomes(driver, log))
        send(pid, "go")
        tell(pid, trapping)
        await wait_all_tasks_blocked()

        stranger = spawn(exit_signal, pid, Failure("of a stranger"))
        await wait_all_tasks_blocked()
        assert log == ["go", Exit(stranger, Failure("of a stranger"))]
        exit_signal(pid, SHUTDOWN)
        await wait_all_tasks_blocked()
        assert log[2:] == [("terminate", SHUTDOWN), "unwound"]
        assert not pid.is_alive


@both_drivers
@trio_test
async def test_it_ends_as_any_server_does(driver: Driver) -> None:
    async with open_node():
        log: list[object] = []
        pid, ref = spawn_monitor(becomes(driver, log))
        send(pid, "go")
        await wait_all_tasks_blocked()
        await stop(pid)
        assert await death_of(ref) is NORMAL
        assert log == ["go", ("terminate", NORMAL), "unwound"]

        pid, ref = spawn_monitor(becomes(driver, log))
        send(pid, "go")
        inform(pid, lambda _puppet: raising(ValueError("bad")))
        reason = await death_of(ref)
        assert isinstance(reason, Crash)
        assert log[3:] == ["go", ("terminate", reason), "unwound"]

        pid, ref = spawn_monitor(becomes(driver, log, Ok(continue_=does(lambda _puppet: Stop(SHUTDOWN)))))
        send(pid, "go")
        assert await death_of(ref) is SHUTDOWN


@both_drivers
@trio_test
async def test_sys_controls_and_debugs_it(driver: Driver) -> None:
    async with open_node():
        log: list[object] = []
        pid = spawn(becomes(driver, log, debug=[sys.Log()]))
        send(pid, "go")
        send(pid, "x")

        assert await sys.get_state(pid) == {"log": ["go", "x"]}
        assert await sys.get_log(pid) == (sys.In("x"), sys.NoReply())
        await sys.suspend(pid)
        send(pid, "late")
        await wait_all_tasks_blocked()
        assert log == ["go", "x"]
        await sys.change_code(pid)
        await sys.resume(pid)
        await wait_all_tasks_blocked()
        assert log == ["go", "x", "late"]
        assert (await sys.get_status(pid)).parent is self_()
        info = process_info(pid)
        assert info is not None


@trio_test
async def test_only_the_one_task_of_a_spawned_process_may_become_a_server() -> None:
    async with open_node():
        with pytest.raises(CannotWaitError, match="main cannot become a server"):
            await enter_loop(Puppet())
        log: list[object] = []

        def try_inline(puppet: Puppet) -> None:
            with pytest.raises(CannotWaitError, match="is inline"):
                enter_loop(Puppet()).send(None)
            puppet.log.append("refused")

        tell(await started(Puppet, log), try_inline)
        await wait_all_tasks_blocked()
        assert log == ["refused"]
        assert await mailbox() == []
    with pytest.raises(NotAProcessError):
        await enter_loop(Puppet())
