from __future__ import annotations

import pytest

from tests.benchmarks.figures import AtLeast, AtMost, Figure, TimesReference, Verdict, figure, judge, number, ratio


def one(value: float) -> Figure:
    return Figure(value, value, value)


def test_figure_is_the_median_between_the_extremes() -> None:
    assert figure([3.0, 1.0, 2.0]) == Figure(2.0, 1.0, 3.0)
    assert str(figure([3.0, 1.0, 2.0])) == "2 (1..3)"
    assert str(one(2.0)) == "2"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.4712, "0.47"),
        (2, "2"),
        (12.34, "12.3"),
        (1536, "1536"),
        (89_412, "89.4k"),
        (3_012_345, "3.01M"),
        (-1.5, "-1.50"),
    ],
)
def test_number_keeps_three_digits_or_so(value: float, text: str) -> None:
    assert number(value) == text


def test_ratio_is_of_the_medians() -> None:
    assert ratio(Figure(3, 1, 9), Figure(4, 1, 4)) == 0.75
    assert ratio(one(3), None) is None
    assert ratio(one(3), one(0)) is None


@pytest.mark.parametrize(
    ("target", "ours", "verdict"),
    [
        (AtLeast(10), 10, Verdict.MET),
        (AtLeast(10), 9.9, Verdict.MISSED),
        (AtMost(10), 10, Verdict.MET),
        (AtMost(10), 10.1, Verdict.MISSED),
        (TimesReference(0.7), 70, Verdict.MET),
        (TimesReference(0.7), 69, Verdict.MISSED),
        (None, 1, Verdict.NO_TARGET),
    ],
)
def test_judge_compares_the_median_with_the_bound(
    target: AtLeast | AtMost | TimesReference | None, ours: float, verdict: Verdict
) -> None:
    assert judge(target, one(ours), one(100), sound=True) is verdict


def test_judge_needs_the_reference_for_a_share_of_it() -> None:
    assert judge(TimesReference(0.7), one(1), None, sound=True) is Verdict.NOT_JUDGED


def test_judge_lets_no_unsound_run_meet_a_target() -> None:
    assert judge(AtLeast(1), one(2), None, sound=False) is Verdict.MISSED
    assert judge(AtLeast(1), None, None, sound=True) is Verdict.MISSED
