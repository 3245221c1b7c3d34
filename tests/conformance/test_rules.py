"""The list of rules in docs/conformance.md against the tests there are and the rules that are cited."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT: Final = Path(__file__).parents[2]
PAGE: Final = (CHECKOUT / "docs" / "conformance.md").read_text("utf-8")
SOURCES: Final = ("actors", "supervisors", "gateway", "chaos", "tests", "docs")

RULES: Final = {"P": 7, "L": 7, "M": 5, "N": 2, "T": 3, "R": 5, "S": 4, "G": 17, "Y": 6, "U": 25, "C": 18}
"""The letters, and how many rules each has."""

NAMED: Final = {
    "exit signals",
    "init table",
    "terminate table",
    "gen_event",
    "gen_statem",
    "restart types",
    "strategies",
    "requests",
    "auto_shutdown",
    "upgrade",
    "reports",
    "hot upgrade",
}
"""Parts that have a name instead of a number."""

NUMBERED: Final = [f"{letter}-{number}" for letter, count in RULES.items() for number in range(1, count + 1)]
CITED: Final = re.compile(rf"(?<![\w-])([{''.join(RULES)}]-\d+)(?![\w-])")
CITED_BY_NAME: Final = re.compile(r"\bdef test_([a-z]\d+)_")


@dataclass(frozen=True)
class Row:
    rule: str
    text: str
    tests: list[str]
    verdict: str


def section(title: str) -> str:
    """What stands under a heading of the second level."""
    [found] = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def rows() -> list[Row]:
    lines = [line for line in section("Rules").splitlines() if line.startswith("| ")]
    cells = [line.strip("| ").split(" | ") for line in lines]
    malformed = [line for line, fields in zip(lines, cells, strict=True) if len(fields) != 4]
    assert not malformed
    return [
        Row(rule, text, re.findall(r"`(\S+?)`", tests), verdict)
        for rule, text, tests, verdict in cells
        if rule not in {"rule", "---"}
    ]


ROWS: Final = rows()


@cache
def functions_of(file: str) -> frozenset[str]:
    path = CHECKOUT / file
    if not path.is_file():
        return frozenset()
    body = ast.parse(path.read_text("utf-8")).body
    return frozenset(node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def python_and_pages() -> Iterator[tuple[Path, str]]:
    for folder in SOURCES:
        for pattern in ("*.py", "*.md"):
            for path in (CHECKOUT / folder).rglob(pattern):
                yield path.relative_to(CHECKOUT), path.read_text("utf-8")


def test_every_rule_is_listed_once_and_in_order() -> None:
    listed = [row.rule for row in ROWS]
    assert [rule for rule in listed if CITED.fullmatch(rule)] == NUMBERED
    assert set(listed) >= NAMED
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rule)
def test_a_rule_is_said_and_held_by_tests_that_exist_or_differs_as_described(row: Row) -> None:
    assert row.text.endswith((".", ".)"))
    missing = [test for test in row.tests if test.partition("::")[2] not in functions_of(test.partition("::")[0])]
    assert not missing
    if row.verdict == "held":
        assert row.tests
    elif row.verdict.startswith("differs: "):
        entries = re.findall(r"\[(.+?)\]\(#differences-from-otp\)", row.verdict)
        described = re.findall(r"^\* \*\*(.+?)\.?\*\*", section("Differences from OTP"), re.MULTILINE)
        assert entries
        assert set(entries) <= set(described)
    else:
        assert re.fullmatch(r"not applicable: .+", row.verdict)


def test_no_rule_is_cited_that_is_not_listed() -> None:
    unknown: list[tuple[str, str]] = []
    for path, text in python_and_pages():
        cited = CITED.findall(text) + [f"{name[0].upper()}-{name[1:]}" for name in CITED_BY_NAME.findall(text)]
        unknown += [(str(path), rule) for rule in cited if rule not in NUMBERED]
    assert unknown == []


def test_every_rule_that_a_test_holds_is_cited_where_it_is_tested() -> None:
    """A reader of the list finds the rule in at least one of the files it names."""
    uncited: list[str] = []
    for row in ROWS:
        if row.rule in NUMBERED and row.tests:
            texts = [(CHECKOUT / test.partition("::")[0]).read_text("utf-8") for test in row.tests]
            name = f"test_{row.rule.replace('-', '').lower()}_"
            if not any(name in text or row.rule in CITED.findall(text) for text in texts):
                uncited.append(row.rule)
    assert uncited == []
