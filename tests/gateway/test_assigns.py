"""What connect assigns to a connection, and its channels find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import trio

from regrow.gateway import Channel, Request, Session, Socket
from regrow.gateway.testing import channel_gateway, connected
from tests.support.socket_test import socket_test

if TYPE_CHECKING:
    from collections.abc import Mapping


class Asking(Channel):
    def join(self, params: Any) -> Any:
        return dict(self.assigns)

    def handle_in(self, event: str, payload: Any) -> Any:
        self.assigns["user"] = "someone else"  # type: ignore[index]


class AsyncAsking(Asking):
    async def join(self, params: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return super().join(params)


class Naming(Socket):
    channels: ClassVar[Mapping[str, type[Channel]]] = {"a": Asking, "b": AsyncAsking}

    @classmethod
    def connect(cls, request: Request, /) -> Any:
        session = super().connect(request)
        if "user" in request.params:
            session.assign(user=request.params["user"])
            session.assign(role="guest")
        return session


@pytest.mark.parametrize("topic", ["a", "b"])
@socket_test
async def test_every_channel_of_a_connection_finds_what_connect_assigned(topic: str) -> None:
    async with channel_gateway(Naming) as gateway:
        for user in ("ann", "bob"):
            client = await gateway.connect({"user": user})
            assert (await client.join(topic)).response == {"user": user, "role": "guest"}


@pytest.mark.parametrize("topic", ["a", "b"])
@socket_test
async def test_nothing_is_assigned_unless_connect_does(topic: str) -> None:
    async with connected(Naming) as client:
        assert (await client.join(topic)).response == {}


@pytest.mark.parametrize("params", [{}, {"user": "ann"}])
@socket_test
async def test_a_channel_cannot_change_what_others_find(params: dict[str, str]) -> None:
    async with connected(Naming, params) as client:
        one = await client.join("a")
        one.push("anything")
        await one.assert_push("phx_error")
        assert (await client.join("b")).response == ({"user": "ann", "role": "guest"} if params else {})


def test_a_session_without_assigns_keeps_no_mapping_for_them() -> None:
    assert Session({})._assigns is None
    assert Session({}).assigns is Session({}).assigns
