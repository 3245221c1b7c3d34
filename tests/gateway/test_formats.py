"""JSON, bytes and msgpack over real sockets, in one topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import pytest

from regrow.gateway import Channel, Ok, Settings, Socket
from tests.support.channels import AsyncObedientSocket, ObedientSocket
from tests.support.phoenix_client import (
    Heard,
    MsgpackClient,
    PhoenixClient,
    binary_message,
    closed,
    error,
    errored,
    message,
    ok,
    packed,
)
from tests.support.serving import Served, serving
from tests.support.socket_test import socket_test
from tests.support.wire import BINARY, TEXT, client_frame

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

both_drivers = pytest.mark.parametrize("socket", [ObedientSocket, AsyncObedientSocket])


class Note(msgspec.Struct):
    body: str


class Typed(Channel):
    """Says what it was handed."""

    events: ClassVar = {"note": Note, "raw": msgspec.Raw, "bytes": bytes}

    def handle_in(self, event: str, payload: Any) -> Any:
        if event == "raw":
            self.broadcast("said", {"inner": payload})
            return Ok(payload)
        return Ok({"kind": type(payload).__name__})


class TypedSocket(Socket):
    channels: ClassVar = {"typed": Typed}


def chat(socket: type[Socket]) -> AbstractAsyncContextManager[Served]:
    return serving({"/socket/websocket": socket}, Settings())


@both_drivers
@socket_test
async def test_a_channel_is_handed_bytes_and_what_it_answers_with_bytes_is_binary(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        client, witness = await PhoenixClient.open(served), await PhoenixClient.open(served)
        for one in (client, witness):
            await one.joined("obey:1")
        data = bytes(range(256))
        assert await client.ask(binary_message("1", "2", "obey:1", "ok", data)) == ok("1", "2", "obey:1", data)
        pushed = await client.ask(binary_message("1", "3", "obey:1", "push", data))
        assert pushed == Heard("1", None, "obey:1", "pushed", data)
        said = Heard(None, None, "obey:1", "said", data)
        assert await client.ask(binary_message("1", "4", "obey:1", "broadcast", data)) == said
        assert await witness.hear() == said
        assert await client.ask(message("1", "5", "obey:1", "ok", {"json": 1})) == ok("1", "5", "obey:1", {"json": 1})


class Blob(Channel):
    """Answers with bytes."""

    def handle_in(self, event: str, payload: Any) -> Any:
        return Ok(b"\xff")


class BlobSocket(Socket):
    channels: ClassVar = {"blob:*": Blob}


@socket_test
async def test_a_topic_too_long_for_a_binary_message_crashes_the_channel_and_not_the_socket() -> None:
    long = "blob:" + "é" * 126  # 131 characters, 257 bytes
    async with chat(BlobSocket) as served:
        client = await PhoenixClient.open(served)
        await client.joined(long)
        await client.joined("blob:1", "2")
        assert await client.ask(message("1", "3", long, "any")) == errored("1", long)
        assert await client.ask(message("2", "4", "blob:1", "any")) == ok("2", "4", "blob:1", b"\xff")
        assert served.metrics.crashed == 0


@both_drivers
@socket_test
async def test_everything_is_msgpack_for_a_client_that_asks_for_it(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        client = await MsgpackClient.open(served)
        assert await client.ask(packed("1", "1", "obey:1", "phx_join", {"how": "welcome"})) == ok(
            "1", "1", "obey:1", {"hello": "obey:1"}
        )
        payload: Any = {"bytes": b"\xff\x00", "list": [1, -1, 1.5, None, True], "map": {"a": {}}}
        assert await client.ask(packed("1", "2", "obey:1", "ok", payload)) == ok("1", "2", "obey:1", payload)
        assert await client.ask(packed("1", "3", "obey:1", "ok", b"\xff")) == ok("1", "3", "obey:1", b"\xff")
        assert await client.ask(packed("1", "4", "nosuch", "phx_join")) == error(None, "4", "nosuch", "unmatched topic")
        assert await client.ask(packed("1", "5", "obey:1", "crash")) == errored("1", "obey:1")
        await client.joined("obey:2", "6")
        await client.send(packed("6", "7", "obey:2", "phx_leave"))
        assert await client.hear() == ok("6", "7", "obey:2")
        assert await client.hear() == closed("6", "obey:2")
        assert await client.hears_nothing_more()


@both_drivers
@socket_test
async def test_clients_of_both_formats_hear_each_other_in_one_topic(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        json, msgpack = await PhoenixClient.open(served), await MsgpackClient.open(served)
        for client in (json, msgpack):
            await client.joined("obey:1")
        said = Heard(None, None, "obey:1", "said", {"n": [1]})
        await json.send(message("1", "2", "obey:1", "broadcast", {"n": [1]}))
        assert (await json.hear(), await msgpack.hear()) == (said, said)
        await msgpack.send(packed("1", "2", "obey:1", "broadcast", {"n": [1]}))
        assert (await json.hear(), await msgpack.hear()) == (said, said)
        await msgpack.send(packed("1", "3", "obey:1", "broadcast_from", b"\xff"))
        assert await json.hear() == Heard(None, None, "obey:1", "said", b"\xff")
        assert await msgpack.hears_nothing_more()


@socket_test
async def test_json_that_nobody_decoded_reaches_clients_of_both_formats() -> None:
    async with chat(TypedSocket) as served:
        json, msgpack = await PhoenixClient.open(served), await MsgpackClient.open(served)
        for client in (json, msgpack):
            await client.joined("typed")
        said = Heard(None, None, "typed", "said", {"inner": {"a": [1, "é"]}})
        answer = ok("1", "2", "typed", {"a": [1, "é"]})
        await json.send(message("1", "2", "typed", "raw", {"a": [1, "é"]}))
        assert [await json.hear(), await json.hear(), await msgpack.hear()] == [said, answer, said]
        await msgpack.send(packed("1", "2", "typed", "raw", {"a": [1, "é"]}))
        assert [await msgpack.hear(), await msgpack.hear(), await json.hear()] == [said, answer, said]
        assert await msgpack.hears_nothing_more()


@socket_test
async def test_an_event_has_its_declared_type_in_every_format_or_an_error_reply() -> None:
    async with chat(TypedSocket) as served:
        json, msgpack = await PhoenixClient.open(served), await MsgpackClient.open(served)
        for client in (json, msgpack):
            await client.joined("typed")
        note = ok("1", "2", "typed", {"kind": "Note"})
        assert await json.ask(message("1", "2", "typed", "note", {"body": "a"})) == note
        assert await msgpack.ask(packed("1", "2", "typed", "note", {"body": "a"})) == note
        taken = ok("1", "3", "typed", {"kind": "bytes"})
        for event in ("bytes", "undeclared"):
            assert await json.ask(binary_message("1", "3", "typed", event, b"\xff")) == taken
            assert await msgpack.ask(packed("1", "3", "typed", event, b"\xff")) == taken
        for client, frame in (
            (json, binary_message("1", "4", "typed", "note", b'{"body":"a"}')),
            (json, binary_message("1", "4", "typed", "raw", b"{}")),
            (msgpack, packed("1", "4", "typed", "note", {"body": 1})),
            (msgpack, packed("1", "4", "typed", "note", b"{}")),
        ):
            refused = await client.ask(frame)
            assert refused.payload["status"] == "error"
            assert refused.payload["response"]["reason"] == "invalid payload"


@both_drivers
@socket_test
async def test_a_text_message_on_a_msgpack_connection_is_1003(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        client = await MsgpackClient.open(served)
        await client.send(client_frame(TEXT, b'[null,"1","phoenix","heartbeat",{}]'))
        goodbye = await client.goodbye()
        assert goodbye.code == 1003
        assert b"regrow.msgpack" in goodbye.payload


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x80", b"\x95\xc0", b"\x91" * 50_000])
@both_drivers
@socket_test
async def test_malformed_msgpack_is_1007(socket: type[Socket], data: bytes) -> None:
    async with chat(socket) as served:
        client = await MsgpackClient.open(served)
        await client.send(client_frame(BINARY, data))
        assert (await client.goodbye()).code == 1007
        assert served.metrics.crashed == 0


@socket_test
async def test_a_socket_that_crashes_on_msgpack_answers_in_msgpack() -> None:
    async with chat(ObedientSocket) as served:
        client = await MsgpackClient.open(served)
        crashed = await client.ask(packed("1", "2", "obey:1", "socket_crash"))
        assert crashed == error("1", "2", "obey:1", "socket crashed")
