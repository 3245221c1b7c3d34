"""A channel that is slow stops the reading of its client, and nobody else's."""

from __future__ import annotations

import pytest
import trio

from regrow.actors import KILL, exit_signal
from regrow.gateway import Settings
from tests.support.channels import Hanging, HangingSocket
from tests.support.phoenix_client import PhoenixClient, error, errored, join, message, ok
from tests.support.serving import Served, serving
from tests.support.socket_test import socket_test

SETTINGS = Settings(mailbox_limit=20, message_rate=1e9, message_burst=1e9)
FLOOD = 20_000


def waiting(served: Served) -> int:
    """Messages in the mailboxes of all processes."""
    return sum(process.pending() for process in served.node.processes)


@pytest.fixture(autouse=True)
def forget() -> None:
    Hanging.heard = 0


async def flooded(served: Served, client: PhoenixClient, nursery: trio.Nursery, messages: int = FLOOD) -> None:
    """Have the channel hang, and the client send more than anybody wants to keep."""
    Hanging.go = trio.Event()
    await client.joined("hang:1")
    await client.send(message("1", None, "hang:1", "hang"))
    flood = message("1", None, "hang:1", "count") * messages + message("1", "9", "hang:1", "ask")
    nursery.start_soon(client.send, flood)
    await served.settle()


@socket_test
async def test_a_flood_waits_in_the_kernel_while_its_channel_hangs_and_arrives_whole() -> None:
    async with serving({"/socket/websocket": HangingSocket}, SETTINGS) as served, trio.open_nursery() as nursery:
        client, other = [await PhoenixClient.open(served) for _ in range(2)]
        await flooded(served, client, nursery)
        read_at_once = 65_536 // len(message("1", None, "hang:1", "count"))
        assert waiting(served) <= SETTINGS.mailbox_limit + read_at_once + 10
        await other.joined("obey:1")
        assert await other.ask(message("1", "2", "obey:1", "ok", {"a": 1})) == ok("1", "2", "obey:1", {"a": 1})
        Hanging.go.set()
        assert await client.hear() == ok("1", "9", "hang:1", {"heard": FLOOD + 2})


@socket_test
async def test_a_channel_that_dies_lets_its_client_be_read_again() -> None:
    async with serving({"/socket/websocket": HangingSocket}, SETTINGS) as served, trio.open_nursery() as nursery:
        client = await PhoenixClient.open(served)
        await flooded(served, client, nursery, 3_000)
        (pid,) = [process.pid for process in served.node.processes if process.label == "Hanging"]
        exit_signal(pid, KILL)
        assert await client.hear() == errored("1", "hang:1")
        while (heard := await client.hear()).ref is None:
            assert heard == error(None, None, "hang:1", "unmatched topic")
        assert heard == error(None, "9", "hang:1", "unmatched topic")
        Hanging.go.set()
        assert await client.ask(join("20", "hang:1")) == ok("20", "20", "hang:1")


@socket_test
async def test_two_slow_channels_are_both_waited_for() -> None:
    async with serving({"/socket/websocket": HangingSocket}, SETTINGS) as served, trio.open_nursery() as nursery:
        client = await PhoenixClient.open(served)
        Hanging.go = trio.Event()
        flood = b""
        for ref, topic in (("1", "hang:1"), ("2", "hang:2")):
            await client.joined(topic, ref)
            flood += message(ref, None, topic, "hang") + message(ref, None, topic, "count") * 50
        nursery.start_soon(client.send, flood)
        await served.settle()
        (connection,) = [each for each in served.running.transport.connections.values() if each.held]
        assert connection.held == 2
        assert connection.paused
        Hanging.go.set()
        await served.settle()
        assert not connection.held
        assert not connection.paused
        assert await client.hears_nothing_more()


@socket_test
async def test_a_client_that_leaves_while_it_is_not_read_is_forgotten() -> None:
    async with serving({"/socket/websocket": HangingSocket}, SETTINGS) as served:
        client = await PhoenixClient.open(served)
        async with trio.open_nursery() as nursery:
            await flooded(served, client, nursery)
            nursery.cancel_scope.cancel()
        await client.raw.reset()
        await served.settle()
        assert len(served.running.transport.connections) == 1
        Hanging.go.set()
        await served.settle()
        assert waiting(served) == 0
