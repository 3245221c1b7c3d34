"""A gateway that runs: opened in a node, drained when its block ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from regrow.actors import NotAProcessError, Shutdown, open_node
from regrow.gateway import Echo, Gateway, Settings, open_gateway
from tests.support.channels import AsyncObedientSocket, Obedient
from tests.support.misbehaving_handlers import Waiting
from tests.support.phoenix_client import PATH, PhoenixClient
from tests.support.raw_client import RawClient
from tests.support.socket_test import pass_time, socket_test

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from regrow.gateway import RunningGateway

GATEWAY = Gateway(
    routes={"/echo": Echo, "/waiting": Waiting, "/socket/websocket": AsyncObedientSocket},
    settings=Settings(drain_timeout=10, close_timeout=5),
)


async def run_until(done: trio.Event, use: Callable[[RunningGateway], Awaitable[None]]) -> None:
    """Run a gateway until ``done``; meanwhile and while it drains, ``use`` it. Nothing may be left of it."""
    async with open_node() as node, trio.open_nursery() as nursery:
        before = len(node.processes)
        async with open_gateway(GATEWAY, port=0) as running:
            nursery.start_soon(use, running)
            await done.wait()
        assert running.transport.connections == {}
        assert len(node.processes) == before
        with pytest.raises(OSError, match="refused"):
            await RawClient.connect(running.port)


@socket_test
async def test_leaving_closes_every_connection_with_1012() -> None:
    done = trio.Event()

    async def use(running: RunningGateway) -> None:
        clients = [await RawClient.connect(running.port) for _ in range(5)]
        for client in clients:
            await client.upgrade()
            assert await client.echoes()
        done.set()
        for client in clients:
            assert await client.close_code() == 1012
            await client.say_goodbye(1012)
            assert await client.is_ended()
            await client.aclose()

    await run_until(done, use)


@socket_test
async def test_leaving_drains_the_channels() -> None:
    done = trio.Event()
    Obedient.ended.clear()

    async def use(running: RunningGateway) -> None:
        client = PhoenixClient(await RawClient.connect(running.port))
        await client.raw.upgrade(PATH)
        await client.joined("obey:1")
        done.set()
        assert (await client.goodbye()).code == 1012
        await client.raw.aclose()

    await run_until(done, use)
    assert Obedient.ended == [("obey:1", Shutdown("draining"))]


@socket_test
async def test_clients_that_do_not_answer_are_aborted_within_the_deadline() -> None:
    done = trio.Event()

    async def use(running: RunningGateway) -> None:
        client = await RawClient.connect(running.port)
        await client.upgrade()
        done.set()
        assert await client.close_code() == 1012
        await pass_time(7)
        assert await client.is_ended()
        await client.aclose()

    await run_until(done, use)


@socket_test
async def test_a_process_that_is_busy_does_not_hold_up_the_end() -> None:
    done = trio.Event()
    Waiting.go = trio.Event()

    async def use(running: RunningGateway) -> None:
        client = await RawClient.connect(running.port)
        await client.upgrade("/waiting")
        await client.send_text("never answered")
        await pass_time(0)
        done.set()
        assert await client.close_code() == 1012
        await client.say_goodbye(1012)
        assert await client.is_ended()
        await client.aclose()

    await run_until(done, use)


@socket_test
async def test_a_client_that_has_not_sent_its_request_does_not_hold_up_the_end() -> None:
    done = trio.Event()

    async def use(running: RunningGateway) -> None:
        client = await RawClient.connect(running.port)
        await client.send(b"GET /ec")
        await pass_time(0)
        done.set()
        assert await client.is_ended()
        await client.aclose()

    await run_until(done, use)


@socket_test
async def test_a_block_that_raises_leaves_nothing_behind() -> None:
    async with open_node() as node:
        before = len(node.processes)
        with pytest.raises(KeyError):
            async with open_gateway(GATEWAY, port=0):
                raise KeyError
        assert len(node.processes) == before


@socket_test
async def test_an_address_that_is_taken_is_an_error_and_leaves_nothing_behind() -> None:
    async with open_node() as node, open_gateway(GATEWAY, port=0) as running:
        before = len(node.processes)
        with pytest.raises(OSError, match="Address already in use"):
            async with open_gateway(GATEWAY, port=running.port):
                pass
        assert len(node.processes) == before


@socket_test
async def test_a_gateway_is_opened_by_a_process() -> None:
    with pytest.raises(NotAProcessError):
        async with open_gateway(GATEWAY, port=0):
            pass


@pytest.mark.parametrize(("host", "prefix"), [("127.0.0.1", "http://127.0.0.1:"), ("::1", "http://[::1]:")])
@socket_test
async def test_its_url_says_where_it_listens(host: str, prefix: str) -> None:
    async with open_node(), open_gateway(GATEWAY, host, 0) as running:
        assert running.url == f"{prefix}{running.port}"
