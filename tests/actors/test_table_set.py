"""Tables with one value a key, in no order and in order, beside a model. Checked against OTP's ``ets``."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.actors import END_OF_TABLE, OrderedSetTable, SetTable, open_node
from tests.support.trio_test import trio_test

both_kinds = pytest.mark.parametrize("kind", [SetTable, OrderedSetTable])
Kind = type[SetTable[Any, Any]]


@both_kinds
@trio_test
async def test_inserting_replaces_the_value(kind: Kind) -> None:
    async with open_node():
        table = kind("t")
        table.insert("a", 1)
        table.insert("a", 2)

        assert table.to_list() == [("a", 2)]
        assert table["a"] == table.lookup("a") == 2


@both_kinds
@trio_test
async def test_a_key_that_is_not_there_has_no_value(kind: Kind) -> None:
    async with open_node():
        table = kind("t")

        assert table.lookup("a") is None
        assert table.lookup("a", 7) == 7
        assert table.take("a") is None
        assert table.take("a", 7) == 7
        assert "a" not in table
        table.delete("a")
        table.delete_object("a", 1)
        with pytest.raises(KeyError):
            table["a"]


@both_kinds
@trio_test
async def test_insert_new_and_update_element_look_whether_the_key_is_there(kind: Kind) -> None:
    async with open_node():
        table = kind("t")

        assert not table.update_element("a", 1)
        assert table.insert_new("a", 1)
        assert not table.insert_new("a", 2)
        assert table["a"] == 1
        assert table.update_element("a", 3)
        assert table.take("a") == 3
        assert len(table) == 0


@both_kinds
@trio_test
async def test_delete_object_wants_the_value_to_be_equal(kind: Kind) -> None:
    async with open_node():
        table = kind("t")
        table.insert("a", 1)
        table.delete_object("a", 2)
        assert table.keys() == ["a"]
        table.delete_object("a", 1)
        assert table.keys() == []


@both_kinds
@trio_test
async def test_insert_all_inserts_all_or_nothing(kind: Kind) -> None:
    async with open_node():
        table = kind("t")
        table.insert_all([(2, "b"), (1, "a"), (2, "c")])
        assert sorted(table.to_list()) == [(1, "a"), (2, "c")]

        with pytest.raises(TypeError):
            table.insert_all([(3, "d"), ([], "unhashable")])
        assert sorted(table.to_list()) == [(1, "a"), (2, "c")]


@both_kinds
@trio_test
async def test_update_counter_counts_as_in_otp(kind: Kind) -> None:
    async with open_node():
        table = kind("t")
        with pytest.raises(KeyError):
            table.update_counter("c")
        assert table.update_counter("c", 5, default=10) == 15
        assert table.update_counter("c", default=10) == 16
        assert table.update_counter("c", 5, threshold=(16, 0)) == 0
        assert table.update_counter("c", 16, threshold=(16, 0)) == 16
        assert table.update_counter("c", -20, threshold=(-3, 7)) == 7
        assert table.update_counter("c", -10, threshold=(-3, 7)) == -3
        assert table.update_counter("c", 0, threshold=(-30, 7)) == -3
        assert table["c"] == -3
        assert table.keys() == ["c"]


@both_kinds
@pytest.mark.parametrize(("value", "increment"), [("x", 1), (1.5, 1), (None, 1), (True, 1), (1, 1.5), (1, True)])
@trio_test
async def test_a_counter_is_an_int_and_stays_as_it_was_otherwise(kind: Kind, value: Any, increment: Any) -> None:
    async with open_node():
        table = kind("t")
        table.insert("c", value)
        with pytest.raises(TypeError, match="a counter is an int"):
            table.update_counter("c", increment)
        assert table["c"] == value


@both_kinds
@trio_test
async def test_select_and_fold_look_at_every_row(kind: Kind) -> None:
    async with open_node():
        table = kind("t")
        table.insert_all((number, number * number) for number in range(5))

        assert table.select(lambda key, value: key + value > 5) == [(2, 4), (3, 9), (4, 16)]
        assert table.select_count(lambda key, _value: key < 2) == 2
        assert table.fold(lambda total, _key, value: total + value, 100) == 130
        assert table.select_delete(lambda _key, value: value > 1) == 3
        assert table.to_list() == [(0, 0), (1, 1)]
        table.delete_all_objects()
        assert table.to_list() == []
        table.insert(9, 9)
        assert table.keys() == [9]


@both_kinds
@trio_test
async def test_a_walk_over_a_table_that_changes_sees_what_was_there(kind: Kind) -> None:
    async with open_node():
        table = kind("t")
        table.insert_all((number, None) for number in range(5))
        seen: list[int] = []
        for key in table:
            seen.append(key)
            table.delete(4 - key)
            table.insert(key + 10, None)

        assert seen == [0, 1, 2, 3, 4]


# Order.


@trio_test
async def test_an_ordered_set_is_walked_in_order_from_any_point_in_both_directions() -> None:
    async with open_node():
        table = OrderedSetTable[int, str]("t")
        assert table.first() is table.last() is table.next(1) is table.prev(1) is END_OF_TABLE
        table.insert_all([(30, "c"), (10, "a"), (20, "b")])

        assert (table.first(), table.last()) == (10, 30)
        assert [table.next(key) for key in (0, 10, 15, 20)] == [10, 20, 20, 30]
        assert table.next(30) is END_OF_TABLE
        assert [table.prev(key) for key in (99, 30, 15, 20)] == [30, 20, 10, 10]
        assert table.prev(10) is END_OF_TABLE
        assert table.to_list() == [(10, "a"), (20, "b"), (30, "c")]


@trio_test
async def test_a_walk_by_next_survives_deletions() -> None:
    async with open_node():
        table = OrderedSetTable[int, None]("t")
        table.insert_all((number, None) for number in range(10))
        walked: list[int] = []
        key = table.first()
        while key is not END_OF_TABLE:
            walked.append(key)
            table.delete(key)
            table.delete(key + 1)
            key = table.next(key)

        assert walked == [0, 2, 4, 6, 8]


@trio_test
async def test_equal_keys_are_one_key_and_the_first_stays() -> None:
    async with open_node():
        table = OrderedSetTable[float, str]("t")
        table.insert(1, "a")
        table.insert(1.0, "b")

        assert [(type(key), value) for key, value in table.to_list()] == [(int, "b")]


@trio_test
async def test_keys_without_an_order_change_nothing() -> None:
    async with open_node():
        table = OrderedSetTable[Any, int]("t")
        table.insert(1, 1)
        for attempt in (
            lambda: table.insert("x", 2),
            lambda: table.insert_all([(2, 2), ("x", 2)]),
            lambda: table.insert_all([("x", 2), ("y", 3)]),
            lambda: table.update_counter("x", default=0),
            lambda: table.next("x"),
        ):
            with pytest.raises(TypeError, match="not supported between"):
                attempt()
        assert (table.keys(), table.to_list(), len(table)) == ([1], [(1, 1)], 1)


KEYS = st.integers(0, 12)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["insert", "insert_new", "update_element", "delete_object"]), KEYS, st.integers(0, 2)
        ),
        st.tuples(st.sampled_from(["delete", "take"]), KEYS),
        st.tuples(st.just("insert_all"), st.lists(st.tuples(KEYS, st.integers(0, 2)))),
    ),
    max_size=40,
)


@both_kinds
@given(actions=ACTIONS)
def test_a_set_does_what_a_dict_does(kind: Kind, actions: list[tuple[Any, ...]]) -> None:
    @trio_test
    async def compare() -> None:
        async with open_node():
            table = kind("t")
            model: dict[int, int] = {}
            for name, *args in actions:
                assert getattr(table, name)(*args) == _by_dict(model, name, args), (name, args)
                assert sorted(table.to_list()) == sorted(model.items())
                assert len(table) == len(model)
                if isinstance(table, OrderedSetTable):
                    _check_order(table, sorted(model))

    compare()


def _by_dict(model: dict[int, int], name: str, args: list[Any]) -> Any:
    match name, args:
        case "insert", [key, value]:
            model[key] = value
        case "insert_all", [rows]:
            model.update(rows)
        case "insert_new", [key, value]:
            there = key in model
            model.setdefault(key, value)
            return not there
        case "update_element", [key, value]:
            if key in model:
                model[key] = value
            return key in model
        case "delete_object", [key, value]:
            if model.get(key) == value:
                del model[key]
        case "delete", [key]:
            model.pop(key, None)
        case "take", [key]:
            return model.pop(key, None)
        case _:
            raise AssertionError(name)
    return None


def _check_order(table: OrderedSetTable[int, int], keys: list[int]) -> None:
    assert table.keys() == keys
    for key in range(-1, 14):
        assert table.next(key) == min((other for other in keys if other > key), default=END_OF_TABLE)
        assert table.prev(key) == max((other for other in keys if other < key), default=END_OF_TABLE)
