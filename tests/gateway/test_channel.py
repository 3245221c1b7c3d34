"""What a channel may do, inline and as a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import pytest
import trio

from regrow.gateway import Channel, Ok, Socket
from tests.support.channels import AsyncObedientSocket, ObedientSocket
from tests.support.phoenix_client import Heard, PhoenixClient, closed, error, errored, join, message, ok
from tests.support.serving import Served, serving
from tests.support.socket_test import socket_test

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

pytestmark = pytest.mark.usefixtures("each_transport")

both_drivers = pytest.mark.parametrize("socket", [ObedientSocket, AsyncObedientSocket])


def chat(socket: type[Socket]) -> AbstractAsyncContextManager[Served]:
    return serving({"/socket/websocket": socket})


def said(payload: Any, topic: str = "obey:1") -> Heard:
    return Heard(None, None, topic, "said", payload)


PAYLOADS: list[Any] = [{}, [], None, 0, 1.5, "text", "", True, {"deep": [{"er": "é\u2028"}]}]


@pytest.mark.parametrize("payload", PAYLOADS, ids=repr)
@pytest.mark.parametrize("status", ["ok", "error"])
@both_drivers
@socket_test
async def test_a_reply_carries_status_refs_and_response(socket: type[Socket], status: str, payload: Any) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:1")
        heard = await client.ask(message("1", "2", "obey:1", status, payload))
        response: Any = {} if payload is None else payload
        assert heard == Heard("1", "2", "obey:1", "phx_reply", {"status": status, "response": response})


@both_drivers
@socket_test
async def test_a_message_without_a_ref_gets_no_reply(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:1")
        await client.send(message("1", None, "obey:1", "ok"), message("1", "2", "obey:1", "silence"))
        assert await client.hears_nothing_more()


@both_drivers
@socket_test
async def test_an_event_the_channel_does_not_know_is_an_error_reply(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:1")
        heard = await client.ask(message("1", "2", "obey:1", "nosuch"))
        assert heard == error("1", "2", "obey:1", "unmatched event: nosuch")


@both_drivers
@socket_test
async def test_a_push_goes_to_this_client_with_its_join_ref(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        client, other = await PhoenixClient.open(served), await PhoenixClient.open(served)
        await client.joined("obey:1", "8")
        await other.joined("obey:1")
        heard = await client.ask(message("8", "9", "obey:1", "push", {"a": 1}))
        assert heard == Heard("8", None, "obey:1", "pushed", {"a": 1})
        assert await other.hears_nothing_more()


@both_drivers
@socket_test
async def test_a_broadcast_goes_to_everyone_in_the_topic_in_the_order_it_was_made(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        members = [await PhoenixClient.open(served) for _ in range(3)]
        outsider = await PhoenixClient.open(served)
        for member in members:
            await member.joined("obey:1")
        await outsider.joined("obey:2")
        await members[0].send(*(message("1", None, "obey:1", "broadcast", number) for number in range(30)))
        for member in members:
            assert [await member.hear() for _ in range(30)] == [said(number) for number in range(30)]
        assert await outsider.hears_nothing_more()


@both_drivers
@socket_test
async def test_a_broadcast_from_goes_to_everyone_else(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        sender, other = await PhoenixClient.open(served), await PhoenixClient.open(served)
        for member in (sender, other):
            await member.joined("obey:1")
        await sender.send(message("1", "2", "obey:1", "broadcast_from", 1))
        assert await other.hear() == said(1)
        assert await sender.hears_nothing_more()


@both_drivers
@socket_test
async def test_replies_pushes_and_broadcasts_of_one_channel_keep_their_order(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:1")
        for event in ("ok", "push", "broadcast") * 10:
            await client.send(message("1", "r", "obey:1", event, event))
        heard = [await client.hear() for _ in range(30)]
        assert [one.event for one in heard] == ["phx_reply", "pushed", "said"] * 10


@both_drivers
@socket_test
async def test_who_has_left_hears_no_more_and_who_joins_hears_from_then_on(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        leaver, stayer = await PhoenixClient.open(served), await PhoenixClient.open(served)
        for member in (leaver, stayer):
            await member.joined("obey:1")
        await leaver.send(message("1", "2", "obey:1", "phx_leave"))
        assert [await leaver.hear(), await leaver.hear()] == [ok("1", "2", "obey:1"), closed("1", "obey:1")]
        assert await stayer.ask(message("1", "2", "obey:1", "broadcast", "alone")) == said("alone")
        assert await leaver.hears_nothing_more()
        await leaver.joined("obey:1", "3")
        assert await stayer.ask(message("1", "3", "obey:1", "broadcast", "together")) == said("together")
        assert await leaver.hear() == said("together")


# Typed events.


class Point(msgspec.Struct):
    x: int


class Plotter(Channel):
    events: ClassVar = {"point": Point, "raw": msgspec.Raw}

    def handle_in(self, event: str, payload: Any) -> Any:
        return Ok({"x": payload.x} if isinstance(payload, Point) else payload)


class PlotterSocket(Socket):
    channels: ClassVar = {"plot": Plotter}


@socket_test
async def test_a_payload_is_given_as_the_type_its_event_declares() -> None:
    async with chat(PlotterSocket) as served:
        client = await PhoenixClient.open(served)
        await client.joined("plot")
        assert await client.ask(message("1", "2", "plot", "point", {"x": 3, "y": 4})) == ok("1", "2", "plot", {"x": 3})
        assert await client.ask(message("1", "3", "plot", "raw", [1, 2])) == ok("1", "3", "plot", [1, 2])
        assert await client.ask(message("1", "4", "plot", "other", "any")) == ok("1", "4", "plot", "any")


@socket_test
async def test_a_payload_that_does_not_fit_is_an_error_reply_and_not_handed_on() -> None:
    async with chat(PlotterSocket) as served:
        client = await PhoenixClient.open(served)
        await client.joined("plot")
        heard = await client.ask(message("1", "2", "plot", "point", {"x": "three"}))
        assert heard.payload["status"] == "error"
        assert heard.payload["response"]["reason"] == "invalid payload"
        assert await client.ask(message("1", "3", "plot", "point", {"x": 3})) == ok("1", "3", "plot", {"x": 3})


# Joins that take their time.


class Hesitant(Channel):
    go: trio.Event

    async def join(self, params: Any) -> None:
        await self.go.wait()


class HesitantSocket(Socket):
    channels: ClassVar = {"slow": Hesitant}


@socket_test
async def test_a_slow_join_keeps_the_messages_behind_it_waiting_and_the_socket_free() -> None:
    Hesitant.go = trio.Event()
    async with chat(HesitantSocket) as served:
        client = await PhoenixClient.open(served)
        await client.send(join("1", "slow"), message("1", "2", "slow", "nosuch"))
        assert await client.hears_nothing_more()
        Hesitant.go.set()
        assert await client.hear() == ok("1", "1", "slow")
        assert await client.hear() == error("1", "2", "slow", "unmatched event: nosuch")


@pytest.mark.parametrize("how", ["reset", "join again", "leave"])
@socket_test
async def test_a_client_that_does_not_wait_for_its_join_leaves_no_subscription_behind(how: str) -> None:
    Hesitant.go = trio.Event()
    async with chat(HesitantSocket) as served:
        client = await PhoenixClient.open(served)
        await served.settle()
        before = len(served.node.processes)
        await client.send(join("1", "slow"))
        assert await client.hears_nothing_more()
        pubsub = served.running.transport.pubsub
        match how:
            case "reset":
                await client.raw.reset()
                await served.settle()
                Hesitant.go.set()
                await served.settle()
                assert len(served.node.processes) == before - 1
            case "join again":
                assert await client.ask(join("2", "slow")) == closed("1", "slow")
                Hesitant.go.set()
                assert await client.hear() == ok("2", "2", "slow")
                await served.settle()
                assert pubsub.subscribers("slow") == 1
                assert len(served.node.processes) == before + 1
                return
            case _:
                await client.send(message("1", "2", "slow", "phx_leave"))
                Hesitant.go.set()
                assert [await client.hear() for _ in range(3)] == [
                    ok("1", "1", "slow"),
                    ok("1", "2", "slow"),
                    closed("1", "slow"),
                ]
                assert len(served.node.processes) == before
        assert pubsub.subscribers("slow") == 0


class Unspeakable(Channel):
    def handle_in(self, event: str, payload: Any) -> Any:
        return Ok(object())

    def join(self, params: Any) -> Any:
        return object() if params else None


class UnspeakableSocket(Socket):
    channels: ClassVar = {"unspeakable": Unspeakable}


@socket_test
async def test_a_response_that_json_cannot_say_is_a_crash_of_the_channel() -> None:
    async with chat(UnspeakableSocket) as served:
        client = await PhoenixClient.open(served)
        assert await client.ask(join("1", "unspeakable", {"a": 1})) == error("1", "1", "unspeakable", "join crashed")
        assert served.running.transport.pubsub.subscribers("unspeakable") == 0
        await client.joined("unspeakable", "2")
        assert await client.ask(message("2", "3", "unspeakable", "any")) == errored("2", "unspeakable")
