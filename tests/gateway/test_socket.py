"""The rules of Phoenix.Socket, over real sockets: inline channels and channels that are tasks behave the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import trio

from regrow.actors import KILL, Shutdown, exit_signal, send
from regrow.gateway import Channel, Session, Settings, Socket
from tests.support.channels import AsyncObedientSocket, Obedient, ObedientSocket
from tests.support.phoenix_client import (
    Heard,
    PhoenixClient,
    binary_message,
    closed,
    error,
    errored,
    join,
    message,
    ok,
)
from tests.support.raw_client import upgrade_request
from tests.support.serving import Served, serving
from tests.support.socket_test import pass_time, socket_test
from tests.support.wire import BINARY, TEXT, client_frame

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from regrow.actors import ExitReason, Pid

pytestmark = pytest.mark.usefixtures("each_transport")

SETTINGS = Settings(max_channels=3, connection_restarts=2)

both_drivers = pytest.mark.parametrize("socket", [ObedientSocket, AsyncObedientSocket])


@pytest.fixture(autouse=True)
def _nothing_ended() -> None:
    Obedient.ended.clear()


def chat(socket: type[Socket], settings: Settings = SETTINGS) -> AbstractAsyncContextManager[Served]:
    return serving({"/socket/websocket": socket}, settings)


def channel_pid(served: Served, topic: str) -> Pid:
    (pid,) = [
        joined.pid
        for connection in served.running.transport.connections.values()
        if isinstance(connection.session, Session)
        for joined in connection.session.joined.values()
        if joined.topic == topic and joined.pid is not None
    ]
    return pid


# Connecting.


@pytest.mark.parametrize(
    "query", ["", "?vsn=1.0.0", "?vsn=3.0.0", "?vsn=2.1.0", "?vsn=2.0", "?vsn=2.0.0x", "?vsn=nonsense", "?vsn="]
)
@socket_test
async def test_c17_a_version_that_is_not_spoken_is_a_403(query: str) -> None:
    async with chat(ObedientSocket) as served:
        client = await served.connect()
        await client.send(upgrade_request(f"/socket/websocket{query}"))
        assert await client.status() == 403


@both_drivers
@socket_test
async def test_c1_a_heartbeat_is_answered(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        assert await client.ask(message(None, "7", "phoenix", "heartbeat")) == ok(None, "7", "phoenix")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "{}",
        "[]",
        '["1","1","t","e"]',
        '[1,"1","t","e",{}]',
        '["1","1",null,"e",{}]',
        '["1","1","t","e",{]',
        '["1","1","obey:1","phx_join",' + "[" * 20_000 + "]" * 20_000 + "]",
    ],
    ids=lambda text: text[:30],
)
@both_drivers
@socket_test
async def test_a_malformed_message_is_1007_and_what_is_behind_it_is_not_served(socket: type[Socket], text: str) -> None:
    async with chat(socket) as served:
        witness, client = await PhoenixClient.open(served), await PhoenixClient.open(served)
        await witness.joined("obey:1")
        await client.joined("obey:1")
        broadcast = message("1", "2", "obey:1", "broadcast")
        await client.send(client_frame(TEXT, text.encode()), broadcast)
        assert (await client.goodbye()).code == 1007
        assert await witness.hears_nothing_more()
        assert served.metrics.crashed == 0


@pytest.mark.parametrize("version", ["2.0.0", "2.0.7"])
@socket_test
async def test_c17_every_patch_of_version_2_0_is_spoken(version: str) -> None:
    async with chat(ObedientSocket) as served:
        client = await PhoenixClient.open(served, f"/socket/websocket?vsn={version}")
        assert await client.hears_nothing_more()


@pytest.mark.parametrize("frame", [b"", b"\0", b"\0\1\1\1\1abc", b"\1\0\0\0\0", b"\0\0\0\1\0\xff"])
@both_drivers
@socket_test
async def test_a_malformed_binary_message_is_1007(socket: type[Socket], frame: bytes) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        await client.send(client_frame(BINARY, frame))
        assert (await client.goodbye()).code == 1007
        assert served.metrics.crashed == 0


@both_drivers
@socket_test
async def test_elements_behind_the_fifth_are_ignored(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        text = json.dumps([None, "1", "phoenix", "heartbeat", {}, "and", "more"])
        assert await client.ask(client_frame(TEXT, text.encode())) == ok(None, "1", "phoenix")


# Joining.


@both_drivers
@socket_test
async def test_a_join_is_answered_with_what_the_channel_returns(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        assert await client.ask(join("3", "obey:1", {"how": "welcome"})) == ok("3", "3", "obey:1", {"hello": "obey:1"})
        assert await client.ask(join("4", "exact")) == ok("4", "4", "exact")


@pytest.mark.parametrize("topic", ["nosuch", "obey", "exact:1", "unmakeable:1", "", "*"])
@both_drivers
@socket_test
async def test_c2_a_topic_without_a_channel_is_unmatched_and_its_reply_has_no_join_ref(
    socket: type[Socket], topic: str
) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        assert await client.ask(join("1", topic)) == error(None, "1", topic, "unmatched topic")


@both_drivers
@socket_test
async def test_c3_an_event_on_a_topic_that_is_not_joined_is_unmatched(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        assert await client.ask(message("1", "2", "obey:1", "ok")) == error(None, "2", "obey:1", "unmatched topic")


@both_drivers
@socket_test
async def test_c7_a_refused_join_is_answered_with_the_channels_words_and_leaves_no_process(
    socket: type[Socket],
) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        await served.settle()
        before = len(served.node.processes)
        assert await client.ask(join("1", "obey:1", {"how": "refuse"})) == error("1", "1", "obey:1", "not you")
        assert await client.hears_nothing_more()
        assert len(served.node.processes) == before
        assert Obedient.ended == []
        await client.joined("obey:1", "2")


@pytest.mark.parametrize(("topic", "params"), [("obey:1", {"how": "crash"}), ("obey:1", 3), ("unmakeable", {})])
@both_drivers
@socket_test
async def test_c6_a_join_that_crashes_is_answered_with_an_error_and_the_socket_lives(
    socket: type[Socket], topic: str, params: object
) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        assert await client.ask(join("1", topic, params)) == error("1", "1", topic, "join crashed")
        assert await client.hears_nothing_more()
        assert await client.ask(message("1", "2", topic, "ok")) == error(None, "2", topic, "unmatched topic")


@both_drivers
@socket_test
async def test_a_message_in_the_same_segment_as_its_join_is_served_after_it(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        await client.send(join("1", "obey:1"), *(message("1", str(ref), "obey:1", "ok", ref) for ref in range(5)))
        assert await client.hear() == ok("1", "1", "obey:1")
        for ref in range(5):
            assert await client.hear() == ok("1", str(ref), "obey:1", ref)


@both_drivers
@socket_test
async def test_c5_one_topic_more_than_the_limit_is_refused_until_one_is_left(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        for number in range(3):
            await client.joined(f"obey:{number}", str(number))
        assert await client.ask(join("3", "obey:3")) == error("3", "3", "obey:3", "too many channels joined")
        assert await client.ask(message("0", "4", "obey:0", "phx_leave")) == ok("0", "4", "obey:0")
        assert await client.hear() == closed("0", "obey:0")
        await client.joined("obey:3", "5")


@both_drivers
@socket_test
async def test_c8_a_second_join_of_a_topic_closes_the_first_channel_under_its_own_join_ref(
    socket: type[Socket],
) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:1", "1")
        await served.settle()
        before = len(served.node.processes)
        await client.send(join("2", "obey:1"))
        assert await client.hear() == closed("1", "obey:1")
        assert await client.hear() == ok("2", "2", "obey:1")
        assert await client.ask(message("2", "3", "obey:1", "broadcast", 1)) == Heard(None, None, "obey:1", "said", 1)
        assert await client.hears_nothing_more()
        await served.settle()
        assert Obedient.ended == [("obey:1", Shutdown("duplicate_join"))]
        assert len(served.node.processes) == before


@both_drivers
@socket_test
async def test_c8_of_many_joins_of_one_topic_the_last_stays_and_no_process_is_left_of_the_others(
    socket: type[Socket],
) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        await served.settle()
        before = len(served.node.processes)
        for ref in range(20):
            await client.send(join(str(ref), "obey:1"))
        await client.send(message("19", "last", "obey:1", "ok", "the last"))
        while await client.hear() != ok("19", "last", "obey:1", "the last"):
            pass
        await served.settle()
        assert len(served.node.processes) == before + 1
        assert served.running.transport.pubsub.subscribers("obey:1") == 1


class Stubborn(Channel):
    """Takes an hour over a message, and says when it joined and when it ended."""

    told: ClassVar[list[str]] = []

    async def join(self, params: Any) -> None:
        self.told.append(f"join {self.join_ref}")

    async def handle_in(self, event: str, payload: Any) -> None:
        if event == "dawdle":
            await trio.sleep(3600)

    async def terminate(self, reason: ExitReason) -> None:
        self.told.append(f"terminate {self.join_ref}")


class StubbornSocket(Socket):
    """A client of stubborn channels."""

    channels: ClassVar = {"stubborn:*": Stubborn}


@pytest.fixture
def told() -> list[str]:
    Stubborn.told.clear()
    return Stubborn.told


@socket_test
async def test_c8_a_second_join_waits_until_the_first_channel_has_ended(told: list[str]) -> None:
    async with chat(StubbornSocket) as served:
        client = await PhoenixClient.open(served)
        await client.joined("stubborn:1", "1")
        await client.send(join("2", "stubborn:1"))
        assert await client.hear() == closed("1", "stubborn:1")
        assert await client.hear() == ok("2", "2", "stubborn:1")
        assert told == ["join 1", "terminate 1", "join 2"]


@socket_test
async def test_c8_the_channel_that_a_second_join_ends_is_killed_if_it_has_not_stopped_after_5_seconds(
    told: list[str],
) -> None:
    async with chat(StubbornSocket) as served:
        client = await PhoenixClient.open(served)
        await client.joined("stubborn:1", "1")
        await client.send(message("1", "2", "stubborn:1", "dawdle"))
        first = channel_pid(served, "stubborn:1")
        await client.send(join("3", "stubborn:1"), join("4", "stubborn:1"))
        assert await client.hear() == closed("1", "stubborn:1")
        assert await client.hear() == closed("3", "stubborn:1")
        await pass_time(4)
        assert await client.hears_nothing_more()
        assert first.is_alive
        await pass_time(2)
        assert await client.hear() == ok("4", "4", "stubborn:1")
        assert not first.is_alive
        assert told == ["join 1", "join 4"]
        assert await client.hears_nothing_more()


@socket_test
async def test_a_second_join_that_waits_for_the_first_channel_survives_a_crash_of_the_socket(told: list[str]) -> None:
    class Fragile(StubbornSocket):
        def receive(self, frame: str | bytes) -> Any:
            if "socket_crash" in str(frame):
                raise RuntimeError
            super().receive(frame)

    async with chat(Fragile) as served:
        client = await PhoenixClient.open(served)
        await client.joined("stubborn:1", "1")
        await client.send(message("1", "2", "stubborn:1", "dawdle"), join("3", "stubborn:1"))
        assert await client.hear() == closed("1", "stubborn:1")
        assert (await client.ask(message("3", "4", "stubborn:1", "socket_crash"))).event == "phx_reply"
        await pass_time(6)
        assert await client.hear() == ok("3", "3", "stubborn:1")


@socket_test
async def test_c14_a_channel_that_does_not_stop_with_its_connection_is_killed_after_5_seconds(told: list[str]) -> None:
    async with chat(StubbornSocket) as served:
        await served.settle()
        before = len(served.node.processes)
        client = await PhoenixClient.open(served)
        await client.joined("stubborn:1", "1")
        await client.send(message("1", "2", "stubborn:1", "dawdle"))
        assert await client.hears_nothing_more()
        await client.raw.reset()
        await served.settle()
        assert len(served.node.processes) == before + 1
        await pass_time(6)
        assert len(served.node.processes) == before
        assert served.running.transport.stopping == {}


# Leaving.


@both_drivers
@socket_test
async def test_c11_a_leave_is_answered_and_then_the_channel_closes(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:1")
        await client.send(message("1", "2", "obey:1", "phx_leave"))
        assert await client.hear() == ok("1", "2", "obey:1")
        assert await client.hear() == closed("1", "obey:1")
        assert Obedient.ended == [("obey:1", Shutdown("left"))]
        assert served.running.transport.pubsub.subscribers("obey:1") == 0
        assert await client.ask(message("1", "3", "obey:1", "ok")) == error(None, "3", "obey:1", "unmatched topic")


@both_drivers
@socket_test
async def test_c4_leaving_a_topic_that_is_not_joined_is_fine(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        assert await client.ask(message("1", "2", "obey:1", "phx_leave")) == ok("1", "2", "obey:1")


@pytest.mark.parametrize("event", ["ok", "phx_leave", "crash"])
@both_drivers
@socket_test
async def test_c9_a_message_of_an_earlier_join_is_dropped(socket: type[Socket], event: str) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:1", "5")
        await client.send(message("4", "6", "obey:1", event))
        assert await client.hears_nothing_more()
        assert await client.ask(message("5", "7", "obey:1", "ok", 1)) == ok("5", "7", "obey:1", 1)


@both_drivers
@socket_test
async def test_c10_a_message_without_a_join_ref_is_of_the_present_join(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:1", "5")
        assert await client.ask(message(None, "7", "obey:1", "ok", 1)) == ok("5", "7", "obey:1", 1)


# Channels that end.


@pytest.mark.parametrize("event", ["crash", "fail", "nonsense"])
@both_drivers
@socket_test
async def test_c13_a_channel_that_crashes_is_a_phx_error_and_may_be_joined_again(
    socket: type[Socket], event: str
) -> None:
    async with chat(socket) as served:
        client, witness = await PhoenixClient.open(served), await PhoenixClient.open(served)
        for one in (client, witness):
            await one.joined("obey:1")
        await client.joined("obey:2", "2")
        assert await client.ask(message("1", "3", "obey:1", event)) == errored("1", "obey:1")
        assert await client.ask(message("2", "4", "obey:2", "ok", 1)) == ok("2", "4", "obey:2", 1)
        await client.joined("obey:1", "5")
        assert await client.hears_nothing_more()
        assert await witness.hears_nothing_more()
        assert served.metrics.crashed == 0


@both_drivers
@socket_test
async def test_c13_a_channel_that_is_killed_is_a_phx_error(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:1")
        exit_signal(channel_pid(served, "obey:1"), KILL)
        assert await client.hear() == errored("1", "obey:1")


@both_drivers
@socket_test
async def test_c12_a_channel_that_stops_replies_first_and_is_a_phx_close(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:1")
        await client.send(message("1", "2", "obey:1", "stop"))
        assert await client.hear() == ok("1", "2", "obey:1", {"bye": True})
        assert await client.hear() == closed("1", "obey:1")
        assert Obedient.ended == [("obey:1", Shutdown("enough"))]


@pytest.mark.parametrize(("said", "heard"), [("stop", closed("1", "obey:1")), ("crash", errored("1", "obey:1"))])
@both_drivers
@socket_test
async def test_c12_a_channel_may_end_because_of_what_another_process_says(
    socket: type[Socket], said: str, heard: Heard
) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:1")
        send(channel_pid(served, "obey:1"), "hello")
        assert await client.hear() == Heard("1", None, "obey:1", "info", "hello")
        send(channel_pid(served, "obey:1"), said)
        assert await client.hear() == heard


@pytest.mark.parametrize("how", ["reset", "goodbye", "violation"])
@both_drivers
@socket_test
async def test_c14_the_end_of_a_connection_ends_its_channels_and_no_process_is_left(
    socket: type[Socket], how: str
) -> None:
    async with chat(socket) as served:
        witness = await PhoenixClient.open(served)
        await witness.joined("obey:1")
        await served.settle()
        before = len(served.node.processes)
        client = await PhoenixClient.open(served)
        for number in range(3):
            await client.joined(f"obey:{number}", str(number))
        if how == "reset":
            await client.raw.reset()
        else:
            await client.send(client_frame(TEXT, b"\xff") if how == "violation" else client_frame(8))
            await client.goodbye()
            await client.raw.aclose()
        await served.settle()
        assert len(served.node.processes) == before
        assert sorted(Obedient.ended, key=repr) == [(f"obey:{number}", Shutdown("closed")) for number in range(3)]
        assert await witness.hears_nothing_more()


@both_drivers
@socket_test
async def test_a_join_and_a_goodbye_in_one_segment_leave_no_process(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        await served.settle()
        before = len(served.node.processes)
        client = await PhoenixClient.open(served)
        await client.send(join("1", "obey:1"), client_frame(8))
        await client.raw.rest()
        await served.settle()
        assert len(served.node.processes) == before
        assert served.running.transport.pubsub.subscribers("obey:1") == 0


# Crashes of the socket's own process.


@both_drivers
@socket_test
async def test_a_socket_that_crashes_answers_the_message_that_killed_it_and_serves_those_behind(
    socket: type[Socket],
) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:1")
        await client.send(
            message("1", "2", "obey:1", "ok", "before"),
            message("1", "3", "obey:1", "socket_crash"),
            message("1", "4", "obey:1", "ok", "behind"),
        )
        heard = [await client.hear() for _ in range(3)]
        assert ok("1", "2", "obey:1", "before") in heard
        assert error("1", "3", "obey:1", "socket crashed") in heard
        assert ok("1", "4", "obey:1", "behind") in heard
        assert served.metrics.crashed == 1


@both_drivers
@socket_test
async def test_a_message_that_wants_no_reply_and_kills_the_socket_gets_none(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        await client.send(message("1", None, "obey:1", "socket_crash"))
        assert await client.hears_nothing_more()


@both_drivers
@socket_test
async def test_channels_survive_the_crash_of_their_socket_and_are_watched_by_the_next(socket: type[Socket]) -> None:
    async with chat(socket) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:1")
        survivor = channel_pid(served, "obey:1")
        assert (await client.ask(message("1", "2", "obey:1", "socket_crash"))).event == "phx_reply"
        assert channel_pid(served, "obey:1") is survivor
        assert survivor.is_alive
        assert Obedient.ended == []
        assert await client.ask(message("1", "3", "obey:1", "broadcast", 1)) == Heard(None, None, "obey:1", "said", 1)
        assert await client.ask(message("1", "4", "obey:1", "crash")) == errored("1", "obey:1")


@both_drivers
@socket_test
async def test_a_socket_that_crashes_too_often_is_closed_with_1011_and_so_are_its_channels(
    socket: type[Socket],
) -> None:
    async with chat(socket) as served:
        witness, client = await PhoenixClient.open(served), await PhoenixClient.open(served)
        for one in (witness, client):
            await one.joined("obey:1")
        await client.send(*(message("1", str(ref), "obey:1", "socket_crash") for ref in range(3)))
        for ref in range(2):
            assert await client.hear() == error("1", str(ref), "obey:1", "socket crashed")
        assert (await client.goodbye()).code == 1011
        await client.raw.say_goodbye(1011)
        assert await client.raw.is_ended()
        await served.settle()
        assert Obedient.ended == [("obey:1", Shutdown("closed"))]
        assert await witness.ask(message("1", "2", "obey:1", "ok", 1)) == ok("1", "2", "obey:1", 1)


@socket_test
async def test_a_message_over_the_rate_is_answered_with_an_error_reply() -> None:
    async with chat(ObedientSocket, Settings(message_rate=1, message_burst=3)) as served:
        client = await PhoenixClient.open(served)
        beats = [message(None, str(ref), "phoenix", "heartbeat") for ref in range(5)]
        await client.send(*beats)
        assert [await client.hear() for _ in range(3)] == [ok(None, str(ref), "phoenix") for ref in range(3)]
        assert [await client.hear() for _ in range(2)] == [
            error(None, str(ref), "phoenix", "rate limited") for ref in (3, 4)
        ]
        await client.send(*beats)
        while (frame := await client.raw.frame()).opcode == TEXT:
            pass
        assert frame.code == 1008


@socket_test
async def test_a_binary_message_over_the_rate_is_answered_with_an_error_reply() -> None:
    async with chat(ObedientSocket, Settings(message_rate=1, message_burst=3)) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:1")
        await client.send(*(binary_message("1", str(ref), "obey:1", "ok", b"\xff") for ref in range(4)))
        heard = [await client.hear() for _ in range(4)]
        assert sorted(heard, key=lambda one: str(one.ref)) == [
            *(ok("1", str(ref), "obey:1", b"\xff") for ref in (0, 1)),
            *(error("1", str(ref), "obey:1", "rate limited") for ref in (2, 3)),
        ]
