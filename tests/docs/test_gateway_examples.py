"""The servers in ``docs/examples`` do what they say, over real sockets, and survive what is done to them."""

from __future__ import annotations

import re
import runpy
import shlex
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import trio

from regrow.actors import KILL, exit_signal
from regrow.gateway import Gateway
from tests.docs.test_examples import EXAMPLES
from tests.docs.test_tutorial_rooms import typed
from tests.support.command import run_command
from tests.support.phoenix_client import PATH, Heard, PhoenixClient, error, errored, join, message, ok
from tests.support.raw_client import RawClient, upgrade_request
from tests.support.scraping import get, scrape
from tests.support.serving import serving
from tests.support.socket_test import pass_time, skip_time, socket_test
from tests.support.wire import PING, PONG, TEXT, ServerFrame, client_frame

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from regrow.gateway import Connection, Handler
    from tests.support.serving import Served

SOCKET = "/socket/websocket"
SERVERS = ["phoenix_chat", "user_socket", "raw_hub", "lagging", "lobby_and_dms"]


CLIENTS = {
    "phoenix_chat": ("hello", '[room:tea] hello  {"from": "ann"}'),
    "lobby_and_dms": ('/push send {"to": "bob", "body": "psst"}', "* send: ok"),
    "user_socket": ("/push x 7", '* x: ok {"you": "ann", "said": 7}'),
    "lagging": ('/push publish {"headline": "It rains"}', '[news] news {"headline": "It rains"}'),
}
"""A line typed into the terminal client, and what it shows."""


def command_for(name: str) -> str:
    """How the table of examples says one is tried in the terminal."""
    table = (EXAMPLES / "README.md").read_text("utf-8")
    [row] = [row for row in table.splitlines() if row.startswith(f"| [{name}.py]")]
    [command] = re.findall(r"`(regrow connect .*?)`", row)
    return str(command)


def example(name: str) -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


def served_as(app: Gateway, routes: Mapping[str, type[Handler]] | None = None) -> AbstractAsyncContextManager[Served]:
    """Serve an example, or other handlers as it would serve its own."""
    return serving(routes or app.routes, app.settings, app.views, metrics=app.metrics, children=app.children)


async def handshake(served: Served, path: str, headers: Mapping[str, str | None] | None = None) -> int:
    """The status that a request for a WebSocket is answered with."""
    client = await served.connect()
    await client.send(upgrade_request(path, headers))
    return await client.status()


def newest(served: Served) -> Connection:
    """The connection made last."""
    return list(served.running.transport.connections.values())[-1]


async def crash(served: Served) -> None:
    """Kill the process of the connection made last, and wait until it has another."""
    await served.settle()
    connection = newest(served)
    before = connection.pid
    assert before is not None
    exit_signal(before, KILL)
    await served.settle()
    assert connection.pid not in (before, None)


def told(topic: str, event: str, payload: Any) -> Heard:
    """What was broadcast."""
    return Heard(None, None, topic, event, payload)


@pytest.mark.parametrize("name", SERVERS)
def test_an_example_is_a_gateway_in_few_lines_that_says_how_to_serve_it(name: str) -> None:
    source = (EXAMPLES / f"{name}.py").read_text("utf-8")
    assert len([line for line in source.splitlines() if line.strip()]) <= 60
    assert f"``regrow serve {name}:app``" in source
    assert isinstance(example(name)["app"], Gateway)


@pytest.mark.parametrize("name", SERVERS)
def test_regrow_serves_an_example_to_the_client_it_names(name: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with run_command("serve", f"{name}:app", "--port", "0", cwd=EXAMPLES) as command:
            port = await command.port()
            client = await RawClient.connect(port)
            await client.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await client.status() == 200
            page = (await client.rest()).decode()
            await client.aclose()
            assert "regrow_connections_accepted_total 1" in page
            assert ("chat_users 0" in page) == (name == "user_socket")
            if name in CLIENTS:
                line, answer = CLIENTS[name]
                connect = f"echo {shlex.quote(line)} | {command_for(name).replace(':4000', f':{port}')}"
                assert answer in (await typed(connect, tmp_path)).splitlines()
            command.process.terminate()
            assert await command.exit_status() == 0

    trio.run(main)


# phoenix_chat.py


async def presence(client: PhoenixClient, event: str) -> Any:
    """The payload of the next message, which must be this one of presence."""
    heard = await client.hear()
    assert heard.event == event, heard
    return heard.payload


async def diff(client: PhoenixClient) -> tuple[list[str], list[str]]:
    """Who came and who left, as the next message says."""
    payload = await presence(client, "presence_diff")
    return list(payload["joins"]), list(payload["leaves"])


async def chatting(served: Served, name: str) -> PhoenixClient:
    """A user in the room, who has heard who is there."""
    client = await PhoenixClient.open(served, f"{PATH}&name={name}")
    await client.joined("room:tea")
    assert name in await presence(client, "presence_state")
    assert await diff(client) == ([name], [])
    return client


def say(body: Any, ref: str = "2") -> bytes:
    return message("1", ref, "room:tea", "new_msg", {"body": body})


@socket_test
async def test_the_chat_tells_everyone_what_is_said_and_the_others_who_types() -> None:
    async with served_as(example("phoenix_chat")["app"]) as served:
        ann = await chatting(served, "ann")
        bob = await chatting(served, "bob")
        assert await diff(ann) == (["bob"], [])
        await ann.send(message("1", None, "room:tea", "typing"), say("hello"))
        said = told("room:tea", "new_msg", {"from": "ann", "body": "hello"})
        assert [await ann.hear(), await ann.hear()] == [said, ok("1", "2", "room:tea")]
        assert [await bob.hear(), await bob.hear()] == [told("room:tea", "typing", {"from": "ann"}), said]
        await bob.send(message("1", "9", "room:tea", "phx_leave"))
        assert await diff(ann) == ([], ["bob"])


@socket_test
async def test_the_chat_refuses_bad_names_rooms_and_messages_by_name() -> None:
    async with served_as(example("phoenix_chat")["app"]) as served:
        for name in ("", "a%20b", "x" * 33, "%0A"):
            assert await handshake(served, f"{PATH}&name={name}") == 403
        ann = await chatting(served, "ann")
        for number, room in enumerate(("room:", "room:no spaces", "room:" + "x" * 33, "room:x\n")):
            refusal = await ann.ask(join(f"r{number}", room))
            assert refusal.payload["response"]["reason"] == "invalid_room_id"
        assert await ann.ask(say("x" * 200)) == told("room:tea", "new_msg", {"from": "ann", "body": "x" * 200})
        assert (await ann.hear()).payload["status"] == "ok"
        too_long = error("1", "2", "room:tea", "message_too_long", limit=200, length=201)
        assert await ann.ask(say("x" * 201)) == too_long
        assert (await ann.ask(say(7))).payload["response"]["reason"] == "invalid payload"
        for event in ("new_msg", "shout"):  # the first without a body
            answer = error("1", "3", "room:tea", f"cannot handle {event}")
            assert await ann.ask(message("1", "3", "room:tea", event)) == answer


@socket_test
async def test_the_chat_logs_who_is_gone_and_why(caplog: pytest.LogCaptureFixture) -> None:
    module = example("phoenix_chat")

    room: Any = module["RoomChannel"]
    user_socket: Any = module["UserSocket"]

    class Fragile(room):  # type: ignore[misc]
        def handle_in(self, event: str, payload: Any) -> Any:
            if event == "crash":
                raise RuntimeError
            return room.handle_in(self, event, payload)

    class FragileSocket(user_socket):  # type: ignore[misc]
        channels: ClassVar = {"room:*": Fragile}

    caplog.set_level("INFO", "phoenix_chat")
    async with served_as(module["app"], {SOCKET: FragileSocket}) as served:
        ann = await chatting(served, "ann")
        bob = await chatting(served, "bob")
        assert await diff(ann) == (["bob"], [])
        assert await bob.ask(message("1", "2", "room:tea", "crash")) == errored("1", "room:tea")
        assert await diff(ann) == ([], ["bob"])
        await bob.joined("room:tea", "3")
        assert await diff(ann) == (["bob"], [])
        await bob.raw.reset()
        assert await diff(ann) == ([], ["bob"])
        await ann.send(message("1", "9", "room:tea", "phx_leave"))
        await served.settle()
    lines = [record.getMessage() for record in caplog.records if record.name == "phoenix_chat"]
    assert [line.partition(": ")[0] for line in lines] == [
        f"{name} is gone from room:tea" for name in ("bob", "bob", "ann")
    ]
    assert "RuntimeError" in lines[0]
    assert all("crash" not in line.lower() for line in lines[1:])


# user_socket.py


async def live(served: Served) -> tuple[float, float]:
    """Connections and users, as `/metrics` says."""
    series = await scrape(served)
    return series["chat_connections"], series["chat_users"]


@socket_test
async def test_live_connections_are_counted_until_they_are_gone() -> None:
    async with served_as(example("user_socket")["app"]) as served:
        assert await live(served) == (0, 0)
        phone = await PhoenixClient.open(served, f"{PATH}&user_id=ann")
        await PhoenixClient.open(served, f"{PATH}&user_id=ann")
        await PhoenixClient.open(served, f"{PATH}&user_id=bob")
        assert await live(served) == (3, 2)
        await phone.joined("echo")
        assert await phone.ask(message("1", "2", "echo", "x", 7)) == ok("1", "2", "echo", {"you": "ann", "said": 7})
        await phone.raw.reset()
        await served.settle()
        assert await live(served) == (2, 2)


@socket_test
async def test_the_count_of_live_connections_is_exact_after_crashes() -> None:
    async with served_as(example("user_socket")["app"]) as served:
        await PhoenixClient.open(served, f"{PATH}&user_id=bob")
        ann = await PhoenixClient.open(served, f"{PATH}&user_id=ann")
        for _ in range(5):
            await crash(served)
            assert await live(served) == (2, 2)
        assert await ann.hears_nothing_more()
        pid = newest(served).pid
        assert pid is not None
        exit_signal(pid, KILL)
        assert (await ann.goodbye()).code == 1011
        await ann.raw.say_goodbye()
        assert await ann.raw.is_ended()
        await served.settle()
        assert await live(served) == (1, 1)


@socket_test
async def test_nobody_comes_in_without_a_user_id_or_is_counted() -> None:
    async with served_as(example("user_socket")["app"]) as served:
        for path in (PATH, f"{PATH}&user_id=", f"{PATH}&user_id=Ann", f"{PATH}&user_id={'x' * 33}"):
            assert await handshake(served, path) == 403
        assert await handshake(served, f"{SOCKET}?user_id=ann") == 403  # no version of the protocol
        assert await live(served) == (0, 0)


# lagging.py


async def behind(served: Served, quick: PhoenixClient) -> tuple[PhoenixClient, Connection, int]:
    """A reader with some news that it will not see, and how many were published; the quick one has read them all."""
    slow = PhoenixClient(await served.client(PATH, receive_buffer=4096))
    await slow.joined("news")
    connection = newest(served)
    published = 0
    while not connection.is_blocked or published % 10:
        published += 1
        served.running.broadcast("news", "news", {"number": published, "filling": "x" * 60_000})
        await served.settle()
        assert (await quick.hear()).payload["number"] == published
    return slow, connection, published


async def catch_up(slow: PhoenixClient) -> tuple[list[int], Heard]:
    """What a slow reader hears until it is something else than what it was late for, and that."""
    numbers: list[int] = []
    while True:
        skip_time(0.25)
        heard = await slow.hear()
        if "filling" not in heard.payload:
            return numbers, heard
        numbers.append(heard.payload["number"])


@socket_test
async def test_a_reader_that_lags_is_told_how_much_it_missed() -> None:
    async with served_as(example("lagging")["app"]) as served:
        quick = await PhoenixClient.open(served)
        await quick.joined("news")
        slow, _, published = await behind(served, quick)
        await crash(served)  # its connection: the channel goes on
        numbers, missed = await catch_up(slow)
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) < published
        assert missed == Heard("1", None, "news", "missed", {"count": published - len(numbers)})
        served.running.broadcast("news", "news", {"number": published + 1})
        assert (await slow.hear()).payload == (await quick.hear()).payload == {"number": published + 1}


@socket_test
async def test_a_reader_whose_channel_crashes_while_it_lags_is_told_so() -> None:
    async with served_as(example("lagging")["app"]) as served:
        quick = await PhoenixClient.open(served)
        await quick.joined("news")
        slow, connection, _ = await behind(served, quick)
        exit_signal(connection.session.joined["news"].pid, KILL)
        await served.settle()
        _, end = await catch_up(slow)
        assert end == errored("1", "news")
        await slow.joined("news", "2")
        served.running.broadcast("news", "news", {"number": 0})
        assert (await slow.hear()).payload == (await quick.hear()).payload == {"number": 0}


@socket_test
async def test_readers_may_publish_and_keep_up_without_a_word() -> None:
    async with served_as(example("lagging")["app"]) as served:
        ann = await PhoenixClient.open(served)
        bob = await PhoenixClient.open(served)
        await ann.joined("news")
        await bob.joined("news")
        for number in range(1, 31):
            await ann.send(message("1", str(number), "news", "publish", {"number": number}))
        heard = [await ann.hear() for _ in range(60)]
        numbers = [{"number": number} for number in range(1, 31)]
        assert [one.payload for one in heard if one.event == "news"] == numbers
        assert [one.ref for one in heard if one.event == "phx_reply"] == [str(number) for number in range(1, 31)]
        assert [(await bob.hear()).payload for _ in range(30)] == numbers
        assert await ann.ask(message("1", "31", "news", "shout")) == error("1", "31", "news", "unmatched event: shout")
        await pass_time(10)
        assert await ann.hears_nothing_more()
        assert await bob.hears_nothing_more()


# lobby_and_dms.py


async def user(served: Served, name: str) -> PhoenixClient:
    """A user in the lobby and in their own topic."""
    client = await PhoenixClient.open(served, f"{PATH}&user={name}")
    await client.joined("lobby", "1")
    await client.joined(f"user:{name}", "2")
    return client


def send(sender: str, to: Any, body: Any, ref: str = "5") -> bytes:
    return message("2", ref, f"user:{sender}", "send", {"to": to, "body": body})


@socket_test
async def test_a_direct_message_reaches_every_device_of_both_users_and_nobody_else() -> None:
    async with served_as(example("lobby_and_dms")["app"]) as served:
        ann, other, bob, eve = [await user(served, name) for name in ("ann", "ann", "bob", "eve")]
        assert await ann.ask(send("ann", "bob", "psst")) == ok("2", "5", "user:ann")
        direct = {"from": "ann", "to": "bob", "body": "psst"}
        assert await bob.hear() == told("user:bob", "message", direct)
        assert await other.hear() == told("user:ann", "message", direct)
        note = told("user:ann", "message", {"from": "ann", "to": "ann", "body": "milk"})
        assert await ann.ask(send("ann", "ann", "milk")) == note
        assert await ann.hear() == ok("2", "5", "user:ann")
        assert await other.hear() == note
        assert await ann.ask(send("ann", "nobody", "hm")) == ok("2", "5", "user:ann")
        for client in (ann, bob, eve):
            assert await client.hears_nothing_more()


@socket_test
async def test_everyone_in_the_lobby_hears_what_is_said_there() -> None:
    async with served_as(example("lobby_and_dms")["app"]) as served:
        ann, bob = [await user(served, name) for name in ("ann", "bob")]
        said = told("lobby", "said", {"from": "ann", "body": "hello"})
        assert await ann.ask(message("1", "3", "lobby", "say", {"body": "hello"})) == said
        assert await ann.hear() == ok("1", "3", "lobby")
        assert await bob.hear() == said


@socket_test
async def test_direct_messages_arrive_while_the_lobby_channels_of_both_are_dead() -> None:
    async with served_as(example("lobby_and_dms")["app"]) as served:
        ann = await user(served, "ann")
        bob = await user(served, "bob")
        for connection in list(served.running.transport.connections.values())[-2:]:
            exit_signal(connection.session.joined["lobby"].pid, KILL)
        assert await ann.hear() == await bob.hear() == errored("1", "lobby")
        await crash(served)
        assert await ann.ask(send("ann", "bob", "still here?")) == ok("2", "5", "user:ann")
        assert (await bob.hear()).payload["body"] == "still here?"
        await bob.joined("lobby", "7")


@socket_test
async def test_an_inbox_is_for_its_user_and_what_is_malformed_is_refused() -> None:
    async with served_as(example("lobby_and_dms")["app"]) as served:
        for name in ("", "Ann", "a" * 33, "ann%0A"):
            assert await handshake(served, f"{PATH}&user={name}") == 403
        eve = await user(served, "eve")
        assert await eve.ask(join("3", "user:ann")) == error("3", "3", "user:ann", "not your inbox")
        for frame in (
            send("eve", "ann", ""),
            send("eve", "ann", "x" * 501),
            send("eve", ["ann"], "hello"),
            message("1", "5", "lobby", "say", {"body": 7}),
            message("1", "5", "lobby", "say", {}),
        ):
            assert (await eve.ask(frame)).payload["response"]["reason"] == "invalid payload"
        for topic, ref in (("lobby", "1"), ("user:eve", "2")):
            unmatched = error(ref, "5", topic, "unmatched event: shout")
            assert await eve.ask(message(ref, "5", topic, "shout")) == unmatched


# raw_hub.py


def said(text: str) -> ServerFrame:
    return ServerFrame(TEXT, text.encode())


async def in_hub(served: Served) -> RawClient:
    """A client whose process has begun, so that it hears what is said from then on."""
    client = await served.client("/ws")
    await served.settle()
    return client


async def answer(client: RawClient) -> None:
    """Wait for a ping, and answer it."""
    frame = await client.frame()
    assert frame.opcode == PING
    await client.send(client_frame(PONG, frame.payload))


async def seconds(count: int) -> None:
    """Let time pass, a second at a time, as it does for the gateway's sweep."""
    for _ in range(count):
        await pass_time(1)


@socket_test
async def test_the_hub_sends_everyone_what_anyone_sends_whatever_crashes() -> None:
    async with served_as(example("raw_hub")["app"]) as served:
        ann, bob = await in_hub(served), await in_hub(served)
        await ann.send_text("hello")
        assert await ann.frame() == await bob.frame() == said("hello")
        await crash(served)
        await ann.send_text("still here?")
        assert await ann.frame() == await bob.frame() == said("still here?")
        await bob.send_text("yes")
        assert await ann.frame() == await bob.frame() == said("yes")
        await bob.reset()
        await served.settle()
        await ann.send_text("bye")
        assert await ann.frame() == said("bye")


@socket_test
async def test_the_page_of_the_hub_may_open_a_socket_and_other_pages_may_not() -> None:
    async with served_as(example("raw_hub")["app"]) as served:
        status, body = await get(served, "/")
        assert (status, "new WebSocket(" in body) == (200, True)
        assert await handshake(served, "/ws", {"Host": "chat.example", "Origin": "http://chat.example"}) == 101
        assert await handshake(served, "/ws", {"Host": "chat.example", "Origin": "http://evil.example"}) == 403
        assert (await get(served, "/ws"))[0] == 426


@socket_test
async def test_the_hub_reads_512_bytes_and_not_one_more() -> None:
    async with served_as(example("raw_hub")["app"]) as served:
        ann, bob = await in_hub(served), await in_hub(served)
        await ann.send_text("x" * 512)
        assert await ann.frame() == await bob.frame() == said("x" * 512)
        await ann.send_text("x" * 513)
        assert await ann.close_code() == 1009
        await bob.send_text("alone")
        assert await bob.frame() == said("alone")


@socket_test
async def test_the_hub_pings_after_54_seconds_and_waits_60_for_a_pong() -> None:
    async with served_as(example("raw_hub")["app"]) as served:
        bystander = served._clients[0]
        mute, ann = await in_hub(served), await in_hub(served)
        await seconds(58)
        for client in (bystander, ann):
            await answer(client)
        assert (await mute.frame()).opcode == PING
        await seconds(7)
        assert await mute.close_code() == 1011
        await ann.send_text("who is left?")
        assert await ann.frame() == said("who is left?")


async def full(served: Served, quick: RawClient) -> Connection:
    """A client of the hub that reads nothing, once its socket is full; a quick one reads on meanwhile."""
    await served.client("/ws", receive_buffer=4096)
    slow = newest(served)
    while not slow.is_blocked:
        served.running.transport.raw_pubsub.broadcast("hub", "x" * 60_000)
        await quick.frame()
        await served.settle()
    return slow


@socket_test
async def test_the_hub_drops_a_client_that_is_256_messages_behind_and_no_other() -> None:
    async with served_as(example("raw_hub")["app"]) as served:
        quick = await in_hub(served)
        await full(served, quick)
        for number in range(257):
            assert served.metrics.slow_consumers == 0
            served.running.transport.raw_pubsub.broadcast("hub", str(number))
            assert await quick.frame() == said(str(number))
        assert served.metrics.slow_consumers == 1


@socket_test
async def test_the_hub_resets_a_client_whose_socket_takes_nothing_for_10_seconds() -> None:
    async with served_as(example("raw_hub")["app"]) as served:
        quick = await in_hub(served)
        slow = await full(served, quick)
        await seconds(8)
        assert slow in served.running.transport.connections.values()
        await seconds(4)
        assert slow not in served.running.transport.connections.values()
        assert served.metrics.stalled == 1
        await quick.send_text("who is left?")
        assert await quick.frame() == said("who is left?")
