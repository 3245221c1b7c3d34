"""The list of OTP's cases in docs/conformance.md against the tests there are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

SUITE = Path(__file__).parent
LIST = SUITE.parents[2] / "docs" / "conformance.md"
CASES = 93


def _listed() -> set[tuple[str, str]]:
    """Case and file of each row."""
    return set(re.findall(r"^\| `(\w+)` \| `(\w+\.py)` \|", LIST.read_text(encoding="utf-8"), re.MULTILINE))


def _tests_in(path: Path) -> dict[str, str | None]:
    """The tests of a file and what they say they hold."""
    functions = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if _is_function(node)]
    return {node.name: ast.get_docstring(node) for node in functions if node.name.startswith("test_")}  # type: ignore[attr-defined,arg-type]


def _is_function(node: ast.stmt) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))


def test_every_case_of_supervisor_suite_is_listed() -> None:
    assert len(_listed()) == len({case for case, _ in _listed()}) == CASES


def test_every_listed_case_is_a_test_of_its_name_that_says_what_it_holds() -> None:
    for case, file in _listed():
        assert _tests_in(SUITE / file).get(f"test_{case}"), f"{file} has no test_{case} with a docstring"
