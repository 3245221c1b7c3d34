"""Channel messages that are legal JSON and meant ill: each is answered, hurts nobody, and leaves its channel alive."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import pytest

from regrow.gateway import Channel, JoinRefusedError, Socket
from regrow.gateway._channels._messages import Broadcast
from regrow.gateway._channels._msgpack import msgpack_serializer
from regrow.gateway._lobby._lobby import Lobby
from regrow.gateway._wire._framing import PLAIN
from tests.support.channels import AsyncObedientSocket, Obedient, ObedientSocket
from tests.support.phoenix_client import PATH, PhoenixClient, error, errored, join, message, ok
from tests.support.serving import serving
from tests.support.socket_test import socket_test
from tests.support.wire import TEXT, client_frame

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.usefixtures("each_transport")

NASTY = {
    "a lone surrogate": r'{"body": "\ud800"}',
    "a surrogate pair upside down": r'{"body": "\udc00\ud800"}',
    "a number beyond floats": '{"body": 1e999}',
    "an integer of 5000 digits": '{"body": %s}' % ("1" * 5000),
    "deep arrays": '{"body": %s}' % ("[" * 20_000 + "]" * 20_000),
    "deep maps": '{"a":' * 8_000 + "1" + "}" * 8_000,
}
"""Payloads that are JSON for one parser and none for another."""

HARMLESS = {
    "a key twice": '{"body": "a", "body": "b"}',
    "NUL": r'{"body": "\u0000"}',
    "no map": "7",
    "null": "null",
    "a prototype": '{"__proto__": {"x": 1}, "constructor": 1}',
    "half as deep as the stack": '{"body": %s}' % ("[" * 300 + "]" * 300),
}


def raw(join_ref: str | None, ref: str | None, topic: str, event: str, payload: str) -> bytes:
    """The frame of a message whose payload is written as it stands."""
    head = json.dumps([join_ref, ref, topic, event])
    return client_frame(TEXT, f"{head[:-1]}, {payload}]".encode())


@pytest.mark.parametrize("payload", NASTY.values(), ids=NASTY.keys())
@pytest.mark.parametrize("socket", [ObedientSocket, AsyncObedientSocket])
@socket_test
async def test_a_payload_that_cannot_be_decoded_is_an_error_reply_or_the_end_of_its_socket(
    socket: type[Socket], payload: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving({"/socket/websocket": socket}) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:1")
        await client.send(raw("1", "2", "obey:1", "ok", payload))
        await _is_answered(client, "2", "obey:1")
    assert caplog.records == []


@pytest.mark.parametrize("payload", NASTY.values(), ids=NASTY.keys())
@pytest.mark.parametrize("socket", [ObedientSocket, AsyncObedientSocket])
@socket_test
async def test_a_join_with_parameters_that_cannot_be_decoded_is_refused_and_no_crash(
    socket: type[Socket], payload: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving({"/socket/websocket": socket}) as served:
        client = await PhoenixClient.open(served)
        await client.send(raw("2", "2", "obey:1", "phx_join", payload))
        await _is_answered(client, "2", "obey:1", joined=False)
    assert caplog.records == []


@pytest.mark.parametrize("payload", NASTY.values(), ids=NASTY.keys())
@pytest.mark.parametrize("event", ["ping", "new_msg", "typing"])
@socket_test
async def test_the_lobby_passes_nothing_on_that_is_not_json(event: str, payload: str) -> None:
    async with serving({"/socket/websocket": Lobby}) as served:
        listener = await PhoenixClient.open(served, PATH)
        await listener.joined("room:1")
        for params in ({}, {"name": "Eve"}):
            client = await PhoenixClient.open(served, PATH)
            await client.ask(join("1", "room:1", params))
            await client.send(raw("1", "2", "room:1", event, payload))
            await served.settle()
            await client.raw.reset()
        await served.settle()
        await listener.send(message(None, "beat", "phoenix", "heartbeat"))
        event = ""
        while event != "phx_reply":
            text = await listener.raw.text()
            _, _, _, event, _ = json.loads(text, parse_int=float)  # as JavaScript does
            assert event in {"new_msg", "typing", "presence_diff", "phx_reply"}


async def _is_answered(client: PhoenixClient, ref: str, topic: str, *, joined: bool = True) -> None:
    frame = await client.raw.frame()
    if frame.opcode != TEXT:  # nested deeper than the stack: not even the message around it can be read
        assert frame.code == 1007
        return
    assert json.loads(frame.payload)[:4] == [ref if not joined else "1", ref, topic, "phx_reply"]
    answer = json.loads(frame.payload)[4]
    assert answer["status"] == "error"
    assert answer["response"]["reason"] == "invalid payload"
    if joined:
        assert await client.ask(message("1", "3", topic, "ok", {"a": 1})) == ok("1", "3", topic, {"a": 1})
    else:
        await client.joined(topic, "4")


@pytest.mark.parametrize("payload", HARMLESS.values(), ids=HARMLESS.keys())
@pytest.mark.parametrize("socket", [ObedientSocket, AsyncObedientSocket])
@socket_test
async def test_what_is_odd_and_can_be_decoded_is_served(socket: type[Socket], payload: str) -> None:
    async with serving({"/socket/websocket": socket}) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:1")
        reply = await client.ask(raw("1", "2", "obey:1", "ok", payload))
        assert reply.payload == {"status": "ok", "response": json.loads(payload)}
        await client.send(raw("1", None, "obey:1", "broadcast", payload))
        assert (await client.hear()).payload == json.loads(payload)


# Names.

LONG = "x" * 256


@pytest.mark.parametrize(
    "fields",
    [
        ["1", "1", "obey:" + LONG, "phx_join"],
        [LONG, "1", "obey:1", "phx_join"],
        ["1", LONG, "obey:1", "phx_join"],
        ["1", "1", "obey:1", LONG],
        [1, "1", "obey:1", "phx_join"],
        ["1", 1, "obey:1", "phx_join"],
        ["1", "1", None, "phx_join"],
        ["1", "1", "obey:1", ["phx_join"]],
    ],
    ids=[
        "long topic",
        "long join_ref",
        "long ref",
        "long event",
        "join_ref of a number",
        "ref of a number",
        "no topic",
        "event of a list",
    ],
)
@socket_test
async def test_fields_that_are_no_text_or_too_long_are_1007(fields: list[Any]) -> None:
    async with serving({"/socket/websocket": ObedientSocket}) as served:
        client = await PhoenixClient.open(served)
        await client.send(client_frame(TEXT, json.dumps([*fields, {}]).encode()))
        assert (await client.goodbye()).code == 1007


@pytest.mark.parametrize("name", ["x" * 250, "\u0000", "\r\nX-Evil: 1", "e\u0301", "\u202e", "\U0010ffff", "{}", "*"])
@socket_test
async def test_a_topic_of_any_characters_is_that_topic_and_no_other(name: str) -> None:
    async with serving({"/socket/websocket": ObedientSocket}) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:" + name, name)
        assert await client.ask(message(name, "2", "obey:" + name, "ok")) == ok(name, "2", "obey:" + name)
        assert await client.ask(message(None, "3", "obey:\u00e9", "ok")) == error(
            None, "3", "obey:\u00e9", "unmatched topic"
        )


@pytest.mark.parametrize("event", ["phx_reply", "phx_close", "phx_error", "presence_diff", "heartbeat", "phx_drain"])
@pytest.mark.parametrize("socket", [ObedientSocket, AsyncObedientSocket])
@socket_test
async def test_an_event_of_the_server_that_a_client_sends_is_one_the_channel_does_not_know(
    socket: type[Socket], event: str
) -> None:
    async with serving({"/socket/websocket": socket}) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:1")
        reply = await client.ask(message("1", "2", "obey:1", event, {"status": "ok", "response": {}}))
        assert reply == error("1", "2", "obey:1", f"unmatched event: {event}")
        assert await client.hears_nothing_more()


@pytest.mark.parametrize("event", ["phx_join", "phx_reply", "disconnect", "x"])
@socket_test
async def test_the_topic_of_heartbeats_is_no_topic_to_join(event: str) -> None:
    async with serving({"/socket/websocket": ObedientSocket}) as served:
        client = await PhoenixClient.open(served)
        assert await client.ask(message("1", "1", "phoenix", event)) == error(None, "1", "phoenix", "unmatched topic")


@socket_test
async def test_a_join_without_refs_is_silent_and_served() -> None:
    async with serving({"/socket/websocket": ObedientSocket}) as served:
        client = await PhoenixClient.open(served)
        await client.send(message(None, None, "obey:1", "phx_join"))
        assert await client.ask(message(None, "2", "obey:1", "ok")) == ok(None, "2", "obey:1")
        await client.send(message("another", "3", "obey:1", "ok"))  # of a join that never was
        assert await client.hears_nothing_more()


# Joins that end before anybody can watch them.


class Hasty(Channel):
    """A task that decides about its join at once."""

    async def join(self, params: Any) -> None:
        if params.get("how") == "crash":
            raise RuntimeError
        raise JoinRefusedError(reason="not you")


class AsyncHastySocket(Socket):
    """A task, which watches a channel long after an inline one has ended."""

    channels: ClassVar[Mapping[str, type[Channel]]] = {"task": Hasty, "inline": Obedient}

    async def receive(self, frame: str | bytes) -> None:
        super().receive(frame)


class HastySocket(Socket):
    """Inline, with a channel that is a task."""

    channels = AsyncHastySocket.channels


@pytest.mark.parametrize("socket", [HastySocket, AsyncHastySocket])
@pytest.mark.parametrize("topic", ["task", "inline"])
@socket_test
async def test_a_channel_that_ends_before_it_is_watched_has_one_answer(socket: type[Socket], topic: str) -> None:
    async with serving({"/socket/websocket": socket}) as served:
        client = await PhoenixClient.open(served)
        for ref in ("1", "2"):
            refused = await client.ask(join(ref, topic, {"how": "refuse"}))
            assert refused == error(ref, ref, topic, "not you")
            await served.settle()
            assert await client.hears_nothing_more()
            crashed = await client.ask(join(ref, topic, {"how": "crash"}))
            assert crashed == error(ref, ref, topic, "join crashed")
            await served.settle()
            assert await client.hears_nothing_more()


@pytest.mark.parametrize("socket", [ObedientSocket, AsyncObedientSocket])
@socket_test
async def test_a_socket_that_crashes_on_what_is_no_message_takes_one_restart(socket: type[Socket]) -> None:
    async with serving({"/socket/websocket": socket}) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:1")
        await client.raw.send_text("socket_crash, and no JSON")
        assert await client.ask(message("1", "2", "obey:1", "ok")) == ok("1", "2", "obey:1")
        assert served.metrics.crashed == 1


@pytest.mark.parametrize("socket", [ObedientSocket, AsyncObedientSocket])
@socket_test
async def test_a_channel_that_crashes_as_fast_as_its_client_joins_is_no_end_of_the_socket(socket: type[Socket]) -> None:
    async with serving({"/socket/websocket": socket}) as served:
        client = await PhoenixClient.open(served)
        for number in range(15):
            await client.joined("obey:1", str(number))
            gone = await client.ask(message(str(number), None, "obey:1", "crash"))
            assert gone == errored(str(number), "obey:1")
        await client.joined("obey:1", "last")


@pytest.mark.parametrize(
    ("payload", "heard"),
    [
        (r'{"a\ud800": ["\udc00"]}', {"a\ufffd": ["\ufffd"]}),
        ("[1e999, 1]", [float("inf"), 1.0]),
        ("9" * 5000, float("inf")),
    ],
    ids=["lone surrogates", "a number beyond floats", "an integer of 5000 digits"],
)
def test_json_that_only_some_can_read_is_told_in_msgpack(payload: str, heard: Any) -> None:
    frame = msgpack_serializer(PLAIN).broadcast(Broadcast("room:1", "typing", msgspec.Raw(payload.encode())))
    size = 2 if len(frame) < 128 else 4
    assert msgspec.msgpack.decode(frame[size:]) == [None, None, "room:1", "typing", heard]


@pytest.mark.parametrize("socket", [ObedientSocket, AsyncObedientSocket])
@socket_test
async def test_what_is_said_between_two_joins_of_a_topic_reaches_no_channel_that_was_not_joined(
    socket: type[Socket],
) -> None:
    async with serving({"/socket/websocket": socket}) as served:
        client = await PhoenixClient.open(served)
        await client.send(join("1", "obey:1"), message("1", "2", "obey:1", "ok"), join("3", "obey:1"))
        answers = [await client.hear()]
        while answers[-1] != ok("3", "3", "obey:1"):
            answers.append(await client.hear())
        joined = [one for one in answers if one == ok("1", "1", "obey:1")]
        served_ = [one for one in answers if one == ok("1", "2", "obey:1")]
        assert len(joined) >= len(served_)
        assert await client.hears_nothing_more()
