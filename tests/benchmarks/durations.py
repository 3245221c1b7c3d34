"""Durations: the middle and the tail of many timings. The standard library is enough, as in `memory`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of all values do not exceed.

    Raises:
        ValueError: there are no values, or ``share`` is not in (0, 1].
    """
    if not values:
        raise ValueError("there are no values")
    if not 0 < share <= 1:
        raise ValueError(f"share must be in (0, 1], got {share!r}")
    rank = -int(-share * len(values) // 1)  # rounded up
    return sorted(values)[rank - 1]
