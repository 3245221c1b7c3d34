"""Who serves my connection, and the crash that a client may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regrow.gateway import Lobby, Settings
from tests.support.phoenix_client import PhoenixClient, error, join, message, ok
from tests.support.serving import serving
from tests.support.socket_test import pass_time, socket_test

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    import pytest

    from tests.support.serving import Served

ROUTES = {"/socket/websocket": Lobby}
CRASH = message(None, "c", "connection", "crash")
WHO = message(None, "w", "connection", "who")


def lobby() -> AbstractAsyncContextManager[Served]:
    return serving(ROUTES, Settings(connection_restarts=2, connection_restart_period=4))


async def who(client: PhoenixClient) -> tuple[str, int]:
    reply = await client.ask(WHO)
    response: dict[str, Any] = reply.payload["response"]
    assert reply == ok(None, "w", "connection", {"pid": response["pid"], "incarnation": response["incarnation"]})
    return response["pid"], response["incarnation"]


@socket_test
async def test_a_client_may_crash_the_process_of_its_connection_and_is_served_by_the_next() -> None:
    async with lobby() as served:
        client = await PhoenixClient.open(served)
        await client.joined("room:tea")
        pid, incarnation = await who(client)
        assert incarnation == 1
        assert pid in {str(connection.pid) for connection in served.running.transport.connections.values()}
        assert await client.ask(CRASH) == error(None, "c", "connection", "socket crashed")
        next_pid, incarnation = await who(client)
        assert incarnation == 2
        assert next_pid != pid
        ping = message("1", "9", "room:tea", "ping", {"n": 1})
        assert await client.ask(ping) == ok("1", "9", "room:tea", {"n": 1})  # the room has noticed nothing


@socket_test
async def test_a_crash_hurts_nobody_else() -> None:
    async with lobby() as served:
        client, other = await PhoenixClient.open(served), await PhoenixClient.open(served)
        before = await who(other)
        await client.ask(CRASH)
        assert await who(other) == before
        assert served.metrics.crashed == 1


@socket_test
async def test_who_crashes_too_often_is_closed_with_1011(caplog: pytest.LogCaptureFixture) -> None:
    async with lobby() as served:
        client = await PhoenixClient.open(served)
        for _ in range(2):
            assert (await client.ask(CRASH)).payload["status"] == "error"
        await client.send(CRASH)
        assert (await client.goodbye()).code == 1011
    assert "CrashRequestedError" in caplog.text


@socket_test
async def test_who_crashes_now_and_then_is_not_closed() -> None:
    async with lobby() as served:
        client = await PhoenixClient.open(served)
        for times in range(6):
            assert await client.ask(CRASH) == error(None, "c", "connection", "socket crashed")
            assert (await who(client))[1] == times + 2
            await pass_time(3)


@socket_test
async def test_the_connection_is_no_room_and_knows_no_other_event() -> None:
    async with lobby() as served:
        client = await PhoenixClient.open(served)
        for frame in (join("1", "connection"), message(None, "1", "connection", "reboot")):
            assert await client.ask(frame) == error(None, "1", "connection", "unmatched topic")
        assert (await who(client))[1] == 1
