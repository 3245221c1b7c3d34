"""The vocabulary for testing channels without sockets: what it finds, and what it says when it does not."""

from __future__ import annotations

from typing import Any, ClassVar
from unittest.mock import ANY

import pytest
import trio

from regrow.actors import monitor, open_node, receive, send
from regrow.gateway import Channel, Ok, RefuseError, Request, Settings, Socket
from regrow.gateway.testing import ConnectError, JoinError, channel_gateway, connected, joined
from tests.support.channels import AsyncObedient, AsyncObedientSocket, Obedient, ObedientSocket
from tests.support.socket_test import socket_test

both_drivers = pytest.mark.parametrize("channel", [Obedient, AsyncObedient])
both_sockets = pytest.mark.parametrize("socket", [ObedientSocket, AsyncObedientSocket])


@both_drivers
@socket_test
async def test_a_push_is_answered(channel: type[Channel]) -> None:
    async with joined(channel, "room:1", {"how": "welcome"}) as one:
        assert one.response == {"hello": "room:1"}
        assert await one.assert_reply(one.push("ok", {"a": 1}), "ok", {"a": 1}) == {"a": 1}
        await one.assert_reply(one.push("error", {"b": [1, 2]}), "error", {"b": [1, ANY]})
        await one.refute_reply(one.push("silence"))


@both_drivers
@socket_test
async def test_pushes_and_broadcasts_are_found_in_any_order_and_only_once(channel: type[Channel]) -> None:
    async with joined(channel, "room:1") as one:
        one.push("broadcast", "b")
        one.push("push", "a")
        assert await one.assert_push("pushed") == "a"
        assert await one.assert_broadcast("said", "b") == "b"
        assert await one.assert_push("said", "b") == "b"
        await one.refute_push("said")
        await one.refute_broadcast("said")


@both_sockets
@socket_test
async def test_two_clients_hear_what_is_theirs(socket: type[Socket]) -> None:
    async with channel_gateway(socket) as gateway:
        ann, bob = [await (await gateway.connect()).join("obey:1") for _ in range(2)]
        ann.push("broadcast_from", "hello")
        await bob.assert_push("said", "hello")
        await ann.refute_push("said")
        await ann.assert_broadcast("said", "hello")
        gateway.broadcast("obey:1", "news", {"n": 1})
        for one in (ann, bob):
            await one.assert_push("news", {"n": 1})


@socket_test
async def test_a_claim_that_does_not_hold_shows_what_is_there() -> None:
    async with joined(Obedient, "room:1") as one:
        ref = one.push("ok", {"a": 1})
        one.push("push", "p")
        with pytest.raises(AssertionError) as failure:
            await one.assert_reply(ref, "ok", {"a": 2})
        assert str(failure.value) == (
            "expected reply to 2 on 'room:1': ok {'a': 2}, but there is\n"
            "  reply to 2 on 'room:1': ok {'a': 1}\n"
            "  'pushed' on 'room:1': 'p'"
        )
        with pytest.raises(AssertionError, match=r"expected 'other' on 'room:1': anything, but there is"):
            await one.assert_push("other")
        with pytest.raises(AssertionError, match="expected broadcast 'said' on 'room:1': 3, but there is nothing"):
            await one.assert_broadcast("said", 3)
        with pytest.raises(AssertionError, match="expected no 'pushed' on 'room:1': anything, but there is"):
            await one.refute_push("pushed")
        with pytest.raises(AssertionError, match="expected no reply to 2, but there is"):
            await one.refute_reply(ref)
        one.push("broadcast", 1)
        with pytest.raises(AssertionError, match="expected no broadcast"):
            await one.refute_broadcast("said", 1)


@both_sockets
@socket_test
async def test_a_refused_join_is_an_error_with_its_response(socket: type[Socket]) -> None:
    async with connected(socket) as client:
        with pytest.raises(JoinError, match="not you") as refused:
            await client.join("obey:1", {"how": "refuse"})
        assert refused.value.response == {"reason": "not you"}
        with pytest.raises(JoinError, match="unmatched topic"):
            await client.join("nosuch")


class Judging(ObedientSocket):
    @classmethod
    def connect(cls, request: Request, /) -> Any:
        if request.params.get("token") != "let me in" or request.headers.get("x-extra") == "bad":
            raise RefuseError(403, "no")
        return super().connect(request)


@socket_test
async def test_connect_judges_as_it_does_behind_a_socket() -> None:
    async with channel_gateway(Judging) as gateway:
        with pytest.raises(ConnectError) as refused:
            await gateway.connect()
        assert (refused.value.status, refused.value.reason) == (403, "no")
        with pytest.raises(ConnectError, match="403"):
            await gateway.connect({"token": "let me in"}, {"X-Extra": "bad"})
        await (await gateway.connect({"token": "let me in"})).join("obey:1")


@both_drivers
@socket_test
async def test_leaving_and_crashing_are_events(channel: type[Channel]) -> None:
    async with joined(channel, "room:1") as one:
        await one.assert_reply(one.leave(), "ok", {})
        await one.assert_push("phx_close")
        with pytest.raises(LookupError):
            _ = one.pid
    async with joined(channel, "room:1") as one:
        one.push("crash")
        await one.assert_push("phx_error", {"reason": "channel_crash"})


@pytest.mark.parametrize("how", ["close", "drop"])
@both_drivers
@socket_test
async def test_the_end_of_a_connection_ends_its_channels(channel: type[Channel], how: str) -> None:
    Obedient.ended.clear()
    async with open_node(), joined(channel, "room:1") as one:
        monitor(one.pid)
        await (one.client.close() if how == "close" else one.client.drop())
        assert (await receive()).reason.detail == "closed"
        assert one.client.close_code == (1000 if how == "close" else None)
        assert len(Obedient.ended) == 1


@socket_test
async def test_a_process_may_send_the_channel_a_message() -> None:
    async with joined(Obedient, "room:1") as one:
        send(one.pid, {"from": "a process"})
        await one.assert_push("info", {"from": "a process"})


@socket_test
async def test_limits_hold() -> None:
    async with connected(ObedientSocket, settings=Settings(message_burst=3, message_rate=0.001)) as client:
        one = await client.join("obey:1")
        refs = [one.push("ok", number) for number in range(4)]
        for ref in refs[:2]:
            await one.assert_reply(ref, "ok")
        await one.assert_reply(refs[3], "error", {"reason": "rate limited"})


class Waiting(Channel):
    async def handle_in(self, event: str, payload: Any) -> Any:
        await trio.sleep(5)
        return Ok({"waited": 5})


@socket_test
async def test_a_channel_that_waits_is_quiet_until_time_has_passed() -> None:
    clock = trio.lowlevel.current_clock()
    async with joined(Waiting, "room:1") as one:
        ref = one.push("wait")
        await one.refute_reply(ref)
        clock.jump(5)  # type: ignore[attr-defined]
        await one.assert_reply(ref, "ok", {"waited": 5})


def test_no_mock_clock_is_needed() -> None:
    async def main() -> None:
        async with joined(Obedient, "room:1") as one:
            await one.assert_reply(one.push("ok", 1), "ok", 1)

    trio.run(main)


class Assigned(Channel):
    def join(self, params: Any) -> Any:
        return {"user": self.assigns.get("user"), "subtopic": self.subtopic}


@socket_test
async def test_assigns_can_be_given() -> None:
    async with joined(Assigned, "room:1", assigns={"user": "ann"}) as one:
        assert one.response == {"user": "ann", "subtopic": "room:1"}


class Large(Channel):
    events: ClassVar = {}

    def handle_in(self, event: str, payload: Any) -> Any:
        return Ok(payload * 2)


@pytest.mark.parametrize("size", [1, 60, 125, 126, 1000, 30_000])
@socket_test
async def test_messages_of_any_size_come_through(size: int) -> None:
    async with joined(Large, "room:1") as one:
        await one.assert_reply(one.push("double", "x" * size), "ok", "x" * size * 2)
        await one.assert_reply(one.push("double", "é" * 3), "ok", "é" * 6)
