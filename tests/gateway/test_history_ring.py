"""The messages kept of one topic, and what a client that was away has missed of them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.gateway import Ack, History, Position
from regrow.gateway._channels._messages import Broadcast
from regrow.gateway._history._position import LastOnes, new_epoch, read_recover
from regrow.gateway._history._ring import Ring


def ring_of(count: int = 3, age: float = 100, size: int = 1000) -> Ring:
    return Ring(History(count=count, age=age, size=size), "e", 0)


def put(ring: Ring, at: float = 0.0, size: int = 1) -> None:
    offset = ring.head + 1
    ring.append(Broadcast("t", "new_msg", offset, Position(ring.epoch, offset)), at, size)


def offsets(messages: list[Broadcast]) -> list[int]:
    return [message.payload for message in messages]


def test_who_has_seen_a_message_that_is_kept_gets_those_behind_it() -> None:
    ring = ring_of()
    for _ in range(5):
        put(ring)
    missed = ring.missed(Position("e", 3), 0)
    assert (missed.head, missed.recovered, offsets(missed.messages)) == (Position("e", 5), True, [4, 5])


def test_the_oldest_position_that_can_be_recovered_is_the_one_before_the_first_kept() -> None:
    ring = ring_of(count=3)
    for _ in range(5):
        put(ring)
    assert offsets(ring.missed(Position("e", 2), 0).messages) == [3, 4, 5]
    assert ring.missed(Position("e", 1), 0) == (Position("e", 5), False, [])


@pytest.mark.parametrize("asked", [None, Position("other", 5), Position("e", 6)], ids=repr)
def test_another_epoch_or_an_offset_ahead_of_the_head_is_not_recovered(asked: Position | None) -> None:
    ring = ring_of()
    for _ in range(5):
        put(ring)
    assert ring.missed(asked, 0) == (Position("e", 5), False, [])


@pytest.mark.parametrize(("last", "expected"), [(0, []), (2, [4, 5]), (3, [3, 4, 5]), (300, [3, 4, 5])])
def test_a_newcomer_gets_at_most_the_last_ones_that_are_kept(last: int, expected: list[int]) -> None:
    ring = ring_of(count=3)
    for _ in range(5):
        put(ring)
    missed = ring.missed(LastOnes(last), 0)
    assert missed.recovered
    assert offsets(missed.messages) == expected


def test_a_message_leaves_once_it_is_as_old_as_the_limit() -> None:
    ring = ring_of(age=10)
    put(ring, at=0)
    put(ring, at=5)
    assert offsets(ring.missed(LastOnes(9), 9.9).messages) == [1, 2]
    assert offsets(ring.missed(LastOnes(9), 10).messages) == [2]
    assert ring.missed(Position("e", 0), 10).recovered is False
    assert offsets(ring.missed(Position("e", 1), 10).messages) == [2]


def test_payloads_take_no_more_bytes_than_the_limit() -> None:
    ring = ring_of(count=100, size=10)
    for _ in range(5):
        put(ring, size=4)
    assert offsets(ring.missed(LastOnes(9), 0).messages) == [4, 5]


def test_a_message_larger_than_the_limit_is_numbered_and_not_kept() -> None:
    ring = ring_of(size=10)
    put(ring, size=11)
    assert (ring.head, ring.first, len(ring)) == (1, 2, 0)
    assert ring.missed(Position("e", 1), 0).recovered is True


say_or_part = st.sampled_from(["say", "part", "rejoin", "wait"])


@given(
    st.lists(say_or_part, max_size=60),
    st.integers(1, 6),
    st.sampled_from([2.5, 1000.0]),
)
def test_a_client_that_comes_and_goes_sees_every_message_once_in_order_or_is_told_that_it_did_not(
    steps: list[str], count: int, age: float
) -> None:
    ring = ring_of(count=count, age=age)
    now = 0.0
    seen: list[int] = []
    is_there, position = True, Position("e", 0)
    for step in steps:
        match step:
            case "say":
                put(ring, now)
                if is_there:
                    seen.append(ring.head)
                    position = Position("e", ring.head)
            case "part":
                is_there = False
            case "wait":
                now += 1
            case _:
                missed = ring.missed(position, now)
                if missed.recovered:
                    seen += offsets(missed.messages)
                else:  # only if something it has not seen is really gone
                    assert ring.first > position.offset + 1
                    seen = list(range(1, missed.head.offset + 1))
                position, is_there = missed.head, True
        assert seen == list(range(1, position.offset + 1))
        if is_there:
            assert position.offset == ring.head


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 20)), max_size=40))
def test_what_is_kept_is_within_the_limits_and_has_consecutive_offsets(messages: list[tuple[int, int]]) -> None:
    ring = ring_of(count=4, age=10, size=30)
    now = 0.0
    log: list[tuple[float, int]] = []
    for later, size in messages:
        now += later
        put(ring, now, size)
        log.append((now, size))
        missed = offsets(ring.missed(LastOnes(99), now).messages)
        assert missed == list(range(ring.first, ring.head + 1))
        assert len(missed) <= 4
        assert all(log[offset - 1][0] > now - 10 for offset in missed)
        assert sum(log[offset - 1][1] for offset in missed) <= 30


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"recover": {"epoch": "e", "offset": 7}}, Position("e", 7)),
        ({"recover": {"last": 50}}, LastOnes(50)),
        ({"recover": None}, None),
        ({}, None),
        ([], None),
        ("recover", None),
        (None, None),
    ],
)
def test_what_a_join_asks_for_is_read(params: Any, expected: object) -> None:
    assert read_recover(params) == expected


MALFORMED: list[Any] = [
    1,
    "e",
    [],
    {},
    {"epoch": "e"},
    {"offset": 1},
    {"epoch": 1, "offset": 1},
    {"epoch": "e", "offset": -1},
    {"epoch": "e", "offset": 1.5},
    {"epoch": "e", "offset": "1"},
    {"epoch": "e", "offset": True},
    {"epoch": "e", "offset": 1, "more": 1},
    {"last": -1},
    {"last": "1"},
    {"last": None},
    {"last": 1, "epoch": "e"},
]


@pytest.mark.parametrize("recover", MALFORMED, ids=repr)
def test_what_makes_no_sense_is_refused(recover: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        read_recover({"recover": recover})


def test_no_epoch_is_made_twice() -> None:
    assert len({new_epoch() for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    ("field", "value"),
    [("count", 0), ("count", -1), ("age", 0), ("age", float("nan")), ("size", 0), ("events", ())],
)
def test_a_history_that_keeps_nothing_is_refused_with_the_name_of_the_field(field: str, value: Any) -> None:
    wrong: dict[str, Any] = {field: value}
    with pytest.raises(ValueError, match=f"^{field}="):
        History(**wrong)


def test_a_history_is_not_durable_unless_it_says_so() -> None:
    assert History() == History(events=("new_msg",), count=300, age=300.0, ack=Ack.SENT)
