from __future__ import annotations

import pytest

from tests.benchmarks.durations import percentile


@pytest.mark.parametrize(
    ("share", "value"),
    [(0.01, 1), (0.25, 1), (0.26, 2), (0.5, 2), (0.75, 3), (0.99, 4), (1, 4)],
)
def test_percentile_is_the_smallest_value_that_the_share_does_not_exceed(share: float, value: float) -> None:
    assert percentile([3, 1, 4, 2], share) == value


def test_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7], 0.5) == percentile([7], 0.99) == 7


def test_percentile_refuses_what_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)
    with pytest.raises(ValueError, match=r"in \(0, 1\], got 0"):
        percentile([1], 0)
    with pytest.raises(ValueError, match=r"in \(0, 1\], got 50"):
        percentile([1], 50)
