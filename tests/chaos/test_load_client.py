import json
from typing import Any

import pytest

from regrow.chaos._load_client import Conversation, JoinRefusedError
from regrow.chaos._load_protocol import Answer, ChannelEvent, Delivery, Kind, Request


def reply(ref: str, status: str = "ok", *, topic: str = "room:lobby0") -> str:
    return frame(ref, "phx_reply", {"status": status, "response": {"reason": "because"}}, topic=topic)


def frame(ref: str | None, event: str, payload: dict[str, Any], *, topic: str = "room:lobby0") -> str:
    return json.dumps(["1", ref, topic, event, payload])


def talk() -> Conversation:
    return Conversation(7, "room:lobby0")


def test_a_join_has_its_own_ref_as_join_ref() -> None:
    assert json.loads(talk().join()) == ["1", "1", "room:lobby0", "phx_join", {}]


def test_the_reply_to_the_join_ends_it() -> None:
    assert talk().joined(reply("1"))


def test_pushes_before_the_reply_do_not_end_the_join() -> None:
    assert not talk().joined(frame(None, "presence_state", {}))


def test_a_refused_join_says_why() -> None:
    with pytest.raises(JoinRefusedError, match=r"room:lobby0 answered error: .*because"):
        talk().joined(reply("1", "error"))


def test_a_ping_and_its_reply_make_one_request() -> None:
    client = talk()
    [_, ref, _, event, _] = json.loads(client.ping(Kind.PING, intended=1.0, now=1.1))

    assert event == "ping"
    assert client.receive(reply(ref), now=1.5) == Request(7, Kind.PING, 1.0, 1.1, 1.5, Answer.OK)
    assert client.unanswered() == []


def test_an_error_reply_is_recorded_as_one() -> None:
    client = talk()
    [_, ref, *_] = json.loads(client.ping(Kind.PROBE, intended=1.0, now=1.0))

    assert client.receive(reply(ref, "error"), now=2.0) == Request(7, Kind.PROBE, 1.0, 1.0, 2.0, Answer.ERROR)


def test_a_ping_without_reply_stays_unanswered() -> None:
    client = talk()
    client.ping(Kind.PING, intended=1.0, now=1.1)

    assert client.unanswered() == [Request(7, Kind.PING, 1.0, 1.1, None, Answer.NONE)]


def test_a_second_reply_to_one_ping_means_nothing() -> None:
    client = talk()
    [_, ref, *_] = json.loads(client.ping(Kind.PING, intended=1.0, now=1.0))
    client.receive(reply(ref), now=2.0)

    assert client.receive(reply(ref), now=3.0) is None


def test_room_messages_are_numbered_by_their_sender() -> None:
    client = talk()

    assert [client.broadcast()[0], client.broadcast()[0]] == [1, 2]


def test_a_room_message_is_a_delivery_of_its_sender_and_number() -> None:
    sequence, text = talk().broadcast()
    [_, _, _, event, payload] = json.loads(text)

    assert Conversation(8, "room:lobby0").receive(frame(None, event, payload), now=1.0) == Delivery(8, 7, sequence)


def test_a_room_message_that_no_client_numbered_means_nothing() -> None:
    assert talk().receive(frame(None, "new_msg", {"body": "welcome"}), now=1.0) is None


@pytest.mark.parametrize("event", ["phx_error", "phx_close"])
def test_the_end_of_the_channel_is_an_event(event: str) -> None:
    assert talk().receive(frame("1", event, {}), now=4.0) == ChannelEvent(7, 4.0, event)


@pytest.mark.parametrize("event", ["presence_diff", "typing"])
def test_other_pushes_mean_nothing(event: str) -> None:
    assert talk().receive(frame(None, event, {}), now=4.0) is None
