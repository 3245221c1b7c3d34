"""Registries of duplicate keys: the meaning of Elixir's ``registry/duplicate_test.exs``."""

from __future__ import annotations

from collections import Counter
from functools import partial
from operator import eq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.actors import (
    KILL,
    KILLED,
    Down,
    Pid,
    Registered,
    Registry,
    RegistryEntry,
    RegistryKeys,
    RegistryKeysError,
    Unregistered,
    exit_signal,
    monitor,
    open_node,
    register,
    self_,
    send,
)
from regrow.actors._registries._registry_entries import DuplicateEntries
from tests.support.assertions import mailbox
from tests.support.registries import never, registered_by
from tests.support.trio_test import trio_test

topics = Registry("topics", RegistryKeys.DUPLICATE)


@trio_test
async def test_a_process_may_register_the_same_key_many_times() -> None:
    async with open_node():
        pid = await topics.start_link()
        assert topics.register("hello", "value") is pid
        topics.register("hello", "value")
        topics.register("world", "other")

        assert topics.count() == 3
        assert topics.keys(self_()) == ["hello", "hello", "world"]
        assert topics.values("hello", self_()) == ["value", "value"]
        assert topics.lookup("hello") == [(self_(), "value"), (self_(), "value")]


@trio_test
async def test_many_processes_may_register_the_same_key() -> None:
    async with open_node():
        await topics.start_link()
        other = await registered_by(topics, "hello", "world")
        assert (topics.keys(self_()), topics.values("hello", self_())) == ([], [])
        topics.register("hello", "value")

        assert topics.keys(other) == topics.keys(self_()) == ["hello"]
        assert topics.values("hello", other) == ["world"]
        assert sorted(topics.lookup("hello")) == sorted([(other, "world"), (self_(), "value")])


@trio_test
async def test_dispatch_reaches_every_registration_of_a_key_and_no_other() -> None:
    async with open_node():
        await topics.start_link()
        topics.dispatch("hello", never)
        topics.register("hello", 1)
        topics.register("hello", 2)
        topics.register("world", 3)

        def tell(entries: list[RegistryEntry]) -> None:
            for pid, value in entries:
                send(pid, value)

        topics.dispatch("hello", tell)

        assert await mailbox() == [1, 2]


@trio_test
async def test_unregister_takes_out_all_registrations_of_a_key_by_the_process() -> None:
    async with open_node():
        await topics.start_link()
        topics.unregister("hello")
        other = await registered_by(topics, "hello", "world")
        for key in ("hello", "hello", "world"):
            topics.register(key)
        topics.unregister("hello")

        assert topics.keys(self_()) == ["world"]
        assert topics.lookup("hello") == [(other, "world")]
        assert topics.count() == 2
        topics.unregister("world")
        assert topics.keys(self_()) == topics.lookup("world") == []


@trio_test
async def test_match_and_unregister_match_take_a_predicate_on_the_value() -> None:
    async with open_node():
        await topics.start_link()
        other = await registered_by(topics, "hello", 2)
        topics.register("hello", 1)
        topics.register("hello", 2)

        assert topics.match("hello", lambda value: value < 2) == [(self_(), 1)]
        assert topics.count_match("hello", lambda value: value == 2) == 2
        topics.unregister_match("hello", lambda value: value == 2)
        assert sorted(topics.lookup("hello")) == sorted([(other, 2), (self_(), 1)])
        assert topics.keys(self_()) == ["hello"]
        topics.unregister_match("hello", lambda _value: True)
        assert topics.lookup("hello") == [(other, 2)]
        assert topics.keys(self_()) == []


@trio_test
async def test_select_sees_every_registration() -> None:
    async with open_node():
        await topics.start_link()
        assert topics.select(lambda _key, _pid, _value: True) == []
        topics.register("hello", 1)
        topics.register("hello", 1)

        assert topics.select(lambda _key, _pid, _value: True) == [("hello", self_(), 1)] * 2
        assert topics.count_select(lambda key, _pid, _value: key == "world") == 0


@trio_test
async def test_everything_of_a_process_is_gone_before_its_down_and_listeners_hear_of_each() -> None:  # P-7
    async with open_node():
        registry = Registry("topics", RegistryKeys.DUPLICATE, listeners=("audit",))
        await registry.start_link()
        register("audit", self_())
        other = await registered_by(registry, "a", 1)
        await registered_by(registry, "a", 2, pid=other)
        await registered_by(registry, "b", 3, pid=other)
        ref = monitor(other)
        exit_signal(other, KILL)

        assert registry.lookup("a") == registry.lookup("b") == registry.keys(other) == []
        assert await mailbox() == [
            Registered("topics", "a", other, 1),
            Registered("topics", "a", other, 2),
            Registered("topics", "b", other, 3),
            Unregistered("topics", "a", other),
            Unregistered("topics", "a", other),
            Unregistered("topics", "b", other),
            Down(ref, other, KILLED),
        ]


@trio_test
async def test_what_needs_unique_keys_is_refused() -> None:
    async with open_node():
        await topics.start_link()
        topics.register("hello", 1)
        with pytest.raises(RegistryKeysError, match="the keys of the registry 'topics' are duplicate: via needs"):
            topics.via("hello")
        with pytest.raises(RegistryKeysError, match="update_value"):
            topics.update_value("hello", lambda value: value)
        with pytest.raises(RegistryKeysError, match="whereis"):
            topics.whereis("hello")


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["register", "unregister", "unregister_match", "die"]),
        st.integers(0, 2),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    max_size=30,
)


@given(steps=STEPS)
def test_it_holds_what_a_list_of_rows_holds(steps: list[tuple[str, int, int, int]]) -> None:
    entries = DuplicateEntries()
    rows: list[tuple[int, int, int]] = []

    def pid(number: int) -> Pid:
        return number  # type: ignore[return-value]  # anything hashable does

    for step, key, who, value in steps:
        match step:
            case "register":
                entries.add(key, pid(who), value)
                rows.append((key, who, value))
            case "unregister":
                kept = [row for row in rows if row[:2] != (key, who)]
                assert entries.remove(key, pid(who)) == len(rows) - len(kept)
                rows = kept
            case "unregister_match":
                kept = [row for row in rows if row != (key, who, value)]
                assert entries.remove(key, pid(who), partial(eq, value)) == len(rows) - len(kept)
                rows = kept
            case _:
                assert Counter(entries.remove_all(pid(who))) == Counter(row[0] for row in rows if row[1] == who)
                rows = [row for row in rows if row[1] != who]
        assert Counter(tuple(row) for row in entries) == Counter(rows)
        assert entries.size == len(rows)
        for number in range(3):
            assert Counter(entries.keys(pid(number))) == Counter(row[0] for row in rows if row[1] == number)
            assert entries.is_held_by(pid(number)) == any(row[1] == number for row in rows)
