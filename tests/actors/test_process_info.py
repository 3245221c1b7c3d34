"""process_info (rule R-2)."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    Bounded,
    Overflow,
    Pid,
    ProcessInfo,
    ProcessStatus,
    Reply,
    call,
    exit_signal,
    link,
    monitor,
    open_node,
    process_info,
    receive,
    register,
    self_,
    send,
    set_label,
    spawn,
    spawn_link,
    spawn_opt,
    trap_exit,
)
from tests.support.assertions import unlinked
from tests.support.misbehaving import DRIVERS, Driver, Puppet, RaisingTextError, answers, inform, tell, wait_forever
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


@both_drivers
@trio_test
async def test_a_dead_process_has_no_info(driver: Driver) -> None:
    async with open_node():
        pid = await unlinked(driver(Puppet), [])
        exit_signal(pid, KILL)

        assert process_info(pid) is None
        assert process_info(pid, "links") is None


@both_drivers
@trio_test
async def test_info_tells_names_links_monitors_and_flags(driver: Driver) -> None:
    async with open_node():
        other = spawn(wait_forever)
        register("other", other)
        pid = await unlinked(driver(Puppet), [])

        def settle(_puppet: Puppet) -> None:
            trap_exit()
            set_label("settled")
            link(other)
            monitor(other)
            monitor("other")

        tell(pid, settle)
        await wait_all_tasks_blocked()
        register("it", pid)
        monitor(pid)
        monitor(pid)
        info = process_info(pid)

        assert info is not None
        assert (info.registered_name, info.label, info.trap_exit) == ("it", "settled", True)
        assert info.links == (other,)
        assert sorted(map(str, info.monitors)) == sorted([str(other), "other"])
        assert info.monitored_by == (self_(), self_())
        assert (info.parent, info.ancestors) == (self_(), (self_(),))
        assert info.status is ProcessStatus.WAITING
        assert (info.mailbox, info.messages_dropped, info.message_queue_len) == (None, 0, 0)


@trio_test
async def test_items_are_asked_for_by_name() -> None:
    async with open_node():
        assert process_info(self_(), "trap_exit", "parent") == {"trap_exit": False, "parent": None}
        with pytest.raises(ValueError, match="no item 'heap_size', but registered_name"):
            process_info(self_(), "heap_size")  # type: ignore[call-overload]


@trio_test
async def test_a_task_is_runnable_before_it_begins_and_once_its_mail_has_come() -> None:
    async with open_node():

        async def waits() -> None:
            await receive()
            await trio.sleep_forever()

        pid = spawn(waits)
        seen = [process_info(pid, "status")]
        await wait_all_tasks_blocked()
        seen.append(process_info(pid, "status"))
        send(pid, "mail")
        seen.append(process_info(pid, "status"))
        await wait_all_tasks_blocked()
        seen.append(process_info(pid, "status"))

        assert [info and info["status"].name for info in seen] == ["RUNNABLE", "WAITING", "RUNNABLE", "WAITING"]


@trio_test
async def test_an_inline_process_is_runnable_while_it_has_mail() -> None:
    async with open_node():
        pid = await unlinked(Puppet, [])
        send(pid, "mail")

        info = process_info(pid, "status", "message_queue_len", "messages", "current_function", "current_stacktrace")
        assert info == {
            "status": ProcessStatus.RUNNABLE,
            "message_queue_len": 1,
            "messages": ("'mail'",),
            "current_function": None,
            "current_stacktrace": (),
        }


@both_drivers
@trio_test
async def test_a_running_process_sees_itself_run_and_what_still_waits(driver: Driver) -> None:
    async with open_node():
        log: list[Any] = []
        pid = await unlinked(driver(Puppet), log)

        def look_at_oneself(puppet: Puppet) -> None:
            log.append(process_info(puppet.pid, "status", "messages", "current_function", "current_stacktrace"))

        inform(pid, look_at_oneself)
        send(pid, "next")
        send(pid, "last")
        await wait_all_tasks_blocked()

        assert log[0]["status"] is ProcessStatus.RUNNING
        assert log[0]["messages"] == ("'next'", "'last'")
        assert log[0]["current_function"].endswith("look_at_oneself")
        stack = [frame.function for frame in log[0]["current_stacktrace"]]
        assert stack[-2:] == ["Puppet.handle_info", log[0]["current_function"]]
        assert not any("_run_ready" in function or "TaskProcess.run" in function for function in stack)
        assert log[1:] == ["next", "last"]


@trio_test
async def test_a_doomed_inline_process_is_exiting() -> None:
    async with open_node():
        log: list[Any] = []
        peer = spawn(wait_forever)

        def doomed(puppet: Puppet) -> None:
            link(peer)
            exit_signal(peer, KILL)
            log.append(process_info(puppet.pid, "status"))

        inform(await unlinked(Puppet, []), doomed)
        await wait_all_tasks_blocked()

        assert log == [{"status": ProcessStatus.EXITING}]


@trio_test
async def test_the_stack_of_a_waiting_task_is_that_of_its_own_code() -> None:
    async with open_node():

        async def inner() -> None:
            await receive()

        async def outer() -> None:
            await inner()

        pid = spawn(outer)
        await wait_all_tasks_blocked()
        info = process_info(pid, "current_function", "current_stacktrace")

        assert info is not None
        assert info["current_function"].endswith("inner")
        functions = [frame.function.rpartition(".")[2] for frame in info["current_stacktrace"]]
        assert functions[:4] == ["outer", "inner", "receive", "wait"]


@trio_test
async def test_a_server_that_waits_is_in_the_loop_of_the_runtime() -> None:
    async with open_node():
        pid = await unlinked(DRIVERS[1](Puppet), [])

        assert process_info(pid, "current_function") == {"current_function": "TaskProcess.wait"}


@both_drivers
@trio_test
async def test_info_keeps_nothing_alive(driver: Driver) -> None:
    async with open_node():

        class Message:
            pass

        log: list[object] = []
        pid = await unlinked(driver(Puppet), log)
        process = pid.process
        assert process is not None
        server = weakref.ref(_as_any(process.server))
        message = Message()
        held = weakref.ref(message)
        send(pid, message)
        del message
        info = process_info(pid)
        more = process_info(pid, "messages", "current_stacktrace", "memory", "links", "monitors")
        exit_signal(pid, KILL)
        del process
        await wait_all_tasks_blocked()
        gc.collect()

        assert held() is None
        assert server() is None
        assert info is not None
        assert more is not None
        assert "Message object" in more["messages"][0]


def _as_any(value: object) -> Any:
    return value


class Unprintable:
    def __repr__(self) -> str:
        raise RaisingTextError


@trio_test
async def test_messages_are_shown_as_text_cut_to_length_and_a_broken_one_hides_none() -> None:
    async with open_node():
        for message in ("x" * 10_000, Unprintable(), 3):
            send(self_(), message)

        info = process_info(self_(), "messages")
        assert info is not None
        long, broken, short = info["messages"]
        assert len(long) == 500
        assert broken == "<RaisingTextError while printing a Unprintable>"
        assert short == "3"


@both_drivers
@trio_test
async def test_memory_grows_with_what_the_process_holds(driver: Driver) -> None:
    async with open_node():
        pid = await unlinked(driver(Puppet), [])
        small = process_info(pid, "memory")
        for _ in range(1000):
            monitor(pid)
        large = process_info(pid, "memory")

        assert small is not None
        assert large is not None
        assert 200 < small["memory"] < large["memory"]


@trio_test
async def test_info_of_every_process_of_a_node_can_be_had() -> None:
    async with open_node() as node:
        spawn_link(wait_forever)
        await unlinked(Puppet, [])
        spawn_opt(wait_forever, mailbox=Bounded(3, Overflow.DROP_OLDEST))
        asked: list[Pid] = []

        async def calls() -> None:
            await call(asked[0], answers(lambda _puppet, _caller: None), timeout=1)

        asked.append(spawn(wait_forever))
        spawn(calls)
        await wait_all_tasks_blocked()

        infos = [process_info(pid) for pid in node.pids()]
        assert len(infos) == 6
        assert all(isinstance(info, ProcessInfo) for info in infos)
        exit_signal(asked[0], KILL)


@trio_test
async def test_a_caller_beneath_the_inline_process_that_asks_is_not_given_its_stack() -> None:
    async with open_node():
        log: list[Any] = []
        pid = await unlinked(Puppet, log)
        main = self_()

        def look(_puppet: Puppet, _caller: Any) -> Reply:
            return Reply(process_info(main, "status", "current_stacktrace"))

        info = await call(pid, answers(look))

        assert info["status"] is ProcessStatus.RUNNING
        assert not any("look" in frame.function for frame in info["current_stacktrace"])
