"""A server can be started and addressed by a name in a registry of one's own (rule N-2)."""

from __future__ import annotations

import pytest

from regrow.actors import (
    NOPROC,
    NORMAL,
    AlreadyStartedError,
    CallError,
    Down,
    From,
    GenServer,
    InitFailedError,
    NameTakenError,
    Pid,
    Reply,
    Stop,
    UnknownNameError,
    Via,
    call,
    monitor,
    open_node,
    receive,
    self_,
    send,
    send_after,
    stop,
    trap_exit,
)
from tests.support.trio_test import trio_test


class Directory(Via):
    """The simplest registry there is: one dict, one entry."""

    def __init__(self, table: dict[str, Pid], key: str) -> None:
        self.table = table
        self.key = key

    def register(self, pid: Pid, /) -> None:
        holder = self.table.get(self.key)
        if holder is not None and holder.is_alive:
            raise NameTakenError(self.key)
        self.table[self.key] = pid

    def unregister(self) -> None:
        self.table.pop(self.key, None)

    def whereis(self) -> Pid | None:
        pid = self.table.get(self.key)
        return pid if pid is not None and pid.is_alive else None


class Echo(GenServer):
    def handle_call(self, request: object, caller: From) -> Reply:
        return Reply(request)

    def handle_info(self, message: object) -> None:
        self.seen = message


class Refuses(GenServer):
    def init(self) -> Stop:
        return Stop(NORMAL)


@trio_test
async def test_a_server_started_by_via_answers_to_it() -> None:
    async with open_node():
        name = Directory({}, "echo")
        pid = await Echo.start_link(name=name)
        assert name.whereis() is pid
        assert await call(name, "hello") == "hello"


@trio_test
async def test_a_name_that_is_taken_in_the_registry_refuses_a_second_start() -> None:
    async with open_node():
        name = Directory({}, "echo")
        pid = await Echo.start_link(name=name)
        with pytest.raises(AlreadyStartedError) as caught:
            await Echo.start_link(name=name)
        assert caught.value.pid is pid


@trio_test
async def test_the_name_is_free_when_a_start_has_failed() -> None:
    async with open_node():
        trap_exit()
        name = Directory({}, "echo")
        with pytest.raises(InitFailedError):
            await Refuses.start_link(name=name)
        assert await Echo.start_link(name=name) is name.whereis()


@trio_test
async def test_messages_monitors_and_timers_find_the_holder() -> None:
    async with open_node():
        name = Directory({"me": self_()}, "me")
        send(name, "now")
        send_after(1, name, "later")
        assert await receive(str) == "now"
        assert await receive(str) == "later"
        gone = Directory({}, "gone")
        ref = monitor(gone)
        assert await receive(Down) == Down(ref, gone, NOPROC)


@trio_test
async def test_nobody_behind_the_name_is_like_nobody_behind_any_name() -> None:
    async with open_node():
        name = Directory({}, "nobody")
        with pytest.raises(UnknownNameError):
            send(name, "hello")
        with pytest.raises(CallError) as caught:
            await call(name, "hello")
        assert caught.value.reason is NOPROC


@trio_test
async def test_a_server_can_be_stopped_by_via() -> None:
    async with open_node():
        name = Directory({}, "echo")
        await Echo.start_link(name=name)
        await stop(name)
        assert name.whereis() is None
