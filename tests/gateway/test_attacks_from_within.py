"""A handler or channel that raises, hangs, floods or leaks hurts its own connection only, and leaves nothing behind."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import pytest

from regrow.actors import send
from regrow.gateway import Settings
from tests.support.phoenix_client import PhoenixClient, errored, join, message, ok
from tests.support.raw_client import upgrade_request
from tests.support.serving import serving
from tests.support.socket_test import pass_time, socket_test
from tests.support.vandals import (
    CHANNEL_CALLBACKS,
    HANDLER_CALLBACKS,
    AsyncVandal,
    AsyncVandalChannel,
    Vandal,
    VandalChannel,
    raising,
    socket_with,
)
from tests.support.wire import CLOSE

if TYPE_CHECKING:
    from regrow.gateway import Channel, Connection, Handler
    from tests.support.raw_client import RawClient
    from tests.support.serving import Served

pytestmark = pytest.mark.usefixtures("each_transport")

HANDLERS = pytest.mark.parametrize("handler", [Vandal, AsyncVandal])
CHANNELS = pytest.mark.parametrize("channel", [VandalChannel, AsyncVandalChannel])
LATER = pytest.mark.parametrize("later", [False, True], ids=["plain", "async"])

ENDS = {"__init__": 1011, "open": 1011, "recovered": 1011}
"""Close codes where the connection does not survive a callback that always raises."""


def youngest(served: Served) -> Connection:
    """The connection that came last."""
    return list(served.running.transport.connections.values())[-1]


# What raises.


@LATER
@pytest.mark.parametrize("callback", HANDLER_CALLBACKS)
@socket_test
async def test_a_handler_that_raises_anywhere_loses_at_most_its_own_connection(callback: str, *, later: bool) -> None:
    handler: type[Handler] = raising(Vandal, callback, later=later)
    settings = Settings(message_burst=3, connection_restarts=2)
    async with serving({"/bad": handler}, settings) as served:
        client = await served.connect()
        await client.send(upgrade_request("/bad"))
        assert await client.status() == (500 if callback == "connect" else 101)
        if callback == "connect":
            return
        await served.settle()
        if callback not in ENDS:
            pid = youngest(served).pid
            assert pid is not None
            send(pid, "info")
            await served.settle()
        if callback == "recovered":
            await client.send_text("crash")
        elif callback == "overrun":
            await client.send_text(*["x"] * 5)
        elif callback not in ENDS:
            await client.send_text("x")
        await served.settle()
        if callback in ENDS:
            await pass_time(7)
            assert (await client.frame()).code == ENDS[callback]
            return
        await client.say_goodbye()
        frames = await until_goodbye(client)
        assert frames[-1] in {1000, 1011}


async def until_goodbye(client: RawClient) -> list[int | None]:
    """The codes of the frames that are close frames; None for others."""
    codes: list[int | None] = []
    while not codes or codes[-1] is None:
        frame = await client.frame()
        codes.append(frame.code if frame.opcode == CLOSE else None)
    return codes


@LATER
@pytest.mark.parametrize("callback", CHANNEL_CALLBACKS)
@socket_test
async def test_a_channel_that_raises_anywhere_loses_at_most_itself(callback: str, *, later: bool) -> None:
    channel: type[Channel] = raising(VandalChannel, callback, later=later)
    async with serving({"/socket/websocket": socket_with(channel)}) as served:
        client = await PhoenixClient.open(served)
        await client.joined("good", "g")
        reply = await client.ask(join("1", "bad:1"))
        if callback in {"__init__", "join"}:
            assert reply.payload == {"status": "error", "response": {"reason": "join crashed"}}
        else:
            assert reply == ok("1", "1", "bad:1")
        if callback == "joined":
            assert await client.hear() == errored("1", "bad:1")
        elif callback not in {"__init__", "join"}:
            await client.send(message("1", None, "bad:1", "info"), message("1", None, "bad:1", "seen"))
            await served.settle()
            ends = {"handle_in", "handle_out", "handle_info"}
            heard = await client.hear()
            assert heard == errored("1", "bad:1") if callback in ends else heard.event == "seen"
            if callback == "terminate":
                await client.send(message("1", "2", "bad:1", "phx_leave"))
                assert await client.hear() == ok("1", "2", "bad:1")
                assert (await client.hear()).event in {"phx_close", "phx_error"}
        assert await client.ask(message("g", "3", "good", "ok")) == ok("g", "3", "good")
        assert await client.hears_nothing_more()


# What does not come back.


@HANDLERS
@socket_test
async def test_a_handler_that_loops_is_interrupted_and_goes_on_with_fresh_state(handler: type[Handler]) -> None:
    async with serving({"/bad": handler}, budget=0.05) as served:
        client = await served.client("/bad")
        await client.send_text("loop", "behind it")
        assert await client.text() == "behind it"
        assert served.metrics.crashed == 1


@CHANNELS
@socket_test
async def test_a_channel_that_loops_is_interrupted_and_its_socket_goes_on(channel: type[Channel]) -> None:
    async with serving({"/socket/websocket": socket_with(channel)}, budget=0.05) as served:
        client = await PhoenixClient.open(served)
        await client.joined("good", "g")
        await client.joined("bad:1", "1")
        assert await client.ask(message("1", "2", "bad:1", "loop")) == errored("1", "bad:1")
        assert await client.ask(message("g", "3", "good", "ok")) == ok("g", "3", "good")
        await client.joined("bad:1", "4")


@socket_test
async def test_a_handler_that_hangs_keeps_its_own_client_waiting_and_takes_no_more_than_one_read() -> None:
    async with serving({"/bad": AsyncVandal}, Settings(message_rate=float("inf"))) as served:
        client = await served.client("/bad")
        await client.send_text("hang")
        await served.settle()
        connection = youngest(served)
        for _ in range(20):
            await client.send_text("x" * 1000)
            await served.settle()
        assert len(connection.frames) <= 1  # the others wait in the kernel


@socket_test
async def test_a_channel_that_hangs_leaves_its_socket_and_its_siblings_alone() -> None:
    async with serving({"/socket/websocket": socket_with(AsyncVandalChannel)}) as served:
        client = await PhoenixClient.open(served)
        await client.joined("good", "g")
        await client.joined("bad:1", "1")
        await client.joined("bad:2", "2")
        await client.send(message("1", "h", "bad:1", "hang"))
        assert await client.ask(message("g", "3", "good", "ok")) == ok("g", "3", "good")
        assert await client.ask(message("2", "4", "bad:2", "phx_leave")) == ok("2", "4", "bad:2")
        await client.raw.say_goodbye()
        assert (await until_goodbye(client.raw))[-1] == 1000
        await pass_time(7)  # who does not end when it is told to is killed


# What floods.


@HANDLERS
@socket_test
async def test_a_handler_that_floods_its_client_loses_it_with_1013(handler: type[Handler]) -> None:
    settings = Settings(outbox_limit=100_000)
    async with serving({"/bad": handler}, settings) as served:
        client = await served.client("/bad", receive_buffer=4096)
        await client.send_text("flood the client")
        await served.settle()
        assert served.metrics.slow_consumers == 1
        await served.settle()
        assert (await until_goodbye(client))[-1] == 1013


@CHANNELS
@socket_test
async def test_a_channel_that_floods_its_client_loses_it_with_1013(channel: type[Channel]) -> None:
    settings = Settings(outbox_limit=100_000)
    async with serving({"/socket/websocket": socket_with(channel)}, settings) as served:
        client = await served.client("/socket/websocket?vsn=2.0.0", receive_buffer=4096)
        await client.send(join("1", "bad:1"))
        await client.text()
        await client.send(message("1", None, "bad:1", "flood the client"))
        await served.settle()
        assert served.metrics.slow_consumers == 1
        assert (await until_goodbye(client))[-1] == 1013


@HANDLERS
@socket_test
async def test_a_handler_that_floods_its_own_mailbox_starves_nobody(handler: type[Handler]) -> None:
    async with serving({"/bad": handler}) as served:
        client = await served.client("/bad")
        await client.send_text("flood yourself")
        assert await (await served.client()).echoes()
        assert await client.echoes("behind the flood")


@CHANNELS
@socket_test
async def test_a_channel_that_floods_its_own_mailbox_starves_nobody(channel: type[Channel]) -> None:
    async with serving({"/socket/websocket": socket_with(channel)}) as served:
        client = await PhoenixClient.open(served)
        await client.joined("good", "g")
        await client.joined("bad:1", "1")
        await client.send(message("1", None, "bad:1", "flood yourself"))
        assert await client.ask(message("g", "3", "good", "ok")) == ok("g", "3", "good")


# What leaks.


@pytest.mark.parametrize("how", ["goodbye", "reset", "crash"])
@HANDLERS
@socket_test
async def test_what_a_handler_leaks_is_freed_with_its_process(handler: type[Handler], how: str) -> None:
    async with serving({"/bad": handler}) as served:
        pubsub = served.running.transport.raw_pubsub
        client = await served.client("/bad")
        await served.settle()
        before = len(served.node.processes)
        await client.send_text("leak", "leaked")
        assert await client.text() == "leaked"
        assert len(served.node.processes) == before + 50
        assert len(pubsub._topics) == 50
        (vandal,) = Vandal.living
        await leave(client, how)
        await served.settle()
        kept = weakref.ref(vandal)
        del vandal
        gc.collect()
        assert kept() is None
        if how == "crash":  # what is subscribed is the connection, which lives on
            assert len(served.node.processes) == before
            assert await client.echoes()
        else:
            assert len(served.node.processes) == before - 1
            assert pubsub._topics == {}


@pytest.mark.parametrize("how", ["goodbye", "reset", "crash", "leave"])
@CHANNELS
@socket_test
async def test_what_a_channel_leaks_is_freed_with_its_process(channel: type[Channel], how: str) -> None:
    async with serving({"/socket/websocket": socket_with(channel)}) as served:
        transport = served.running.transport
        client = await PhoenixClient.open(served)
        await served.settle()
        before = len(served.node.processes)
        await client.joined("bad:1", "1")
        await client.send(message("1", None, "bad:1", "leak"))
        assert (await client.hear()).event == "presence_diff"
        assert len(served.node.processes) == before + 51
        assert len(transport.pubsub._topics) == 51
        if how in {"crash", "leave"}:
            await client.send(message("1", None, "bad:1", {"leave": "phx_leave"}.get(how, how)))
        else:
            await leave(client.raw, how)
        await served.settle()
        gc.collect()
        assert len(served.node.processes) == before - (how in {"goodbye", "reset"})
        assert transport.pubsub._topics == {}
        assert transport.presence.list("bad:1") == {}


async def leave(client: RawClient, how: str) -> None:
    """Have the connection's process end."""
    match how:
        case "goodbye":
            await client.say_goodbye()
            await client.rest()
        case "reset":
            await client.reset()
        case _:
            await client.send_text(how)
