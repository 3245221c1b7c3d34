"""What the Autobahn test suite found, as a verdict for each case and a table."""

from typing import Any

import msgspec
import pytest

from tests.conformance.autobahn_report import MARKER, Case, Verdict, read_index, render
from tests.support.pages import insert


def index(**entries: tuple[str, str]) -> bytes:
    """Write an index file: ``c1_1_2=("OK", "OK")`` is case 1.1.2, its behavior and its behavior at close."""
    cases: dict[str, Any] = {
        name[1:].replace("_", "."): {
            "behavior": behavior,
            "behaviorClose": close,
            "duration": 2,
            "remoteCloseCode": None,
            "reportfile": "regrow_case.json",
        }
        for name, (behavior, close) in entries.items()
    }
    return msgspec.json.encode({"regrow": cases})


def test_cases_are_in_the_order_people_count() -> None:
    ok = ("OK", "OK")
    cases = read_index(index(c10_1_1=ok, c9_1_10=ok, c9_1_2=ok, c1_1_1=ok), "regrow")
    assert [str(case) for case in cases] == ["1.1.1", "9.1.2", "9.1.10", "10.1.1"]


@pytest.mark.parametrize(
    ("behavior", "close", "verdict"),
    [
        ("OK", "OK", Verdict.OK),
        ("OK", "INFORMATIONAL", Verdict.OK),
        ("NON-STRICT", "OK", Verdict.NON_STRICT),
        ("INFORMATIONAL", "INFORMATIONAL", Verdict.INFORMATIONAL),
        ("FAILED", "OK", Verdict.FAILED),
        ("UNIMPLEMENTED", "OK", Verdict.FAILED),
        ("UNCLEAN", "OK", Verdict.FAILED),
        ("FAILED", "UNCLEAN", Verdict.FAILED),
        ("OK", "UNCLEAN", Verdict.UNCLEAN),
        ("OK", "WRONG CODE", Verdict.UNCLEAN),
        ("NON-STRICT", "FAILED BY CLIENT", Verdict.UNCLEAN),
    ],
)
def test_a_case_passes_only_with_a_right_answer_and_a_clean_close(behavior: str, close: str, verdict: Verdict) -> None:
    assert read_index(index(c7_1_1=(behavior, close)), "regrow") == [Case((7, 1, 1), verdict)]


def test_only_failed_and_unclean_do_not_pass() -> None:
    assert [verdict for verdict in Verdict if not verdict.passes] == [Verdict.FAILED, Verdict.UNCLEAN]


def test_an_agent_that_was_not_tested_is_an_error() -> None:
    with pytest.raises(KeyError):
        read_index(index(c1_1_1=("OK", "OK")), "another")


def test_a_file_that_is_no_index_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError):
        read_index(b'{"regrow": {"1.1.1": {"behavior": "OK"}}}', "regrow")


def test_the_table_counts_each_section_and_names_what_is_not_ok() -> None:
    cases = [
        Case((1, 1, 1), Verdict.OK),
        Case((1, 1, 2), Verdict.OK),
        Case((6, 4, 1), Verdict.NON_STRICT),
        Case((6, 4, 2), Verdict.NON_STRICT),
        Case((10, 1, 1), Verdict.FAILED),
    ]
    expected = """\
| section | OK | NON-STRICT | INFORMATIONAL | FAILED | UNCLEAN |
| --- | --: | --: | --: | --: | --: |
| 1 Framing | 2 | 0 | 0 | 0 | 0 |
| 6 UTF-8 | 0 | 2 | 0 | 0 | 0 |
| 10 Auto-fragmentation | 0 | 0 | 0 | 1 | 0 |
| all | 2 | 2 | 0 | 1 | 0 |

NON-STRICT: 6.4.1, 6.4.2

FAILED: 10.1.1"""
    assert render(cases) == expected


def test_a_report_replaces_what_was_between_the_markers_and_nothing_else() -> None:
    page = "# Title\n\n<!-- autobahn:begin -->\nold\n<!-- autobahn:end -->\n\nfoot\n"
    once = insert(page, MARKER, "new")
    assert once == "# Title\n\n<!-- autobahn:begin -->\nnew\n<!-- autobahn:end -->\n\nfoot\n"
    assert insert(once, MARKER, "new") == once


@pytest.mark.parametrize("page", ["", "<!-- autobahn:begin -->", "<!-- autobahn:end --><!-- autobahn:begin -->"])
def test_a_page_without_both_markers_is_an_error(page: str) -> None:
    with pytest.raises(ValueError, match="autobahn:begin"):
        insert(page, MARKER, "new")
