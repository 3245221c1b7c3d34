"""Reading what the clients' scenarios said: a failure must not get lost."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from tests.conformance.phoenix_js.report import MARKER, Outcome, read_lines, render, versions
from tests.support.pages import insert

HERE = Path(__file__).parent
LINES = b"""{"scenario":"join","verdict":"ok","detail":""}
{"scenario":"binary","verdict":"not offered","detail":"JSON only"}
{"scenario":"leave","verdict":"failed","detail":"no reply"}
"""


def test_every_line_is_an_outcome_of_its_client() -> None:
    assert read_lines("old", LINES) == [
        Outcome("join", "ok", "", "old"),
        Outcome("binary", "not offered", "JSON only", "old"),
        Outcome("leave", "failed", "no reply", "old"),
    ]


@pytest.mark.parametrize("said", [b"Error: oops", b'{"scenario":"join","verdict":"maybe","detail":""}'])
def test_a_line_that_is_no_outcome_is_an_error(said: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read_lines("old", said)


def test_the_table_has_a_column_for_each_client_and_says_what_failed() -> None:
    outcomes = [*read_lines("old", LINES), Outcome("join", "ok", "", "new")]
    table = render(outcomes, {"old": "1.0", "new": "2.0"}).splitlines()
    assert table[0] == "| scenario | phoenix 1.0 | phoenix 2.0 |"
    assert "| join | ok | ok |" in table
    assert "| leave | failed | not run |" in table
    assert table[-1] == "FAILED with old: leave: no reply"


def test_a_report_takes_the_place_of_the_one_before() -> None:
    page = "a\n<!-- phoenix:begin -->\n{}\n<!-- phoenix:end -->\nb"
    assert insert(page.format("old"), MARKER, "new") == page.format("new")
    with pytest.raises(ValueError, match="the page needs"):
        insert("a", MARKER, "new")


def test_the_clients_are_pinned_and_their_lock_file_names_no_place_to_load_them_from() -> None:
    clients = versions((HERE / "package.json").read_bytes())
    assert len(clients) >= 2
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in clients.values())
    lock = (HERE / "package-lock.json").read_text("utf-8")
    assert "resolved" not in lock
    assert "://" not in lock
    assert all(f'"{version}"' in lock for version in clients.values())
