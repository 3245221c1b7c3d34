"""Sockets of one identity, and closing them all: ``disconnect`` broadcast on the topic of their name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import trio

from regrow.gateway import Broadcast, Session, Settings
from tests.support.channels import Obedient, ObedientSocket
from tests.support.phoenix_client import Heard, PhoenixClient, message, ok
from tests.support.serving import Served, serving
from tests.support.socket_test import socket_test

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from regrow.gateway import Request, Socket


class Account(Session):
    """Who the client is."""

    __slots__ = ("user",)

    def __init__(self, request: Request) -> None:
        super().__init__(request.params)
        self.user = request.params.get("user")


class Kicker(Obedient):
    """Has others thrown out."""

    def handle_in(self, event: str, payload: Any) -> Any:
        if event == "kick":
            target = payload["target"]
            self.connection.port.pubsub.broadcast(target, Broadcast(target, "disconnect", {}))
            return None
        return super().handle_in(event, payload)


class Known(ObedientSocket):
    """Clients that say who they are."""

    channels: ClassVar = {"users:*": Kicker, "obey:*": Kicker}

    @classmethod
    def connect(cls, request: Request) -> Account:
        super().connect(request)
        return Account(request)

    @classmethod
    def identify(cls, session: Account) -> str | None:
        return None if session.user is None else f"users:{session.user}"


class AsyncKnown(Known):
    """The same as a task."""

    async def receive(self, frame: str | bytes) -> None:
        await trio.lowlevel.checkpoint()
        super().receive(frame)


both_drivers = pytest.mark.parametrize("socket", [Known, AsyncKnown])


def chat(socket: type[Socket]) -> AbstractAsyncContextManager[Served]:
    return serving({"/socket/websocket": socket}, Settings(connection_restarts=5))


async def client_of(served: Served, user: str | None) -> PhoenixClient:
    query = "" if user is None else f"&user={user}"
    client = await PhoenixClient.open(served, f"/socket/websocket?vsn=2.0.0{query}")
    assert await client.hears_nothing_more()
    return client


@both_drivers
@socket_test
async def test_c15_disconnect_closes_every_socket_of_an_identity_with_1001_and_no_other(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        ann = [await client_of(served, "ann") for _ in range(3)]
        others = [await client_of(served, user) for user in ("bob", None)]
        served.running.disconnect("users:ann")
        for client in ann:
            assert (await client.goodbye()).code == 1001
        for client in others:
            assert await client.hears_nothing_more()
        assert await (await client_of(served, "ann")).hears_nothing_more()


@both_drivers
@socket_test
async def test_c15_any_process_may_broadcast_disconnect(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        ann, bob = await client_of(served, "ann"), await client_of(served, "bob")
        await bob.joined("obey:1")
        await bob.send(message("1", "2", "obey:1", "kick", {"target": "users:ann"}))
        assert (await ann.goodbye()).code == 1001
        await bob.send(message("1", "2", "obey:1", "kick", {"target": "users:bob"}))
        assert (await bob.goodbye()).code == 1001


@both_drivers
@socket_test
async def test_an_identity_outlives_a_crash_of_the_sockets_process(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        ann = await client_of(served, "ann")
        for ref in ("2", "3"):
            assert (await ann.ask(message("1", ref, "obey:1", "socket_crash"))).ref == ref
        served.running.disconnect("users:ann")
        assert (await ann.goodbye()).code == 1001


@socket_test
async def test_a_socket_whose_process_is_being_restarted_is_closed_too() -> None:
    async with chat(Known) as served:
        ann = await client_of(served, "ann")
        (connection,) = served.running.transport.pubsub.identified("users:ann")
        assert connection.pid is not None
        connection.pid = None
        served.running.disconnect("users:ann")
        assert (await ann.goodbye()).code == 1001


@both_drivers
@socket_test
async def test_of_its_identitys_topic_a_socket_hears_nothing_else_unless_it_joins_it(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        ann, bob = await client_of(served, "ann"), await client_of(served, "bob")
        pubsub = served.running.transport.pubsub
        assert pubsub.subscribers("users:ann") == 0
        pubsub.broadcast("users:ann", Broadcast("users:ann", "news", {}))
        assert await ann.hears_nothing_more()
        for client in (ann, bob):
            await client.joined("users:ann")
        assert pubsub.subscribers("users:ann") == 2
        await bob.send(message("1", "2", "users:ann", "broadcast", 1))
        for client in (ann, bob):
            assert await client.hear() == Heard(None, None, "users:ann", "said", 1)
        await ann.send(message("1", "3", "users:ann", "phx_leave"))
        assert await ann.hear() == ok("1", "3", "users:ann")
        assert (await ann.hear()).event == "phx_close"
        served.running.disconnect("users:ann")
        assert (await ann.goodbye()).code == 1001


@socket_test
async def test_nothing_is_left_of_an_identity_whose_sockets_are_gone() -> None:
    async with chat(Known) as served:
        for _ in range(2):
            ann = await client_of(served, "ann")
            await ann.raw.reset()
        await served.settle()
        assert list(served.running.transport.pubsub.identified("users:ann")) == []
        served.running.disconnect("users:ann")
        served.running.disconnect("users:nobody")
