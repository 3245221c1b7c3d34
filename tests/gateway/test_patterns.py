"""Which channel serves a topic, and what a pattern may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.gateway import Channel, Socket
from regrow.gateway._channels._patterns import first_match, patterns_of
from regrow.gateway.testing import connected
from tests.support.socket_test import socket_test

if TYPE_CHECKING:
    from collections.abc import Mapping


class First(Channel):
    def join(self, params: Any) -> Any:
        return {"class": "First", "subtopic": self.subtopic}


class Second(Channel):
    def join(self, params: Any) -> Any:
        return {"class": "Second", "subtopic": self.subtopic}


class Chat(Socket):
    channels: ClassVar[Mapping[str, type[Channel]]] = {
        "room:lobby": First,
        "room:vip:*": First,
        "room:*": Second,
        "news": Second,
    }


@pytest.mark.parametrize(
    ("topic", "response"),
    [
        ("room:lobby", {"class": "First", "subtopic": ""}),
        ("room:vip:a:b", {"class": "First", "subtopic": "a:b"}),
        ("room:lobby2", {"class": "Second", "subtopic": "lobby2"}),
        ("room:", {"class": "Second", "subtopic": ""}),
        ("news", {"class": "Second", "subtopic": ""}),
    ],
)
@socket_test
async def test_the_first_pattern_that_matches_decides_and_the_channel_knows_the_rest(
    topic: str, response: dict[str, str]
) -> None:
    async with connected(Chat) as client:
        assert (await client.join(topic)).response == response


@pytest.mark.parametrize("topic", ["room", "rooms:1", "news:1", "", "Room:lobby"])
def test_a_topic_that_no_pattern_covers_has_no_channel(topic: str) -> None:
    assert Chat.channel_for(topic) is None
    assert Chat.subtopic(topic) == ""


@pytest.mark.parametrize("pattern", ["room:*:x", "*room", "room:**", "a*b*"])
def test_a_star_that_is_not_the_end_is_refused_when_the_class_is_made(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"Bad.channels has .*: a \* may only be the last character"):
        type("Bad", (Socket,), {"channels": {pattern: First}})


@pytest.mark.parametrize(
    ("earlier", "later"), [("room:*", "room:lobby"), ("room:*", "room:vip:*"), ("*", "room:1"), ("*", "a:*")]
)
def test_a_pattern_that_is_never_reached_is_refused(earlier: str, later: str) -> None:
    with pytest.raises(ValueError, match=r"is never reached, because .* stands before it"):
        type("Bad", (Socket,), {"channels": {earlier: First, later: Second}})
    type("Good", (Socket,), {"channels": {later: Second, earlier: First}})


@given(st.lists(st.text("ab:", max_size=4).flatmap(lambda text: st.sampled_from([text, text + "*"])), unique=True))
def test_what_is_accepted_is_decided_by_the_first_that_matches(texts: list[str]) -> None:
    channels: dict[str, type[Channel]] = {text: type("Made", (Channel,), {}) for text in texts}
    try:
        patterns = patterns_of("Any", channels)
    except ValueError:
        return
    for topic in ("", "a", "b", ":", "aa", "ab:", "ab:a", "a:b"):
        expected = next(
            (
                channel
                for text, channel in channels.items()
                if (topic.startswith(text[:-1]) if text.endswith("*") else topic == text)
            ),
            None,
        )
        found = first_match(patterns, topic)
        assert (None if found is None else found.channel) is expected
    for text in texts:  # each is reached by some topic
        found = first_match(patterns, text.removesuffix("*"))
        assert found is not None
