"""What a client of a gateway that stops is told, and its channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from regrow.actors import Shutdown, open_node
from regrow.gateway import Gateway, Handler, Session, Settings, Socket, open_gateway
from tests.support.channels import AsyncObedientSocket, Obedient, ObedientSocket
from tests.support.phoenix_client import PATH, PhoenixClient
from tests.support.raw_client import RawClient
from tests.support.serving import Served, serving
from tests.support.socket_test import socket_test
from tests.support.wire import CLOSE, TEXT

if TYPE_CHECKING:
    from regrow.gateway import Connection

both_drivers = pytest.mark.parametrize("socket", [ObedientSocket, AsyncObedientSocket])


@pytest.fixture(autouse=True)
def _nothing_ended() -> None:
    Obedient.ended.clear()


def connection_of(served: Served, kind: type) -> Connection:
    (connection,) = [
        connection
        for connection in served.running.transport.connections.values()
        if connection.route is not None and issubclass(connection.route.handler, kind)
    ]
    return connection


@both_drivers
@socket_test
async def test_c16_a_drained_socket_is_closed_with_1012_and_its_channels_end_without_a_phx_close(
    socket: type[Socket],
) -> None:
    async with serving({"/socket/websocket": socket}, Settings()) as served:
        client = await PhoenixClient.open(served)
        for number in range(3):
            await client.joined(f"obey:{number}", str(number))
        await served.settle()
        connection = connection_of(served, Socket)
        connection.drain()
        # A phx_close would make phoenix.js forget the channel: only the close lets it join again elsewhere.
        assert (await client.goodbye()).code == 1012
        await served.settle()
        assert sorted(Obedient.ended, key=repr) == [(f"obey:{number}", Shutdown("draining")) for number in range(3)]
        assert isinstance(connection.session, Session)
        assert connection.session.joined == {}
        connection.drain()
        await client.raw.say_goodbye(1012)
        assert await client.raw.is_ended()


@both_drivers
@socket_test
async def test_c16_a_gateway_that_stops_drains_every_socket(socket: type[Socket]) -> None:
    codes: list[int | None] = []

    async def listen(client: RawClient) -> None:
        frame = await client.frame()
        codes.append(frame.code)
        await client.say_goodbye(1012)
        await client.aclose()

    gateway = Gateway(routes={"/socket/websocket": socket})
    async with trio.open_nursery() as nursery, open_node(), open_gateway(gateway, port=0) as running:
        for number in range(3):
            raw = await RawClient.connect(running.port)
            await raw.upgrade(PATH)
            client = PhoenixClient(raw)
            await client.joined(f"obey:{number}")
            nursery.start_soon(listen, raw)
    assert codes == [1012] * 3
    assert sorted(Obedient.ended, key=repr) == [(f"obey:{number}", Shutdown("draining")) for number in range(3)]


class LastWords(Handler):
    """Says something before the end."""

    @classmethod
    def drain(cls, connection: Connection) -> Any:
        connection.push(connection.framing.text(b"farewell"))


class Faulty(Handler):
    """Cannot even say goodbye."""

    @classmethod
    def drain(cls, connection: Connection) -> Any:
        raise RuntimeError("no goodbye")


@socket_test
async def test_a_handler_may_say_last_words() -> None:
    async with serving({"/last": LastWords}) as served:
        client = await served.client("/last")
        connection_of(served, LastWords).drain()
        frame = await client.frame()
        assert (frame.opcode, frame.payload) == (TEXT, b"farewell")
        assert await client.close_code() == 1012


@socket_test
async def test_a_handler_whose_drain_raises_is_closed_with_1012_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    async with serving({"/faulty": Faulty}) as served:
        client = await served.client("/faulty")
        connection_of(served, Faulty).drain()
        frame = await client.frame()
        assert (frame.opcode, frame.code) == (CLOSE, 1012)
        assert "no goodbye" in caplog.text
