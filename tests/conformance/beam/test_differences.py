"""``docs/conformance.md`` shows the table of allowed differences as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from .differences import DIFFERENCES, Difference, render, rewrite

PAGE = Path(__file__).parents[3] / "docs" / "conformance.md"
BEGIN, END = "<!-- differences:begin -->\n", "\n<!-- differences:end -->"


def test_the_page_shows_the_table() -> None:
    shown = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    assert shown == render()


def test_only_what_may_differ_is_rewritten() -> None:
    assert rewrite("trees", "ok; ; ; sa1{da1{daxa1}1,1,0,1 wa2}2,2,1,1") == "ok; ; ; sa1{da1{daxa1}*,1,0,1 wa2}2,2,1,1"
    assert rewrite("signals", "da1{}1,") == "da1{}1,"


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda one: one.otp)
def test_a_difference_belongs_to_a_family_and_says_why(difference: Difference) -> None:
    assert difference.family in {"trees", "signals", "servers"}
    assert all((difference.otp, difference.regrow, difference.why))
