"""The socket outlives its process: what a client sees of crashes and restarts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import trio

from regrow.actors import KILL, exit_signal, send
from regrow.actors.sys import SystemMessage
from regrow.gateway import Handler, RefuseError, Settings
from tests.support.misbehaving_handlers import AsyncCrashing, Crashing, Stubborn, Unopenable
from tests.support.serving import Served, serving
from tests.support.socket_test import pass_time, socket_test

if TYPE_CHECKING:
    from regrow.actors import Pid

pytestmark = pytest.mark.usefixtures("each_transport")

SETTINGS = Settings(
    connection_restarts=2, connection_restart_period=10, close_timeout=5, partitions=2, ping_interval=math.inf
)

both_drivers = pytest.mark.parametrize("handler", [Crashing, AsyncCrashing])


def connection_pids(served: Served, path_of: type[Handler]) -> list[Pid]:
    connections = served.running.transport.connections.values()
    return [
        one.pid for one in connections if one.pid is not None and one.route is not None and one.route.handler is path_of
    ]


@both_drivers
@socket_test
async def test_a_crash_keeps_the_socket_and_the_frames_behind_the_one_that_killed(handler: type[Handler]) -> None:
    async with serving({"/crashing": handler}, SETTINGS) as served:
        client = await served.client("/crashing")
        await client.send_text("a", "b", "crash", "c", "d")
        assert [await client.text() for _ in range(5)] == [
            "1: 'a'",
            "2: 'b'",
            "recovered from 'crash'",
            "1: 'c'",
            "2: 'd'",
        ]
        assert served.metrics.crashed == 1


@both_drivers
@socket_test
async def test_a_client_may_crash_its_process_as_often_as_the_limit_says(handler: type[Handler]) -> None:
    async with serving({"/crashing": handler}, SETTINGS) as served:
        client = await served.client("/crashing")
        await client.send_text("crash", "crash", "a")
        assert [await client.text() for _ in range(3)] == ["recovered from 'crash'"] * 2 + ["1: 'a'"]


@both_drivers
@socket_test
async def test_one_crash_more_closes_that_connection_alone_with_1011(handler: type[Handler]) -> None:
    async with serving({"/crashing": handler}, SETTINGS) as served:
        bystanders = [await served.client("/crashing") for _ in range(4)]
        client = await served.client("/crashing")
        await client.send_text("crash", "crash", "crash", "never served")
        assert [await client.text() for _ in range(2)] == ["recovered from 'crash'"] * 2
        assert await client.close_code() == 1011
        await client.say_goodbye(1011)
        assert await client.is_ended()
        for bystander in bystanders:
            await bystander.send_text("a")
            assert await bystander.text() == "1: 'a'"
        assert served.metrics.given_up == 1


@both_drivers
@socket_test
async def test_crashes_are_forgiven_once_the_period_is_over(handler: type[Handler]) -> None:
    async with serving({"/crashing": handler}, SETTINGS) as served:
        client = await served.client("/crashing")
        for _ in range(5):
            await client.send_text("crash", "crash")
            assert [await client.text() for _ in range(2)] == ["recovered from 'crash'"] * 2
            await pass_time(12)


@both_drivers
@socket_test
async def test_a_process_that_is_killed_is_replaced_without_a_frame_to_blame(handler: type[Handler]) -> None:
    async with serving({"/crashing": handler}, SETTINGS) as served:
        client = await served.client("/crashing")
        await client.send_text("a")
        assert await client.text() == "1: 'a'"
        (pid,) = connection_pids(served, handler)
        exit_signal(pid, KILL)
        assert await client.text() == "recovered from None"
        await client.send_text("b")
        assert await client.text() == "1: 'b'"


@socket_test
async def test_many_crashes_at_once_close_nothing_and_restart_each() -> None:
    async with serving({"/crashing": Crashing}, Settings(max_connections_per_address=200)) as served:
        clients = [await served.client("/crashing") for _ in range(100)]
        for client in clients:
            await client.send_text("crash", "a")
        for client in clients:
            assert [await client.text(), await client.text()] == ["recovered from 'crash'", "1: 'a'"]
        assert served.metrics.crashed == 100


class AsyncUnopenable(Unopenable):
    async def receive(self, frame: str | bytes) -> None: ...


@pytest.mark.parametrize("handler", [Unopenable, AsyncUnopenable])
@socket_test
async def test_a_handler_that_cannot_open_has_its_connection_closed_with_1011(handler: type[Handler]) -> None:
    async with serving({"/unopenable": handler}, SETTINGS) as served:
        client = await served.client("/unopenable")
        assert await client.close_code() == 1011


@socket_test
async def test_a_handler_that_cannot_open_again_is_given_up_and_closed_with_1011() -> None:
    async with serving({"/stubborn": Stubborn}, SETTINGS) as served:
        client = await served.client("/stubborn")
        await client.send_text("crash")
        assert await client.close_code() == 1011
        assert served.metrics.given_up == 1


class Slow(Handler):
    """Takes its time to open."""

    opening: trio.Event
    go: trio.Event
    closed: list[int | None]

    async def open(self) -> None:
        self.opening.set()
        await self.go.wait()
        self.send("open")

    def receive(self, frame: str | bytes) -> None:
        self.send(frame)

    def close(self, code: int | None, reason: str) -> None:
        self.closed.append(code)


@pytest.fixture(autouse=True)
def _fresh_events() -> None:
    Slow.opening, Slow.go, Slow.closed = trio.Event(), trio.Event(), []


@socket_test
async def test_messages_that_come_while_the_process_opens_are_served_once_it_has() -> None:
    async with serving({"/slow": Slow}, Settings(partitions=1)) as served:
        client = await served.client("/slow")
        await Slow.opening.wait()
        await client.send_text("early")
        Slow.go.set()
        assert [await client.text(), await client.text()] == ["open", "early"]


@pytest.mark.parametrize("leaves", ["with a reset", "with a close frame"])
@socket_test
async def test_a_client_that_leaves_while_its_process_opens_leaves_no_process(leaves: str) -> None:
    async with serving({"/slow": Slow}, Settings(partitions=1)) as served:
        client = await served.client("/slow")
        await Slow.opening.wait()
        processes = len(served.node.processes)
        if leaves == "with a reset":
            await client.reset()
        else:
            await client.say_goodbye()
        await served.settle()
        Slow.go.set()
        await served.settle()
        assert len(served.node.processes) == processes - 1
        assert Slow.closed == [1006 if leaves == "with a reset" else 1000]


@socket_test
async def test_a_process_that_opens_slowly_holds_up_nobody_and_gets_what_came_meanwhile() -> None:
    async with serving({"/slow": Slow}, Settings(partitions=1, close_timeout=5)) as served:
        slow = await served.client("/slow")
        await Slow.opening.wait()
        await slow.send_text("early")
        await pass_time(7)
        other = await served.client()
        await other.send_text("hello")
        assert await other.text() == "hello"
        Slow.go.set()
        assert [await slow.text(), await slow.text()] == ["open", "early"]


# The end, as the handler sees it.


class Noting(Handler):
    """Notes how its connections end."""

    closed: list[tuple[int | None, str]]
    ended_: int

    def receive(self, frame: str | bytes) -> Any:
        if frame == "stop":
            self.stop(3000, "enough")

    def info(self, message: Any) -> None:
        self.send(message)

    def close(self, code: int | None, reason: str) -> Any:
        self.closed.append((code, reason))

    @classmethod
    def ended(cls, connection: object) -> None:
        Noting.ended_ += 1


class AsyncNoting(Noting):
    async def close(self, code: int | None, reason: str) -> None:
        await trio.lowlevel.checkpoint()
        super().close(code, reason)


@pytest.mark.parametrize("handler", [Noting, AsyncNoting])
@pytest.mark.parametrize(
    ("how", "closed"),
    [
        ("goodbye", (1000, "")),
        ("silent goodbye", (None, "")),
        ("reset", (1006, "the connection broke")),
        ("stop", (3000, "enough")),
        ("violation", (1007, "text is not UTF-8")),
    ],
)
@socket_test
async def test_the_process_is_told_once_how_its_connection_ended(
    handler: type[Noting], how: str, closed: tuple[int | None, str]
) -> None:
    Noting.closed, Noting.ended_ = [], 0
    async with serving({"/noting": handler}) as served:
        client = await served.client("/noting")
        await served.settle()
        processes = len(served.node.processes)
        match how:
            case "goodbye":
                await client.say_goodbye()
            case "silent goodbye":
                await client.say_goodbye(None)
            case "reset":
                await client.reset()
            case "stop":
                await client.send_text("stop")
                assert await client.close_code() == 3000
                await client.say_goodbye(3000)
            case _:
                await client.send(b"\x81\x81\0\0\0\0\xff")
                assert await client.close_code() == 1007
                await client.stream.send_eof()
        await served.settle()
        assert Noting.closed == [closed]
        assert Noting.ended_ == 1
        assert len(served.node.processes) == processes - 1


@socket_test
async def test_what_another_process_sends_is_given_to_info() -> None:
    async with serving({"/noting": Noting}) as served:
        Noting.closed, Noting.ended_ = [], 0
        client = await served.client("/noting")
        await served.settle()
        send(connection_pids(served, Noting)[0], "hello")
        assert await client.text() == "hello"


@socket_test
async def test_a_system_message_is_none_of_the_handlers_business() -> None:
    async with serving({"/noting": Noting}) as served:
        Noting.closed, Noting.ended_ = [], 0
        client = await served.client("/noting")
        await served.settle()
        pid = connection_pids(served, Noting)[0]
        unanswered: Any = None
        send(pid, SystemMessage(unanswered, unanswered))
        send(pid, "hello")
        assert await client.text() == "hello"


def test_a_refusal_has_a_status_that_http_knows() -> None:
    with pytest.raises(ValueError, match="999"):
        RefuseError(999, "No such status.")
