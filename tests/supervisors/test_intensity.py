from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.supervisors import BadLimitError, RestartLimit, RestartWindow

limits = st.builds(RestartLimit, st.integers(0, 6), st.integers(1, 4))
instants = st.lists(st.floats(0, 20), max_size=40).map(sorted)


def naive(limit: RestartLimit, times: list[float]) -> list[bool]:
    """Rule U-9, word for word: floor, keep what is within the period, prepend, compare the count."""
    verdicts: list[bool] = []
    stamps: list[int] = []
    for time in times:
        now = math.floor(time)
        stamps = [now, *(stamp for stamp in stamps if stamp >= now - limit.period)]
        verdicts.append(len(stamps) <= limit.intensity)
    return verdicts


def admitted(limit: RestartLimit, times: list[float]) -> list[bool]:
    window = RestartWindow(limit)
    return [window.admits(time) for time in times]


@given(limits, instants)
def test_u9_the_window_agrees_with_the_rule(limit: RestartLimit, times: list[float]) -> None:
    assert admitted(limit, times) == naive(limit, times)


@given(limits, instants, st.integers(1, 10_000))
def test_only_differences_of_whole_seconds_matter(limit: RestartLimit, times: list[float], shift: int) -> None:
    whole = [math.floor(time) for time in times]
    assert admitted(limit, times) == admitted(limit, [second + shift for second in whole])


@given(st.integers(1, 4), instants)
def test_intensity_zero_admits_no_restart(period: int, times: list[float]) -> None:
    assert not any(admitted(RestartLimit(0, period), times))


@given(limits, st.integers(0, 10))
def test_as_many_restarts_as_the_intensity_are_admitted_at_once(limit: RestartLimit, second: int) -> None:
    times = [float(second)] * (limit.intensity + 1)
    assert admitted(limit, times) == [True] * limit.intensity + [False]


@pytest.mark.parametrize(
    ("period", "first", "second", "lives"),
    [
        (1, 0.00, 1.90, False),
        (1, 0.00, 2.05, True),
        (1, 0.90, 2.05, True),
        (2, 0.00, 2.90, False),
        (2, 0.90, 3.05, True),
    ],
)
def test_u10_the_window_is_between_the_period_and_one_second_more(
    period: int, first: float, second: float, *, lives: bool
) -> None:
    assert admitted(RestartLimit(1, period), [first, second]) == [True, lives]


@given(limits, instants)
def test_a_window_holds_no_more_stamps_than_one_beyond_the_intensity_until_it_refuses(
    limit: RestartLimit, times: list[float]
) -> None:
    window = RestartWindow(limit)
    for time in times:
        admits = window.admits(time)
        assert len(window._stamps) <= limit.intensity + 1
        if not admits:
            break


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("intensity", -1),
        ("intensity", 1.5),
        ("intensity", math.inf),
        ("intensity", True),
        ("period", 0),
        ("period", -5),
        ("period", 0.5),
        ("period", "5"),
    ],
)
def test_u4_a_limit_out_of_range_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(BadLimitError, match=rf"RestartLimit\.{field} must be an integer"):
        RestartLimit(**{"intensity": 1, "period": 5, field: value})
