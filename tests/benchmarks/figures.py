"""Figures: one quantity over its repetitions, and what was promised of it. Pure values."""

from __future__ import annotations

import enum
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

if TYPE_CHECKING:
    from collections.abc import Sequence

_THOUSAND: Final = 1_000
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Figure:
    """A quantity as it came out of one or more repetitions."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        low, median, high = number(self.low), number(self.median), number(self.high)
        return median if low == high else f"{median} ({low}..{high})"


def figure(values: Sequence[float]) -> Figure:
    return Figure(statistics.median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class AtLeast:
    bound: float

    def __str__(self) -> str:
        return f"≥ {number(self.bound)}"


@dataclass(frozen=True, slots=True)
class AtMost:
    bound: float

    def __str__(self) -> str:
        return f"≤ {number(self.bound)}"


@dataclass(frozen=True, slots=True)
class TimesReference:
    """At least this share of what the reference server does in the same run."""

    share: float

    def __str__(self) -> str:
        return f"≥ {self.share:g} x reference"


Target: TypeAlias = AtLeast | AtMost | TimesReference


class Verdict(enum.StrEnum):
    MET = "met"
    MISSED = "MISSED"
    NOT_JUDGED = "not judged"
    """The target is a share of the reference server's figure, and there is none."""
    NO_TARGET = ""


def ratio(ours: Figure | None, reference: Figure | None) -> float | None:
    """The ratio of the medians, where there is one."""
    if ours is None or reference is None or reference.median == 0:
        return None
    return ours.median / reference.median


def judge(target: Target | None, ours: Figure | None, reference: Figure | None, *, sound: bool) -> Verdict:
    """Whether a target is met. A figure from a run that was not sound, or no figure, meets none."""
    if target is None:
        return Verdict.NO_TARGET
    if ours is None or not sound:
        return Verdict.MISSED
    match target:
        case AtLeast(bound):
            holds = ours.median >= bound
        case AtMost(bound):
            holds = ours.median <= bound
        case TimesReference(share):
            if reference is None:
                return Verdict.NOT_JUDGED
            holds = ours.median >= share * reference.median
        case _:
            assert_never(target)
    return Verdict.MET if holds else Verdict.MISSED


def number(value: float) -> str:
    """Three or so significant digits: ``3.01M``, ``89.4k``, ``1536``, ``12.3``, ``0.87``."""
    size = abs(value)
    if size >= _MILLION:
        return f"{value / _MILLION:.2f}M"
    if size >= 10 * _THOUSAND:
        return f"{value / _THOUSAND:.1f}k"
    if size >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}"
