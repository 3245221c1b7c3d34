"""Direct messages: each user's socket joins a topic only this user may join, and others broadcast there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import trio

from regrow.gateway import Channel, Error, JoinRefusedError, Ok, RefuseError, Request, Socket
from tests.support.phoenix_client import Heard, PhoenixClient, error, join, message, ok
from tests.support.serving import Served, serving
from tests.support.socket_test import socket_test

# The pattern, as docs/reference.md describes it.

if TYPE_CHECKING:
    from collections.abc import Mapping


class UserChannel(Channel):
    """``user:<name>``: what others say to one user, and what this user says to others."""

    def join(self, params: Any) -> None:
        if self.subtopic != self.assigns["user"]:
            raise JoinRefusedError(reason="not your topic")

    def handle_in(self, event: str, payload: Any) -> Any:
        match event, payload:
            case "send", {"to": str(name), "body": str(body)}:
                self.broadcast_to(f"user:{name}", "message", {"from": self.assigns["user"], "body": body})
                return Ok()
            case _:
                return Error({"reason": "send takes a name as to and a text as body"})


class AsyncUserChannel(UserChannel):
    async def handle_in(self, event: str, payload: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return super().handle_in(event, payload)


class UserSocket(Socket):
    channels: ClassVar[Mapping[str, type[Channel]]] = {"user:*": UserChannel}

    @classmethod
    def connect(cls, request: Request, /) -> Any:
        user = request.params.get("user")
        if not user:
            raise RefuseError(403, "Say who you are.")
        session = super().connect(request)
        session.assign(user=user)
        return session


class AsyncUserSocket(UserSocket):
    channels: ClassVar[Mapping[str, type[Channel]]] = {"user:*": AsyncUserChannel}


both_drivers = pytest.mark.parametrize("socket", [UserSocket, AsyncUserSocket])


async def user(served: Served, name: str, ref: str = "1") -> PhoenixClient:
    client = await PhoenixClient.open(served, f"/socket/websocket?vsn=2.0.0&user={name}")
    await client.joined(f"user:{name}", ref)
    return client


@both_drivers
@socket_test
async def test_a_message_reaches_every_device_of_one_user_and_nobody_else(socket: type[Socket]) -> None:
    async with serving({"/socket/websocket": socket}) as served:
        ann, eve = await user(served, "ann"), await user(served, "eve")
        phone, laptop = await user(served, "bob", "5"), await user(served, "bob", "6")
        reply = await ann.ask(message("1", "2", "user:ann", "send", {"to": "bob", "body": "psst"}))
        assert reply == ok("1", "2", "user:ann")
        heard = Heard(None, None, "user:bob", "message", {"from": "ann", "body": "psst"})
        assert [await phone.hear(), await laptop.hear()] == [heard, heard]
        for other in (ann, eve):
            assert await other.hears_nothing_more()


@both_drivers
@socket_test
async def test_nobody_may_join_the_topic_of_another(socket: type[Socket]) -> None:
    async with serving({"/socket/websocket": socket}) as served:
        ann = await user(served, "ann")
        assert await ann.ask(join("2", "user:bob")) == error("2", "2", "user:bob", "not your topic")
        assert served.running.transport.pubsub.subscribers("user:bob") == 0


@both_drivers
@socket_test
async def test_a_message_to_who_is_not_there_is_no_error(socket: type[Socket]) -> None:
    async with serving({"/socket/websocket": socket}) as served:
        ann = await user(served, "ann")
        reply = await ann.ask(message("1", "2", "user:ann", "send", {"to": "nobody", "body": "psst"}))
        assert reply == ok("1", "2", "user:ann")
        assert await ann.hears_nothing_more()
