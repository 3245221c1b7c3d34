"""The table of attacks in ``docs/conformance.md`` against the tests there are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs" / "conformance.md").read_text("utf-8")


def rows() -> list[list[str]]:
    """The cells of every row."""
    [section] = re.findall(r"^## Attacks\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [line.strip("| ").split(" | ") for line in lines if not line.startswith(("| attack", "| ---"))]


def test_every_attack_of_the_table_has_an_answer_and_a_test() -> None:
    table = rows()
    assert len(table) >= 20
    assert [row for row in table if len(row) != 3 or not all(row)] == []


@pytest.mark.parametrize("test", sorted({test for row in rows() for test in re.findall(r"`(tests/\S+)`", row[2])}))
def test_a_test_that_the_table_names_exists(test: str) -> None:
    file, _, name = test.partition("::")
    body = ast.parse((CHECKOUT / file).read_text("utf-8")).body
    assert name in {node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
