"""Outgoing events that a channel is asked about, as Phoenix's intercept and handle_out."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from regrow.actors import Shutdown
from regrow.gateway import Channel, Error, Rejoin, Socket, Stop
from regrow.gateway.testing import channel_gateway, joined
from tests.support.socket_test import socket_test


class Filtering(Channel):
    """Does not show a client the messages of those it ignores."""

    intercepts = ("message", "kick", "bad")

    def join(self, params: Any) -> Any:
        self.ignored = params.get("ignored", [])

    def handle_in(self, event: str, payload: Any) -> Any:
        if event == "from":
            self.broadcast_from("message", payload)
        else:
            self.broadcast(event, payload)

    def handle_out(self, event: str, payload: Any) -> Any:
        if event == "kick":
            return Stop(Shutdown("kicked"))
        if event == "bad":
            return Error() if payload == "reply" else 1 / 0
        if payload["from"] not in self.ignored:
            self.push(event, {**payload, "seen": True})
        return None


class AsyncFiltering(Filtering):
    async def handle_out(self, event: str, payload: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return super().handle_out(event, payload)


class Plain(Channel):
    pass


def socket_of(channel: type[Channel]) -> type[Socket]:
    return type("Made", (Socket,), {"channels": {"room:*": channel, "plain:*": Plain}})


both_drivers = pytest.mark.parametrize("channel", [Filtering, AsyncFiltering])


@both_drivers
@socket_test
async def test_an_intercepted_event_is_pushed_by_handle_out_changed_or_not_at_all(channel: type[Channel]) -> None:
    async with channel_gateway(socket_of(channel)) as gateway:
        ann = await (await gateway.connect()).join("room:1", {"ignored": ["troll"]})
        bob = await (await gateway.connect()).join("room:1")
        bob.push("message", {"from": "bob"})
        bob.push("message", {"from": "troll"})
        assert await ann.assert_push("message") == {"from": "bob", "seen": True}
        await ann.refute_push("message")
        assert [await bob.assert_push("message") for _ in range(2)] == [
            {"from": "bob", "seen": True},
            {"from": "troll", "seen": True},
        ]


@both_drivers
@socket_test
async def test_an_event_that_is_not_intercepted_is_written_as_it_is(channel: type[Channel]) -> None:
    async with joined(channel, "room:1") as one:
        one.push("other", {"from": "bob"})
        assert await one.assert_push("other") == {"from": "bob"}


@both_drivers
@socket_test
async def test_a_broadcast_from_does_not_ask_the_sender(channel: type[Channel]) -> None:
    async with channel_gateway(socket_of(channel)) as gateway:
        ann, bob = [await (await gateway.connect()).join("room:1") for _ in range(2)]
        ann.push("from", {"from": "ann"})
        await bob.assert_push("message", {"from": "ann", "seen": True})
        await ann.refute_push("message")


@both_drivers
@socket_test
async def test_handle_out_may_stop_the_channel(channel: type[Channel]) -> None:
    async with joined(channel, "room:1") as one:
        one.push("kick")
        await one.assert_push("phx_close")


@pytest.mark.parametrize("how", ["reply", "raise"])
@both_drivers
@socket_test
async def test_handle_out_that_raises_or_replies_is_a_crash(channel: type[Channel], how: str) -> None:
    async with joined(channel, "room:1") as one:
        one.push("bad", how)
        await one.assert_push("phx_error")


@both_drivers
@socket_test
async def test_who_has_left_is_not_asked(channel: type[Channel]) -> None:
    async with channel_gateway(socket_of(channel)) as gateway:
        ann, bob = [await (await gateway.connect()).join("room:1") for _ in range(2)]
        ann.leave()
        await ann.assert_push("phx_close")
        assert gateway.transport.pubsub.subscribers("room:1") == 2  # bob, and the test
        bob.push("message", {"from": "bob"})
        await bob.assert_push("message")
        await ann.refute_push("message")


def test_intercepting_without_handle_out_is_refused_when_the_class_is_made() -> None:
    with pytest.raises(TypeError, match="Bad intercepts message but has no handle_out: define one"):
        type("Bad", (Channel,), {"intercepts": ("message",)})


def test_one_event_that_is_not_in_a_collection_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Bad.intercepts is a collection of events: write \('message',\)"):
        type("Bad", (Filtering,), {"intercepts": "message"})


def test_a_policy_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Bad.rejoin is 'never': it must be Rejoin.CLIENT or Rejoin.SERVER"):
        type("Bad", (Channel,), {"rejoin": "never"})
    assert Rejoin("server") is Rejoin.SERVER


def test_a_type_for_an_event_of_the_protocol_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Bad.events has phx_join: events of the protocol itself have no type here"):
        type("Bad", (Channel,), {"events": {"phx_join": int}})
