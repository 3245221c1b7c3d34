"""The chat that ``regrow serve`` serves when it is given nothing else."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from regrow.gateway import Lobby
from tests.support.phoenix_client import Heard, PhoenixClient, error, join, message, ok
from tests.support.serving import serving
from tests.support.socket_test import socket_test

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

ROOM = "room:tea"


@asynccontextmanager
async def two_in_a_room() -> AsyncGenerator[tuple[PhoenixClient, PhoenixClient]]:
    async with serving({"/socket/websocket": Lobby}) as served:
        ann, bob = await PhoenixClient.open(served), await PhoenixClient.open(served)
        for one in (ann, bob):
            await one.joined(ROOM)
        yield ann, bob


def heard(event: str, payload: Any) -> Heard:
    return Heard(None, None, ROOM, event, payload)


@socket_test
async def test_a_new_message_reaches_everyone_in_the_room_with_all_its_fields() -> None:
    async with two_in_a_room() as (ann, bob):
        payload = {"body": "hello \u2028 é", "from": "Ann", "n": [1, 2.5, None]}
        await ann.send(message("1", "2", ROOM, "new_msg", payload))
        assert await ann.hear() == heard("new_msg", payload)
        assert await bob.hear() == heard("new_msg", payload)
        assert await ann.hears_nothing_more()


@socket_test
async def test_typing_reaches_everyone_else() -> None:
    async with two_in_a_room() as (ann, bob):
        await ann.send(message("1", "2", ROOM, "typing", {"who": "Ann"}))
        assert await bob.hear() == heard("typing", {"who": "Ann"})
        assert await ann.hears_nothing_more()


@pytest.mark.parametrize("payload", [{}, {"n": 1}, [1], "x", 0])
@socket_test
async def test_a_ping_is_answered_with_its_own_payload(payload: Any) -> None:
    async with two_in_a_room() as (ann, bob):
        assert await ann.ask(message("1", "2", ROOM, "ping", payload)) == ok("1", "2", ROOM, payload)
        assert await bob.hears_nothing_more()


@pytest.mark.parametrize("body", ["x" * 1024, "é" * 1024, "\U0001f600" * 1024, ""])
@socket_test
async def test_a_message_may_have_1024_characters_of_any_size(body: str) -> None:
    async with two_in_a_room() as (ann, bob):
        await ann.send(message("1", "2", ROOM, "new_msg", {"body": body}))
        assert await bob.hear() == heard("new_msg", {"body": body})


@socket_test
async def test_a_message_of_1025_characters_is_refused_and_reaches_nobody() -> None:
    async with two_in_a_room() as (ann, bob):
        reply = await ann.ask(message("1", "2", ROOM, "new_msg", {"body": "x" * 1025}))
        assert reply == error("1", "2", ROOM, "message too long", limit=1024, length=1025)
        assert await bob.hears_nothing_more()


@pytest.mark.parametrize("payload", [[], 3, "x", {"body": 3}, {"body": None}])
@socket_test
async def test_a_payload_that_is_no_message_is_refused_and_reaches_nobody(payload: Any) -> None:
    async with two_in_a_room() as (ann, bob):
        reply = await ann.ask(message("1", "2", ROOM, "new_msg", payload))
        assert reply.payload["status"] == "error"
        assert reply.payload["response"]["reason"] == "invalid payload"
        assert await bob.hears_nothing_more()


@socket_test
async def test_an_unknown_event_is_an_error_reply() -> None:
    async with two_in_a_room() as (ann, _):
        assert await ann.ask(message("1", "2", ROOM, "shout")) == error("1", "2", ROOM, "unmatched event: shout")


@pytest.mark.parametrize("room", ["", " ", "a b", "a/b", "é", "x" * 65, "tea\n", "*", ":"])
@socket_test
async def test_a_room_id_is_a_short_word(room: str) -> None:
    async with serving({"/socket/websocket": Lobby}) as served:
        client = await PhoenixClient.open(served)
        reply = await client.ask(join("1", f"room:{room}"))
        assert reply.payload["status"] == "error"
        assert reply.payload["response"]["reason"] == "invalid room id"


@pytest.mark.parametrize("room", ["a", "A-b_9", "x" * 64])
@socket_test
async def test_any_short_word_is_a_room(room: str) -> None:
    async with serving({"/socket/websocket": Lobby}) as served:
        client = await PhoenixClient.open(served)
        await client.joined(f"room:{room}")


@socket_test
async def test_rooms_do_not_hear_each_other() -> None:
    async with two_in_a_room() as (ann, bob):
        await ann.joined("room:coffee", "2")
        await ann.send(message("2", "3", "room:coffee", "new_msg", {"body": "psst"}))
        assert (await ann.hear()).topic == "room:coffee"
        assert await bob.hears_nothing_more()
