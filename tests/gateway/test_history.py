"""Who comes back to a topic is told what it missed, over real sockets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from regrow.gateway import Lobby, MemoryStore, Settings, Socket, SqliteStore
from regrow.gateway._channels._messages import Broadcast
from tests.support.histories import (
    AsyncHistorySocket,
    FaultyStore,
    HistorySocket,
    enter,
    hear_until_beat,
    kept,
    say,
)
from tests.support.phoenix_client import Heard, PhoenixClient, error, join, message, ok
from tests.support.serving import Served, serving
from tests.support.socket_test import pass_time, socket_test

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from regrow.gateway import HistoryStore

both_drivers = pytest.mark.parametrize("socket", [HistorySocket, AsyncHistorySocket])
both_acks = pytest.mark.parametrize("topic", ["sent:1", "durable:1"])


def chat(
    store: HistoryStore | None = None, socket: type[Socket] = HistorySocket, **settings: Any
) -> AbstractAsyncContextManager[Served]:
    limits: dict[str, Any] = {"ping_interval": math.inf, **settings}
    return serving({"/socket/websocket": socket}, Settings(**limits), history=store or MemoryStore())


async def said(served: Served, topic: str, *payloads: Any) -> str:
    """Have these broadcast, one after the other, by a client that comes and goes; the epoch."""
    client = await PhoenixClient.open(served)
    response = await enter(client, topic)
    for payload in payloads:
        await client.send(say(topic, payload))
        heard = {(await client.hear()).event, (await client.hear()).event}
        assert heard == {"said", "phx_reply"}
    await client.raw.reset()
    epoch = response["epoch"]
    assert isinstance(epoch, str)
    return epoch


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def missed(topic: str, epoch: str, *numbers: int) -> list[Heard]:
    return [kept(topic, number, epoch, number) for number in numbers]


@both_acks
@both_drivers
@socket_test
async def test_messages_of_a_topic_are_numbered_and_a_join_is_told_the_last(socket: type[Socket], topic: str) -> None:
    async with chat(socket=socket) as served:
        client, other = await PhoenixClient.open(served), await PhoenixClient.open(served)
        first = await enter(client, topic)
        assert (first["offset"], first["recovered"]) == (0, False)
        await client.send(*(say(topic, number, None) for number in (1, 2, 3)))
        assert [await client.hear() for _ in range(3)] == missed(topic, first["epoch"], 1, 2, 3)
        assert await enter(other, topic) == {"epoch": first["epoch"], "offset": 3, "recovered": False}
        await client.send(say(topic, 4, None))
        assert await other.hear() == kept(topic, 4, first["epoch"], 4)


@both_acks
@both_drivers
@socket_test
async def test_who_comes_back_gets_what_it_missed_behind_the_reply_and_then_what_is_said(
    socket: type[Socket], topic: str
) -> None:
    async with chat(socket=socket) as served:
        epoch = await said(served, topic, 1, 2, 3, 4)
        client = await PhoenixClient.open(served)
        recovered = {"epoch": epoch, "offset": 4, "recovered": True}
        assert await enter(client, topic, recover={"epoch": epoch, "offset": 2}) == recovered
        await said(served, topic, 5)
        assert [await client.hear() for _ in range(3)] == missed(topic, epoch, 3, 4, 5)
        assert await client.hears_nothing_more()


@both_acks
@socket_test
async def test_who_missed_nothing_is_recovered_too(topic: str) -> None:
    async with chat() as served:
        epoch = await said(served, topic, 1)
        client = await PhoenixClient.open(served)
        assert (await enter(client, topic, recover={"epoch": epoch, "offset": 1}))["recovered"] is True
        assert await client.hears_nothing_more()


@pytest.mark.parametrize(
    "recover", [{"epoch": "e", "offset": 6}, {"offset": 0}, {"offset": 8}], ids=["epoch", "too old", "ahead"]
)
@socket_test
async def test_who_cannot_be_told_all_it_missed_has_joined_and_is_told_that(recover: dict[str, Any]) -> None:
    async with chat() as served:
        epoch = await said(served, "sent:1", 1, 2, 3, 4, 5, 6, 7)
        client = await PhoenixClient.open(served)
        response = await enter(client, "sent:1", recover={"epoch": epoch, **recover})
        assert response == {"epoch": epoch, "offset": 7, "recovered": False}
        await said(served, "sent:1", 8)
        assert await client.hear() == kept("sent:1", 8, epoch, 8)


@socket_test
async def test_a_newcomer_may_ask_for_the_last_ones() -> None:
    async with chat() as served:
        epoch = await said(served, "sent:1", 1, 2, 3, 4, 5, 6, 7)
        client = await PhoenixClient.open(served)
        assert (await enter(client, "sent:1", recover={"last": 2}))["recovered"] is True
        assert [await client.hear() for _ in range(2)] == missed("sent:1", epoch, 6, 7)
        await enter(client, "sent:2", recover={"last": 2})
        assert await client.hears_nothing_more()


@socket_test
async def test_messages_that_are_too_old_are_gone() -> None:
    async with chat() as served:
        await enter(await PhoenixClient.open(served), "sent:1")
        epoch = await said(served, "sent:1", 1)
        await pass_time(99)
        await said(served, "sent:1", 2)
        await pass_time(2)
        client = await PhoenixClient.open(served)
        await enter(client, "sent:1", recover={"last": 9})
        assert await client.hear() == kept("sent:1", 2, epoch, 2)
        assert await client.hears_nothing_more()


@pytest.mark.parametrize("recover", [7, "last", {"epoch": 1}, {"last": -1}, {"epoch": "e", "offset": "1"}], ids=repr)
@socket_test
async def test_a_request_that_makes_no_sense_refuses_the_join_and_says_why(recover: Any) -> None:
    async with chat() as served:
        client = await PhoenixClient.open(served)
        heard = await client.ask(join("1", "sent:1", {"recover": recover}))
        assert heard.payload["status"] == "error"
        response = heard.payload["response"]
        assert response["reason"] == "invalid recover"
        assert response["detail"]
        assert response["expected"] == '{"epoch": string, "offset": number} or {"last": number}'
        await served.settle()  # the channel that refused is gone
        await enter(client, "sent:1", "2")


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (None, {}),
        ({"hello": 1}, {"hello": 1}),
        ({"offset": "mine"}, {}),
        ([1], {"response": [1]}),
        ("text", {"response": "text"}),
        (0, {"response": 0}),
    ],
    ids=repr,
)
@socket_test
async def test_the_response_of_the_join_is_merged_with_the_position(response: Any, expected: dict[str, Any]) -> None:
    async with chat() as served:
        client = await PhoenixClient.open(served)
        told = await enter(client, "sent:1", response=response)
        assert told == {**expected, "epoch": told["epoch"], "offset": 0, "recovered": False}


@socket_test
async def test_what_is_not_to_be_kept_has_no_position_and_is_not_kept() -> None:
    async with chat() as served:
        client = await PhoenixClient.open(served)
        await enter(client, "sent:1")
        await client.send(message("1", None, "sent:1", "typing", {"a": 1}))
        assert await client.hear() == Heard(None, None, "sent:1", "typing", {"a": 1})
        other = await PhoenixClient.open(served)
        assert (await enter(other, "sent:1", recover={"last": 9}))["offset"] == 0
        assert await other.hears_nothing_more()


@both_acks
@socket_test
async def test_a_broadcast_from_is_kept_and_not_sent_to_its_sender(topic: str) -> None:
    async with chat() as served:
        client, other = await PhoenixClient.open(served), await PhoenixClient.open(served)
        epoch = (await enter(client, topic))["epoch"]
        await enter(other, topic)
        assert await client.ask(say(topic, 1, "2", "say_to_others")) == ok("1", "2", topic)
        assert await other.hear() == kept(topic, 1, epoch, 1)
        assert await client.hears_nothing_more()
        third = await PhoenixClient.open(served)
        await enter(third, topic, recover={"last": 1})
        assert await third.hear() == kept(topic, 1, epoch, 1)


@both_acks
@socket_test
async def test_what_is_broadcast_from_outside_is_kept_before_anybody_has_joined_and_after(topic: str) -> None:
    async with chat() as served:
        pubsub = served.running.transport.pubsub
        pubsub.broadcast(topic, Broadcast(topic, "said", 1))
        pubsub.broadcast(topic, Broadcast(topic, "typing", 0))
        pubsub.broadcast("unkept", Broadcast("unkept", "said", 0))
        client = await PhoenixClient.open(served)
        response = await enter(client, topic, recover={"last": 9})
        assert response["offset"] == (topic == "sent:1")  # a durable one is loaded, then stored, then broadcast
        pubsub.broadcast(topic, Broadcast(topic, "said", 2))
        assert [await client.hear() for _ in range(2)] == missed(topic, response["epoch"], 1, 2)


@socket_test
async def test_a_channel_without_a_history_and_a_gateway_without_a_store_say_nothing_of_positions() -> None:
    async with chat() as served:
        client = await PhoenixClient.open(served)
        assert await enter(client, "unkept", recover="any") == {}
        await client.send(say("unkept", 1, None))
        assert await client.hear() == Heard(None, None, "unkept", "said", 1)
    async with serving({"/socket/websocket": HistorySocket}) as served:
        client = await PhoenixClient.open(served)
        assert await enter(client, "durable:1", recover={"last": 9}) == {}
        assert await client.ask(say("durable:1", 1)) == Heard(None, None, "durable:1", "said", 1)
        assert await client.hear() == ok("1", "s", "durable:1")


@socket_test
async def test_what_a_channel_changes_after_it_has_broadcast_it_is_not_what_is_kept() -> None:
    payload = {"a": 1}
    async with chat() as served:
        client = await PhoenixClient.open(served)
        await enter(client, "sent:1")
        served.running.transport.pubsub.broadcast("sent:1", Broadcast("sent:1", "said", payload))
        payload["a"] = 2
        other = await PhoenixClient.open(served)
        await enter(other, "sent:1", recover={"last": 1})
        assert (await other.hear()).payload == {"a": 1}


@socket_test
async def test_who_missed_more_than_its_outbox_takes_is_not_recovered_and_a_newcomer_gets_fewer() -> None:
    async with chat(outbox_limit=2500) as served:
        epoch = await said(served, "sent:1", *("x" * 1000 for _ in range(4)))
        client = await PhoenixClient.open(served)
        response = await enter(client, "sent:1", recover={"epoch": epoch, "offset": 1})
        assert response["recovered"] is False
        other = await PhoenixClient.open(served)
        assert (await enter(other, "sent:1", recover={"last": 4}))["recovered"] is True
        heard = await hear_until_beat(other)
        assert [one.position["offset"] for one in heard] == [3, 4]


# Where topics are loaded from.


@socket_test
async def test_a_join_waits_for_its_topic_and_so_does_what_the_client_says_to_it_and_nothing_else_does() -> None:
    store = FaultyStore()
    async with chat(store) as served:
        client = await PhoenixClient.open(served)
        store.gate.clear()
        await client.send(join("1", "sent:1"), say("sent:1", 1, "2"), say("sent:1", 2, "3"))
        await client.send(join("4", "unkept"), say("unkept", 1, "5"))
        assert await client.hear() == ok("4", "4", "unkept")
        assert (await client.hear()).topic == "unkept"
        assert await client.hear() == ok("4", "5", "unkept")
        assert await client.hears_nothing_more()
        store.gate.set()
        heard = [await client.hear() for _ in range(5)]
        assert [one.ref for one in heard] == ["1", None, "2", None, "3"]
        assert [one.position["offset"] for one in heard if one.position] == [1, 2]


@pytest.mark.parametrize("how", ["reset", "leave", "join again"])
@socket_test
async def test_a_client_that_does_not_wait_for_its_topic_leaves_nothing_behind(how: str) -> None:
    store = FaultyStore()
    async with chat(store) as served:
        client = await PhoenixClient.open(served)
        await served.settle()
        before = len(served.node.processes)
        store.gate.clear()
        await client.send(join("1", "sent:1"))
        assert await client.hears_nothing_more()
        match how:
            case "reset":
                await client.raw.reset()
                await served.settle()
                before -= 1
                store.gate.set()
            case "leave":
                await client.send(message("1", "2", "sent:1", "phx_leave"))
                store.gate.set()
                assert [(await client.hear()).event for _ in range(3)] == ["phx_reply", "phx_reply", "phx_close"]
            case _:
                assert (await client.ask(join("2", "sent:1"))).event == "phx_close"
                store.gate.set()
                assert (await client.hear()).ref == "2"
                assert await client.ask(message("2", "3", "sent:1", "phx_leave")) == ok("2", "3", "sent:1")
                await client.hear()
        await served.settle()
        assert len(served.node.processes) == before
        assert served.running.transport.pubsub.subscribers("sent:1") == 0


@both_acks
@socket_test
async def test_a_topic_nobody_is_in_leaves_memory_after_a_minute_and_is_loaded_again(topic: str) -> None:
    async with chat() as served:
        epoch = await said(served, topic, 1, 2)
        archive = served.running.transport.archive
        assert archive is not None
        await pass_time(1)
        await served.settle()
        for _ in range(8):
            await pass_time(10)
        await served.settle()
        assert archive.report()["topics"] == 0
        client = await PhoenixClient.open(served)
        assert (await enter(client, topic, recover={"epoch": epoch, "offset": 1}))["recovered"] is True
        assert await client.hear() == kept(topic, 2, epoch, 2)


@socket_test
async def test_a_topic_with_members_stays_and_one_too_many_is_refused() -> None:
    async with chat(history_topics=2) as served:
        client = await PhoenixClient.open(served)
        await enter(client, "sent:1", "1")
        await enter(client, "sent:2", "2")
        assert await client.ask(join("3", "sent:3")) == error("3", "3", "sent:3", "too many topics have a history")
        assert await client.ask(message("2", "4", "sent:2", "phx_leave")) == ok("2", "4", "sent:2")
        await client.hear()
        await enter(client, "sent:3", "5")


# Restarts.


@both_acks
@socket_test
async def test_a_gateway_that_was_stopped_in_order_goes_on_where_it_was(topic: str, tmp_path: Path) -> None:
    async with chat(SqliteStore(tmp_path / "h.db")) as served:
        epoch = await said(served, topic, 1, 2, 3)
    async with chat(SqliteStore(tmp_path / "h.db")) as served:
        client = await PhoenixClient.open(served)
        response = await enter(client, topic, recover={"epoch": epoch, "offset": 1})
        assert response == {"epoch": epoch, "offset": 3, "recovered": True}
        await client.send(say(topic, 4, None))
        assert [await client.hear() for _ in range(3)] == missed(topic, epoch, 2, 3, 4)


@socket_test
async def test_what_was_broadcast_to_a_topic_that_is_not_loaded_when_the_gateway_stops_is_stored(
    tmp_path: Path,
) -> None:
    async with chat(SqliteStore(tmp_path / "h.db")) as served:
        served.running.transport.pubsub.broadcast("sent:1", Broadcast("sent:1", "said", msgspec.Raw(b'"last"')))
    async with chat(SqliteStore(tmp_path / "h.db")) as served:
        client = await PhoenixClient.open(served)
        await enter(client, "sent:1", recover={"last": 1})
        assert (await client.hear()).payload == "last"


@socket_test
async def test_the_file_is_made_when_a_channel_with_a_history_is_joined(tmp_path: Path) -> None:
    async with chat(SqliteStore(tmp_path / "h.db")) as served:
        client = await PhoenixClient.open(served)
        await enter(client, "unkept")
        assert files_in(tmp_path) == []
        await enter(client, "sent:1", "2")
        assert "h.db" in files_in(tmp_path)


@socket_test
async def test_the_lobby_keeps_what_is_said_in_its_rooms() -> None:
    async with chat(socket=Lobby) as served:
        client = await PhoenixClient.open(served)
        epoch = (await enter(client, "room:tea"))["epoch"]
        await client.send(message("1", None, "room:tea", "new_msg", {"body": "hello", "user": "ann"}))
        said_once = await client.hear()
        assert said_once.position == {"epoch": epoch, "offset": 1}
        await client.raw.reset()
        again = await PhoenixClient.open(served)
        await enter(again, "room:tea", recover={"last": 50})
        assert await again.hear() == said_once
