"""Names in the lobby: who has one is shown, and cannot speak as somebody else."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from regrow.gateway import Lobby
from tests.support.phoenix_client import Heard, PhoenixClient, error, join, message, ok
from tests.support.serving import Served, serving
from tests.support.socket_test import socket_test

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

ROOM = "room:tea"


@asynccontextmanager
async def lobby() -> AsyncGenerator[Served]:
    async with serving({"/socket/websocket": Lobby}) as served:
        yield served
    assert served.running.presence.list(ROOM) == {}


async def named(served: Served, name: str) -> PhoenixClient:
    client = await PhoenixClient.open(served)
    await client.joined(ROOM, params={"name": name})
    await served.settle()
    return client


def broadcast(event: str, payload: Any) -> Heard:
    return Heard(None, None, ROOM, event, payload)


async def heard_next(client: PhoenixClient, event: str) -> Heard:
    """What comes next that is not about presence, which must be this event."""
    while (heard := await client.hear()).event.startswith("presence_"):
        pass
    assert heard.event == event, heard
    return heard


@socket_test
async def test_who_joins_with_a_name_is_shown_with_the_time_they_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regrow.gateway._lobby._lobby.time.time", lambda: 1_700_000_000.7)
    async with lobby() as served:
        ann = await named(served, "Ann")
        state = await ann.hear()
        ref = state.payload["Ann"]["metas"][0]["phx_ref"]
        assert state == broadcast("presence_state", {"Ann": {"metas": [{"online_at": 1_700_000_000, "phx_ref": ref}]}})
        assert (await ann.hear()).payload == {"joins": state.payload, "leaves": {}}
        bob = await named(served, "Bob")
        assert sorted((await bob.hear()).payload) == ["Ann", "Bob"]
        assert list((await ann.hear()).payload["joins"]) == ["Bob"]
        await bob.raw.reset()
        assert list((await ann.hear()).payload["leaves"]) == ["Bob"]


@socket_test
async def test_who_joins_without_a_name_is_not_shown_and_is_told_of_those_who_come() -> None:
    async with lobby() as served:
        nobody = await PhoenixClient.open(served)
        await nobody.joined(ROOM)
        assert await nobody.hears_nothing_more()
        await named(served, "Ann")
        assert list((await nobody.hear()).payload["joins"]) == ["Ann"]
        assert list(served.running.presence.list(ROOM)) == ["Ann"]


@pytest.mark.parametrize("name", ["", " ", "\n", "a\tb", "x" * 33, "\u200f", None, 3, ["Ann"], {}])
@socket_test
async def test_a_name_is_a_short_printable_text(name: Any) -> None:
    async with lobby() as served:
        client = await PhoenixClient.open(served)
        assert await client.ask(join("1", ROOM, {"name": name})) == error(
            "1", "1", ROOM, "invalid name", expected="1 to 32 printable characters"
        )
        assert await client.hears_nothing_more()


@pytest.mark.parametrize("name", ["A", "x" * 32, "José Núñez", "名前", "\U0001f600", "a b"])
@socket_test
async def test_any_short_printable_text_is_a_name(name: str) -> None:
    async with lobby() as served:
        await named(served, name)
        assert list(served.running.presence.list(ROOM)) == [name]


@pytest.mark.parametrize("params", [[], 3, "Ann", None])
@socket_test
async def test_params_that_are_no_map_carry_no_name(params: Any) -> None:
    async with lobby() as served:
        client = await PhoenixClient.open(served)
        assert await client.ask(join("1", ROOM, params)) == ok("1", "1", ROOM)
        assert served.running.presence.list(ROOM) == {}


@socket_test
async def test_what_a_named_client_says_carries_its_name_and_its_time_whatever_it_claims(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("regrow.gateway._lobby._lobby.time.time_ns", lambda: 1_700_000_000_123_456_789)
    async with lobby() as served:
        ann, bob = await named(served, "Ann"), await named(served, "Bob")
        said = {"body": "hello", "from": "Bob", "at": 5, "n": [1, 2.5, None, 2**70]}
        await ann.send(message("1", "2", ROOM, "new_msg", said))
        for client in (ann, bob):
            heard = await heard_next(client, "new_msg")
            assert heard == broadcast("new_msg", {**said, "from": "Ann", "at": 1_700_000_000_123})


@socket_test
async def test_that_a_named_client_types_carries_its_name_whatever_it_claims() -> None:
    async with lobby() as served:
        ann, bob = await named(served, "Ann"), await named(served, "Bob")
        await ann.send(message("1", "2", ROOM, "typing", {"name": "Bob"}))
        assert await heard_next(bob, "typing") == broadcast("typing", {"name": "Ann"})


@pytest.mark.parametrize("payload", [[], 3, {"body": 3}])
@socket_test
async def test_a_payload_of_a_named_client_that_is_no_message_is_refused(payload: Any) -> None:
    async with lobby() as served:
        ann = await named(served, "Ann")
        await ann.send(message("1", "2", ROOM, "new_msg", payload))
        reply = await heard_next(ann, "phx_reply")
        assert reply.payload["response"]["reason"] == "invalid payload"


@socket_test
async def test_two_clients_with_one_name_are_two_metas() -> None:
    async with lobby() as served:
        laptop, _phone = await named(served, "Ann"), await named(served, "Ann")
        assert len(served.running.presence.list(ROOM)["Ann"]["metas"]) == 2
        await laptop.send(message("1", "2", ROOM, "phx_leave"))
        await served.settle()
        assert len(served.running.presence.list(ROOM)["Ann"]["metas"]) == 1
