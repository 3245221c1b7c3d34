"""What may be said about a sample: quantiles over censored values, and bounds on proportions.

Two rules hold for every figure here. A value that was never observed is counted, not dropped: it is ``None``
going in, plus infinity in the quantiles, and missing from ``k``. And zero failures seen is not zero failures
possible: every proportion carries its 95 % interval.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

Z95 = 1.959963984540054
"""The two-sided 95 % quantile of the normal distribution."""


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile of an ascending sample: always a value that was observed.

    The rank is ``ceil(percent * n / 100)``, in integers so that no rounding error moves it by one.

    Raises:
        ValueError: the sample is empty, or `percent` is not in 1..100.
    """
    if not ordered:
        raise ValueError("an empty sample has no percentiles")
    if not 1 <= percent <= 100:  # noqa: PLR2004
        raise ValueError(f"percent must be in 1..100, not {percent}")
    return ordered[-(-percent * len(ordered) // 100) - 1]


@dataclass(frozen=True, slots=True)
class Spread:
    """A sample in four quantiles and a maximum, with how much of it was observed.

    Invariant: ``0 <= k <= n``; a quantile that falls among the ``n - k`` unobserved values is ``math.inf``,
    and so is every figure of an empty sample.
    """

    k: int
    """Values observed."""
    n: int
    """Values there should have been."""
    p50: float
    p95: float
    p99: float
    max: float

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Self:
        """Summarise `values`; ``None`` stands for one that was never observed."""
        ordered = sorted(math.inf if value is None else value for value in values)
        if not ordered:
            return cls(k=0, n=0, p50=math.inf, p95=math.inf, p99=math.inf, max=math.inf)
        return cls(
            k=sum(math.isfinite(value) for value in ordered),
            n=len(ordered),
            p50=percentile(ordered, 50),
            p95=percentile(ordered, 95),
            p99=percentile(ordered, 99),
            max=ordered[-1],
        )


@dataclass(frozen=True, slots=True)
class Proportion:
    """`count` of `n`, each of the `n` having had its chance.

    Invariant: ``0 <= count <= n``.
    """

    count: int
    n: int

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the true share: Wilson's, or ``(0, 3/n)`` when nothing was counted.

        The rule of three is the one-sided bound for zero events and is what people quote: 0 of 1,000 is at
        most 0.3 %. With ``n == 0`` nothing is known: ``(0, 1)``.
        """
        if self.n == 0:
            return 0.0, 1.0
        if self.count == 0:
            return 0.0, min(1.0, 3 / self.n)
        return wilson(self.count, self.n)

    @property
    def upper(self) -> float:
        """The upper end of `interval`."""
        return self.interval[1]


def wilson(count: int, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % score interval for `count` successes in `n > 0` trials.

    See: E. B. Wilson, "Probable inference", JASA 22 (1927).
    """
    share = count / n
    centre = share + Z95**2 / (2 * n)
    half = Z95 * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n**2))
    scale = 1 + Z95**2 / n
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)
