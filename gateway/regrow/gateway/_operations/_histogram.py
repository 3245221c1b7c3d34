"""A histogram of plain integers: one list index a sample, made cumulative when someone scrapes."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING, final

from prometheus_client.core import HistogramMetricFamily

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Histogram"]


@final
class Histogram:
    """How often what was measured fell into each of a few ranges."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        """Samples by range; the last holds those above every bound."""
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count a sample. A bound belongs to the range below it, as Prometheus' ``le`` says."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    @property
    def count(self) -> int:
        """How many samples there were."""
        return sum(self._counts)

    @property
    def sum(self) -> float:
        """What they add up to."""
        return self._sum

    def family(self, name: str, text: str) -> HistogramMetricFamily:
        """The histogram as Prometheus reads it."""
        bounds = [*map(str, self._bounds), "+Inf"]
        return HistogramMetricFamily(
            name, text, buckets=list(zip(bounds, accumulate(self._counts), strict=True)), sum_value=self._sum
        )
