"""Supervisors as processes: what they answer, and to whom (rules U-5 and U-23)."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    NOPROC,
    NORMAL,
    SHUTDOWN,
    AlreadyStartedError,
    CallError,
    Crash,
    Failure,
    From,
    GenServer,
    Ok,
    Reply,
    call,
    cast,
    exit_signal,
    open_node,
    self_,
    send,
    spawn,
    trap_exit,
)
from regrow.supervisors import (
    ChildInfo,
    ChildSpec,
    ChildType,
    Counts,
    DynamicSupervisor,
    Restart,
    StartChildError,
    Supervisor,
    count_children,
    start_child,
    terminate_child,
    which_children,
)
from tests.support.misbehaving_children import Crier, Fragile, Slow
from tests.support.supervised import child, crash, end, fragile, its_end, names, witness
from tests.support.trio_test import trio_test

HERE = (Fragile.__module__,)
"""The modules of the misbehaving children."""


@trio_test
async def test_u5_messages_that_are_no_requests_and_exits_of_strangers_are_ignored() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a")])
        before = await child(supervisor, "a")
        spawn(exit_signal, supervisor, Failure("stranger"))
        spawn(exit_signal, supervisor, NORMAL)
        spawn(exit_signal, supervisor, SHUTDOWN)
        supervisor.process.post("hello")  # type: ignore[union-attr]  # pyright: ignore
        assert await child(supervisor, "a") is before


@trio_test
async def test_u5_a_message_that_is_no_request_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with open_node():
        for supervisor in (await Supervisor.start_link([]), await DynamicSupervisor.start_link()):
            caplog.clear()
            send(supervisor, "hello")
            await wait_all_tasks_blocked()
            assert "unexpected message: 'hello'" in caplog.text
            assert supervisor.is_alive


@trio_test
async def test_u5_an_unknown_call_crashes_the_supervisor_which_stops_its_children() -> None:
    events: list[str] = []
    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link([witness("a", events)])
        with pytest.raises(CallError) as failure:
            await call(supervisor, "what?")
        assert isinstance(failure.value.reason, Crash)
        assert events == ["a+", "a-"]


@trio_test
async def test_a_supervisor_can_be_found_by_its_name() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a")], name="sup")
        assert await names(supervisor) == [info.id for info in await which_children("sup")] == ["a"]
        with pytest.raises(AlreadyStartedError):
            await Supervisor.start_link([], name="sup")


@trio_test
async def test_supervisors_are_children_like_others() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link(
            [
                ChildSpec("inner", Supervisor.start_link, ([fragile("a")],), type=ChildType.SUPERVISOR),
                ChildSpec("crowd", partial(DynamicSupervisor.start_link, max_children=1), type=ChildType.SUPERVISOR),
            ]
        )
        inner = await child(supervisor, "inner")
        before = await child(inner, "a")
        await crash(inner, "a")
        assert await child(inner, "a") not in {before, None}
        assert await child(supervisor, "inner") is inner


@trio_test
async def test_an_exit_signal_that_a_living_child_sends_is_not_its_end() -> None:
    def cry() -> Any:
        return Crier.start_link(self_())

    async with open_node():
        supervisor = await Supervisor.start_link([ChildSpec("a", cry)])
        pid = await child(supervisor, "a")
        cast(pid, Failure("pretending"))
        assert await child(supervisor, "a") is pid


@trio_test
async def test_u23_a_supervisor_is_busy_while_a_child_starts() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a")])
        pid = await child(supervisor, "a")
        asked_at = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(start_child, supervisor, ChildSpec("slow", Slow.start_link, (2.0,)))
            await wait_all_tasks_blocked()
            cast(pid, "crash")
            await wait_all_tasks_blocked()
            after = {info.id: info.pid for info in await which_children(supervisor)}
        assert trio.current_time() == asked_at + 2
        assert after["a"] not in {pid, None}


class Asker(GenServer):
    """Asks a supervisor while it initialises, or once it has."""

    async def init(self, supervisor: str, when: str) -> Ok | None:
        if when == "in handle_continue":
            return Ok(continue_=supervisor)
        await which_children(supervisor)
        return None

    async def handle_continue(self, supervisor: str) -> None:
        self.children = await which_children(supervisor)

    async def handle_call(self, request: Any, caller: From) -> Reply:
        return Reply(self.children)


@trio_test
async def test_u23_a_child_that_asks_its_supervisor_while_it_starts_is_told_that_this_never_ends() -> None:
    asker = ChildSpec("asker", Asker.start_link, ("sup", "in init"))
    between = ChildSpec("between", Supervisor.start_link, ([asker],), type=ChildType.SUPERVISOR)
    async with open_node():
        supervisor = await Supervisor.start_link([], name="sup")
        for spec in (asker, between):
            with pytest.raises(StartChildError, match="would wait for ever"):
                await start_child(supervisor, spec)
        assert await names(supervisor) == []


@trio_test
async def test_u23_a_child_may_ask_its_supervisor_once_it_has_started() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([], name="sup")
        pid = await start_child(supervisor, ChildSpec("asker", Asker.start_link, ("sup", "in handle_continue")))
        assert pid is not None
        assert [info.pid for info in await call(pid, "whom did you see?")] == [pid]


@trio_test
async def test_u23_a_child_may_ask_a_supervisor_that_does_not_wait_for_it() -> None:
    async with open_node():
        await Supervisor.start_link([], name="other")
        supervisor = await Supervisor.start_link([])
        pid = await start_child(supervisor, ChildSpec("asker", Asker.start_link, ("other", "in init")))
        assert pid is not None


@trio_test
async def test_u23_a_supervisor_killed_while_a_child_starts_leaves_no_child() -> None:
    async with open_node() as node:
        trap_exit()
        supervisor = await Supervisor.start_link([])
        async with trio.open_nursery() as nursery:

            async def ask() -> None:
                with pytest.raises(CallError):
                    await start_child(supervisor, ChildSpec("slow", Slow.start_link, (9.0,)))

            nursery.start_soon(ask)
            await wait_all_tasks_blocked()
            exit_signal(supervisor, KILL)
        await wait_all_tasks_blocked()
        assert len(node.processes) == 1


# What may be asked.


@trio_test
async def test_start_child_adds_a_child_at_the_end() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a")])
        pid = await start_child(supervisor, fragile("b", "second"))
        assert pid is not None
        assert await call(pid, "who") == "second"
        assert await names(supervisor) == ["b", "a"]
        await crash(supervisor, "b")
        assert await child(supervisor, "b") not in {pid, None}


@trio_test
async def test_terminate_child_keeps_the_spec_unless_the_child_is_temporary() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a"), fragile("b", restart=Restart.TEMPORARY)])
        pid = await child(supervisor, "a")
        await terminate_child(supervisor, "a")
        await terminate_child(supervisor, "b")
        assert not pid.is_alive
        assert await names(supervisor) == ["a"]
        await terminate_child(supervisor, "a")
        assert await child(supervisor, "a") is None


@trio_test
async def test_which_children_and_count_children_tell_types_and_processes() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link(
            [
                fragile("a"),
                ChildSpec("crowd", DynamicSupervisor.start_link, type=ChildType.SUPERVISOR),
                fragile("b", restart=Restart.TRANSIENT),
            ]
        )
        await end(supervisor, "b", NORMAL)
        a, crowd = await child(supervisor, "a"), await child(supervisor, "crowd")
        assert await which_children(supervisor) == [
            ChildInfo("b", None, ChildType.WORKER, HERE),
            ChildInfo("crowd", crowd, ChildType.SUPERVISOR, ("regrow.supervisors._dynamic_supervisor",)),
            ChildInfo("a", a, ChildType.WORKER, HERE),
        ]
        assert await count_children(supervisor) == Counts(specs=3, active=2, supervisors=1, workers=2)


@trio_test
async def test_a_supervisor_that_is_dead_cannot_be_asked() -> None:
    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link([])
        exit_signal(supervisor, NORMAL)
        await its_end(supervisor)
        with pytest.raises(CallError) as failure:
            await which_children(supervisor)
        assert failure.value.reason is NOPROC
