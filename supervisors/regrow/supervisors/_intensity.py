"""Restart intensity: the sliding window that decides "too often".

The window is made of whole seconds, as in OTP: stamps are floored and compared inclusively, so that a limit of one
restart in one second refuses a second one after 1.9 s if only one second boundary lies between (rules U-9, U-10).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import final

from ._errors import BadLimitError

__all__ = ["RestartLimit", "RestartWindow"]


@final
@dataclass(frozen=True, slots=True)
class RestartLimit:
    """At most ``intensity`` restarts in ``period`` seconds. See: OTP ``supervisor:sup_flags()``.

    Raises:
        BadLimitError: a field is no integer or out of range; the message names the field (rule U-4).
    """

    intensity: int
    """Restarts that are still allowed; 0 allows none."""
    period: int
    """Seconds, at least 1."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not _is_int(self.intensity) or self.intensity < 0:
            raise BadLimitError("intensity", self.intensity, "an integer from 0")
        if not _is_int(self.period) or self.period < 1:
            raise BadLimitError("period", self.period, "an integer from 1")

    def changed(self, *, intensity: int | None = None, period: int | None = None) -> RestartLimit:
        """The same but for what is not None."""
        return RestartLimit(
            self.intensity if intensity is None else intensity, self.period if period is None else period
        )


@final
class RestartWindow:
    """The recent restarts under one limit. Holds no clock: the caller says what time it is."""

    __slots__ = ("_stamps", "limit")

    _stamps: list[int]
    """The whole seconds of recent restarts, ascending. A list, because every child with a limit of its own that
    crashed has one, and an empty deque costs 760 bytes."""

    limit: RestartLimit
    """May be changed at any time; the restarts counted so far stay counted."""

    def __init__(self, limit: RestartLimit) -> None:
        self.limit = limit
        self._stamps = []

    def admits(self, now: float) -> bool:
        """Count one restart attempt at ``now``, monotonic seconds; whether it is within the limit.

        Amortised O(1): stamps leave at most once a second, all that expired together.
        """
        stamps = self._stamps
        second = math.floor(now)
        oldest = second - self.limit.period
        if stamps and stamps[0] < oldest:
            del stamps[: bisect_left(stamps, oldest)]
        stamps.append(second)
        return len(stamps) <= self.limit.intensity


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
