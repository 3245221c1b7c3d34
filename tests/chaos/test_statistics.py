import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.chaos._statistics import Proportion, Spread, percentile


@pytest.mark.parametrize(("percent", "value"), [(1, 1), (50, 10), (95, 19), (99, 20), (100, 20)])
def test_a_percentile_is_the_value_at_its_nearest_rank(percent: int, value: int) -> None:
    assert percentile(range(1, 21), percent) == value


def test_an_empty_sample_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="empty"):
        percentile([], 50)


@pytest.mark.parametrize("percent", [0, 101])
def test_a_percentile_outside_1_to_100_is_refused(percent: int) -> None:
    with pytest.raises(ValueError, match=r"1\.\.100"):
        percentile([1.0], percent)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_a_percentile_is_observed_and_has_at_least_its_share_at_or_below_it(sample: list[float], percent: int) -> None:
    value = percentile(sorted(sample), percent)

    assert value in sample
    assert sum(other <= value for other in sample) * 100 >= percent * len(sample)


def test_unobserved_values_are_counted_and_stand_above_all_observed_ones() -> None:
    spread = Spread.of([0.3, None, 0.1, 0.2])

    assert (spread.k, spread.n) == (3, 4)
    assert spread.p50 == 0.2
    assert spread.max == math.inf


def test_an_empty_sample_has_no_finite_figure() -> None:
    spread = Spread.of([])

    assert (spread.k, spread.n, spread.p50, spread.max) == (0, 0, math.inf, math.inf)


def test_zero_of_n_is_bounded_by_the_rule_of_three() -> None:
    assert Proportion(0, 100_000).upper == pytest.approx(0.00003)


def test_zero_of_two_is_not_bounded_above_one() -> None:
    assert Proportion(0, 2).upper == 1


def test_nothing_is_known_of_zero_trials() -> None:
    assert Proportion(0, 0).interval == (0, 1)


def test_a_count_has_wilsons_interval() -> None:
    assert Proportion(10, 100).interval == pytest.approx((0.0552, 0.1744), abs=1e-4)


@given(st.integers(1, 500), st.integers(0, 500))
def test_an_interval_holds_the_observed_share_and_stays_within_0_and_1(n: int, count: int) -> None:
    count = min(count, n)
    low, high = Proportion(count, n).interval

    assert 0 <= low <= count / n <= high + 1e-12
    assert high <= 1
