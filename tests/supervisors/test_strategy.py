from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.supervisors import Strategy
from regrow.supervisors._strategy import start_order, stop_order

strategies = st.sampled_from(Strategy)
families = st.lists(st.integers(), min_size=1, unique=True).flatmap(
    lambda children: st.tuples(st.just(children), st.sampled_from(children))
)


@pytest.mark.parametrize(
    ("strategy", "stopped", "started"),
    [
        (Strategy.ONE_FOR_ONE, "", "b"),
        (Strategy.ONE_FOR_ALL, "dca", "abcd"),
        (Strategy.REST_FOR_ONE, "dc", "bcd"),
    ],
)
def test_when_b_of_abcd_dies(strategy: Strategy, stopped: str, started: str) -> None:
    assert list(stop_order(strategy, list("abcd"), "b")) == list(stopped)
    assert list(start_order(strategy, list("abcd"), "b")) == list(started)


@given(strategies, families)
def test_the_dead_child_is_started_and_not_stopped(strategy: Strategy, family: tuple[list[int], int]) -> None:
    children, dead = family
    assert dead in start_order(strategy, children, dead)
    assert dead not in stop_order(strategy, children, dead)


@given(strategies, families)
def test_all_that_stop_start_again_and_nobody_else_but_the_dead(
    strategy: Strategy, family: tuple[list[int], int]
) -> None:
    children, dead = family
    assert {*stop_order(strategy, children, dead), dead} == {*start_order(strategy, children, dead)}


@given(strategies, families)
def test_children_start_in_start_order_and_stop_in_reverse(strategy: Strategy, family: tuple[list[int], int]) -> None:
    children, dead = family
    starting = list(start_order(strategy, children, dead))
    assert starting == [child for child in children if child in starting]
    assert list(stop_order(strategy, children, dead)) == [child for child in starting[::-1] if child != dead]


@given(families)
def test_rest_for_one_leaves_those_started_before_alone(family: tuple[list[int], int]) -> None:
    children, dead = family
    touched = start_order(Strategy.REST_FOR_ONE, children, dead)
    assert list(touched) == children[children.index(dead) :]
