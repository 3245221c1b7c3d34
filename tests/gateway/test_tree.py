"""Crashes above the connections: what falls with a supervisor, and what comes back."""

from __future__ import annotations

import pytest

from regrow.actors import KILL, exit_signal
from regrow.gateway import Settings
from regrow.gateway._wire._frames import text_frame
from tests.support.channels import ObedientSocket
from tests.support.misbehaving_handlers import AsyncCrashing, Crashing
from tests.support.phoenix_client import PhoenixClient, errored, message, ok
from tests.support.serving import Served, serving
from tests.support.socket_test import pass_time, socket_test

pytestmark = pytest.mark.usefixtures("each_transport")

SETTINGS = Settings(partitions=3, close_timeout=5)


def kill(served: Served, name: str) -> None:
    pid = served.node.whereis(name)
    assert pid is not None
    exit_signal(pid, KILL)


@pytest.mark.parametrize("handler", [Crashing, AsyncCrashing])
@socket_test
async def test_a_partition_that_is_killed_closes_its_connections_with_1011_and_leaves_the_others(
    handler: type[Crashing],
) -> None:
    async with serving({"/crashing": handler}, SETTINGS) as served:
        clients = [await served.client("/crashing") for _ in range(10)]
        for client in clients:
            await client.send_text("a")
            assert await client.text() == "1: 'a'"
        kill(served, "regrow.connections.1")  # the bystander came first: it is in 0
        await pass_time(7)
        closed = 0
        for client in clients:
            await client.send_text("b")
            frame = await client.frame()
            if frame.payload == b"2: 'b'":
                continue
            assert frame.code == 1011
            closed += 1
        assert 0 < closed < 10
        assert served.metrics.given_up == closed
        for _ in range(4):  # whichever partition they fall into
            client = await served.client("/crashing")
            await client.send_text("a")
            assert await client.text() == "1: 'a'"


@socket_test
async def test_a_partition_of_channels_that_is_killed_is_a_phx_error_for_each_and_they_can_be_joined_again() -> None:
    async with serving({"/socket/websocket": ObedientSocket}, Settings(partitions=1)) as served:
        client = await PhoenixClient.open(served)
        for number in range(3):
            await client.joined(f"obey:{number}", str(number))
        kill(served, "regrow.channels.0")
        heard = [await client.hear() for _ in range(3)]
        assert sorted(heard, key=repr) == [errored(str(number), f"obey:{number}") for number in range(3)]
        await served.settle()
        await client.joined("obey:1", "9")
        assert await client.ask(message("9", "10", "obey:1", "ok", 1)) == ok("9", "10", "obey:1", 1)


@socket_test
async def test_the_transport_comes_back_with_every_socket_it_had() -> None:
    async with serving(settings=SETTINGS) as served:
        clients = [await served.client() for _ in range(3)]
        await served.settle()
        (transport,) = [process for process in served.node.processes if process.label == "_transport"]
        exit_signal(transport.pid, KILL)
        for client in clients:
            assert await client.echoes()


@socket_test
async def test_what_was_said_while_the_transport_was_gone_is_written_once_it_is_back() -> None:
    async with serving(settings=SETTINGS) as served:
        client = await served.client()
        await served.settle()
        *_, connection = served.running.transport.connections.values()
        (transport,) = [process for process in served.node.processes if process.label == "_transport"]
        exit_signal(transport.pid, KILL)
        connection.push(text_frame(b"in between"))
        assert await client.text() == "in between"
