"""Tables with many values a key, beside a model. Checked against OTP's ``ets``."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.actors import BagTable, DuplicateBagTable, open_node
from tests.support.trio_test import trio_test

both_kinds = pytest.mark.parametrize("kind", [BagTable, DuplicateBagTable])
Kind = type[BagTable[Any, Any]] | type[DuplicateBagTable[Any, Any]]


@trio_test
async def test_a_bag_has_each_value_of_a_key_once_in_the_order_of_insertion() -> None:
    async with open_node():
        table = BagTable[str, int]("t")
        for value in (2, 1, 2):
            table.insert("a", value)

        assert table.lookup("a") == table["a"] == [2, 1]
        assert len(table) == 2


@trio_test
async def test_a_duplicate_bag_has_each_value_as_often_as_it_was_inserted() -> None:
    async with open_node():
        table = DuplicateBagTable[str, int]("t")
        for value in (2, 1, 2):
            table.insert("a", value)

        assert table.lookup("a") == table["a"] == [2, 1, 2]
        assert len(table) == 3
        table.delete_object("a", 2)  # every occurrence
        assert table.lookup("a") == [1]


@trio_test
async def test_the_values_of_a_duplicate_bag_need_not_be_hashable() -> None:
    async with open_node():
        table = DuplicateBagTable[str, list[int]]("t")
        table.insert("a", [1])
        table.insert_all([("a", [2])])

        assert table.lookup("a") == [[1], [2]]


@both_kinds
@trio_test
async def test_what_is_looked_up_is_a_snapshot(kind: Kind) -> None:
    async with open_node():
        table = kind("t")
        table.insert("a", 1)
        found = table.lookup("a")
        found.append(2)
        table["a"].append(2)

        assert table.lookup("a") == [1]


@both_kinds
@trio_test
async def test_a_key_without_values_is_not_there(kind: Kind) -> None:
    async with open_node():
        table = kind("t")
        assert table.lookup("a") == table.take("a") == []
        assert "a" not in table
        with pytest.raises(KeyError):
            table["a"]
        table.insert("a", 1)
        table.delete_object("a", 1)
        assert "a" not in table
        assert table.keys() == []


@both_kinds
@trio_test
async def test_insert_new_adds_nothing_to_a_key_that_is_there(kind: Kind) -> None:
    async with open_node():
        table = kind("t")
        assert table.insert_new("a", 1)
        assert not table.insert_new("a", 2)
        assert table.lookup("a") == [1]


@both_kinds
@trio_test
async def test_insert_all_inserts_all_or_nothing(kind: Kind) -> None:
    async with open_node():
        table = kind("t")
        with pytest.raises(TypeError):
            table.insert_all([("a", 1), ([], 2)])
        assert table.to_list() == []
        if kind is BagTable:
            with pytest.raises(TypeError):
                table.insert_all([("a", 1), ("b", [])])
            assert table.to_list() == []


@both_kinds
@trio_test
async def test_select_deletes_rows_not_keys(kind: Kind) -> None:
    async with open_node():
        table = kind("t")
        table.insert_all([("a", 1), ("a", 2), ("b", 3)])

        assert table.select(lambda _key, value: value != 2) == [("a", 1), ("b", 3)]
        assert table.select_delete(lambda _key, value: value != 2) == 2
        assert table.to_list() == [("a", 2)]
        table.delete_all_objects()
        assert len(table) == 0
        table.insert("a", 1)
        assert len(table) == 1


ROWS = st.tuples(st.integers(0, 3), st.integers(0, 3))
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["insert", "delete_object"]), ROWS),
        st.tuples(st.sampled_from(["delete", "take"]), st.tuples(st.integers(0, 3))),
        st.tuples(st.just("insert_all"), st.tuples(st.lists(ROWS))),
    ),
    max_size=40,
)


@both_kinds
@given(actions=ACTIONS)
def test_a_bag_does_what_a_list_of_rows_does(kind: Kind, actions: list[tuple[str, tuple[Any, ...]]]) -> None:
    @trio_test
    async def compare() -> None:
        async with open_node():
            table = kind("t")
            model: list[tuple[int, int]] = []
            for name, args in actions:
                taken = [value for key, value in model if key == args[0]]
                outcome = getattr(table, name)(*args)
                assert outcome == (taken if name == "take" else None)
                model = _changed(model, name, args, once=kind is BagTable)
                assert sorted(table.to_list()) == sorted(model)
                assert len(table) == len(model)
                for key in range(4):
                    assert table.lookup(key) == [value for other, value in model if other == key]

    compare()


def _changed(model: list[tuple[int, int]], name: str, args: tuple[Any, ...], *, once: bool) -> list[tuple[int, int]]:
    if name in {"delete", "take"}:
        return [row for row in model if row[0] != args[0]]
    if name == "delete_object":
        return [row for row in model if row != args]
    added = [args] if name == "insert" else args[0]
    everything = [*model, *added]
    return list(dict.fromkeys(everything)) if once else everything
