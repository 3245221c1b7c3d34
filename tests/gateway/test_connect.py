"""``regrow connect``: its parts as values, and the whole as a process over a real gateway."""

from __future__ import annotations

import json
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from regrow.gateway._connect._address import Address, AddressError
from regrow.gateway._connect._backoff import LONGEST, delays
from regrow.gateway._connect._commands import CommandError, Join, Leave, Push, Quit, Say, command_of
from regrow.gateway._connect._conversation import MOST_BUFFERED, Conversation, ProtocolError
from regrow.gateway._connect._rendering import event_line
from regrow.gateway._connect._speakers import ChannelSpeaker, RawSpeaker
from tests.support.command import SOURCES, run_command

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOM = "room:tea"


def sent(frames: Sequence[str]) -> list[Any]:
    return [json.loads(frame) for frame in frames]


def said(*message: Any) -> str:
    return json.dumps(message)


def ok(ref: str, topic: str = ROOM, **response: Any) -> str:
    return said(ref, ref, topic, "phx_reply", {"status": "ok", "response": response})


def joined() -> Conversation:
    conversation = Conversation()
    conversation.opened()
    conversation.join(ROOM, {})
    conversation.received(ok("1"))
    return conversation


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("hello", Say("hello")),
        ("//me waves", Say("/me waves")),
        ("/join room:a", Join("room:a", {})),
        ('/join room:a {"name": "Ann"}', Join("room:a", {"name": "Ann"})),
        ("/leave", Leave(None)),
        ("/push ping [1]", Push("ping", [1])),
        ("/quit", Quit()),
        ("  ", None),
    ],
)
def test_a_line_is_a_command_or_something_to_say(line: str, command: object) -> None:
    assert command_of(line) == command


@pytest.mark.parametrize(
    ("line", "words"),
    [("/nosuch", "no command /nosuch"), ("/join", "takes a topic"), ("/join a [1]", "object"), ("/push e {", "JSON")],
)
def test_a_line_that_is_no_command_says_what_would_be(line: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        command_of(line)


@pytest.mark.parametrize(
    ("url", "topic", "opened", "is_channels"),
    [
        ("ws://h:1/echo", None, "ws://h:1/echo?a=b+c", False),
        ("http://h/socket", "t", "ws://h/socket/websocket?a=b+c&vsn=2.0.0", True),
        ("wss://h/s/websocket?vsn=1.0.0", None, "wss://h/s/websocket?vsn=1.0.0&a=b+c", True),
    ],
)
def test_an_address_is_completed(url: str, topic: str | None, opened: str, is_channels: object) -> None:
    address = Address.of(url, topic, ["a=b c"])
    assert (address.url, address.is_channels) == (opened, is_channels)
    assert "?" not in address.shown


@pytest.mark.parametrize(("url", "param"), [("tcp://h", "a=b"), ("h:1", "a=b"), ("ws://", "a=b"), ("ws://h", "ab")])
def test_an_address_that_is_none_is_an_error(url: str, param: str) -> None:
    with pytest.raises(AddressError):
        Address.of(url, None, [param])


def test_what_is_said_before_the_join_is_answered_waits_and_keeps_its_order() -> None:
    conversation = Conversation()
    assert conversation.join(ROOM, {"a": 1}) == []
    assert sent(conversation.opened()) == [["1", "1", ROOM, "phx_join", {"a": 1}]]
    assert conversation.push(ROOM, "x", 1) == conversation.push(ROOM, "y", 2, shown="y") == []
    heard = conversation.received(ok("1"))
    assert sent(heard.frames) == [["1", "2", ROOM, "x", 1], ["1", "3", ROOM, "y", 2]]
    assert conversation.is_waiting
    assert conversation.received(ok("3", n=2)).lines == ['* y: ok {"n": 2}']
    assert not conversation.is_waiting


def test_what_waits_is_bounded_and_one_too_many_is_refused_aloud() -> None:
    conversation = Conversation()
    conversation.join(ROOM, {})
    for number in range(MOST_BUFFERED):
        conversation.push(ROOM, "x", number)
    with pytest.raises(CommandError, match="not kept"):
        conversation.push(ROOM, "x", 0)


def test_after_the_connection_broke_it_joins_again_from_the_last_message_it_has_seen() -> None:
    conversation = joined()
    conversation.received(said(None, None, ROOM, "new_msg", {"body": "a"}, {"epoch": "e", "offset": 7}))
    conversation.lost()
    assert conversation.topics == {ROOM: False}
    recover = {"recover": {"epoch": "e", "offset": 7}}
    assert sent(conversation.opened()) == [["2", "2", ROOM, "phx_join", recover]]
    conversation.received(ok("2", epoch="e", offset=9, recovered=True))
    conversation.lost()  # before what was missed has come
    assert sent(conversation.opened())[0][4] == recover


def test_a_channel_that_crashed_is_joined_again_and_one_that_was_closed_is_not() -> None:
    conversation = joined()
    heard = conversation.received(said("1", "1", ROOM, "phx_error", {}))
    assert heard.rejoin == ROOM
    assert sent(conversation.rejoin(ROOM)) == [["2", "2", ROOM, "phx_join", {}]]
    assert conversation.rejoin(ROOM) == []
    assert conversation.received(said("1", None, ROOM, "old", {})).lines == []
    conversation.received(said("2", "2", ROOM, "phx_close", {}))
    assert conversation.topics == {}
    assert conversation.current is None


def test_a_heartbeat_that_is_not_answered_means_that_the_server_is_gone() -> None:
    conversation = joined()
    assert sent([conversation.heartbeat() or ""]) == [[None, "2", "phoenix", "heartbeat", {}]]
    assert conversation.heartbeat() is None
    conversation.received(ok("2", "phoenix"))
    assert conversation.heartbeat() is not None


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_whatever_a_server_says_is_understood_or_refused(text: str) -> None:
    conversation = joined()
    try:
        conversation.received(text)
    except ProtocolError:
        assert conversation.topics == {ROOM: True}


@given(st.text(), st.text(), st.text())
def test_no_server_moves_the_cursor(topic: str, event: str, body: str) -> None:
    payloads: list[Any] = [{"body": body}, {"joins": {body: {}}, "leaves": {}}, {body: {}}]
    for payload in payloads:
        for kind in (event, "new_msg", "presence_diff", "presence_state"):
            assert event_line(topic, kind, payload).isprintable()


def test_events_are_shown_as_what_they_mean() -> None:
    assert event_line("t", "new_msg", {"body": "hi", "by": "Ann"}) == '[t] hi  {"by": "Ann"}'
    assert event_line("t", "presence_diff", {"joins": {"a": 1, "b": 1}, "leaves": {"b": 1, "c": 1}}) == "[t] +a -c ~b"
    assert event_line("t", "presence_state", {}) == "[t] here: nobody"
    assert event_line("t", "typing", {}) == "[t] typing {}"


def test_waits_double_up_to_a_limit_and_are_spread() -> None:
    longest, shortest = delays(lambda _low, high: high), delays(lambda low, _high: low)
    waits = [(next(shortest), next(longest)) for _ in range(12)]
    assert waits[0] == (0.1, 0.2)
    assert waits[-1] == (LONGEST / 2, LONGEST)
    assert all(low * 2 == high for low, high in waits)


def test_speakers_turn_lines_into_messages() -> None:
    raw = RawSpeaker()
    raw.typed("early")
    assert raw.opened() == ["early"]
    heard = raw.typed("//slash")
    assert heard is not None
    assert heard.frames == ["/slash"]
    assert raw.typed("/quit") is None
    channels = ChannelSpeaker(None)
    heard = channels.typed("hello")
    assert heard is not None
    assert "no topic" in heard.lines[0]


# The whole.


async def connect(*args: str, typed: str = "") -> tuple[int, list[str], str]:
    """Exit status, lines and standard error of a client that is given its lines through a pipe."""
    done = await trio.run_process(
        [sys.executable, "-m", "regrow.gateway", "connect", *args],
        stdin=typed.encode(),
        capture_stdout=True,
        capture_stderr=True,
        check=False,
        env={"PYTHONPATH": SOURCES, "TERM": "dumb", "COLUMNS": "200"},
    )
    return done.returncode, done.stdout.decode().splitlines(), done.stderr.decode()


def test_a_script_gets_its_answers_and_leaves_with_0() -> None:
    async def main() -> None:
        async with run_command("serve", "--port", "0", "--set", "history_path=off") as command:
            base = f"ws://127.0.0.1:{await command.port()}"
            typed = 'hello\n/push ping {"n": 1}\n'
            status, lines, errors = await connect(f"{base}/socket", "--topic", ROOM, typed=typed)
            assert (status, errors) == (0, "")
            assert lines[:2] == [f"* connected to {base}/socket/websocket", f"* joined {ROOM}"]
            assert sorted(lines[2:]) == sorted([f"[{ROOM}] hello", '* ping: ok {"n": 1}'])

    trio.run(main)


def test_messages_for_a_script_are_apart_from_notes() -> None:
    async def main() -> None:
        async with run_command("serve", "--port", "0") as command:
            url = f"ws://127.0.0.1:{await command.port()}/echo"
            assert await connect(url, "--json", typed="one\ntwo") == (0, ["one", "two"], f"* connected to {url}\n")

    trio.run(main)


def test_a_refusal_is_one_line_without_secrets_and_a_failure() -> None:
    async def main() -> None:
        async with run_command("serve", "--port", "0") as command:
            url = f"ws://127.0.0.1:{await command.port()}/nowhere"
            line = f"regrow: {url} answered 404: There is nothing at this path.\n"
            assert await connect(url, "--param", "token=abc") == (1, [], line)

    trio.run(main)


def test_nobody_there_is_one_line_and_a_failure() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and does not listen
        url = f"ws://127.0.0.1:{unused.getsockname()[1]}/echo"
        line = f"regrow: cannot connect to {url}: Connection refused\n"
        assert trio.run(connect, url) == (1, [], line)
