"""Every Python block of ``docs/otp.md`` runs, and prints what the block below it says."""

from __future__ import annotations

import ast
import re
import sys as python
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import trio
from trio.testing import MockClock

import regrow.actors
import regrow.supervisors
from regrow.actors import code, open_node, sys
from tests.support.command import ROOT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

PAGE = (ROOT / "docs" / "otp.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LONGEST = 20
"""Lines an example may have."""


def examples() -> Iterator[tuple[str, str, str]]:
    """The heading of each Python block, the block, and what the block without a language below it says it prints."""
    for section in re.split(r"^#+ ", PAGE, flags=re.MULTILINE)[1:]:
        heading = section.splitlines()[0]
        fences = FENCE.findall(section)
        for position, (language, text) in enumerate(fences):
            if language == "python":
                following = fences[position + 1 : position + 2]
                yield heading, text, following[0][1] if following and not following[0][0] else ""


EXAMPLES = list(examples())


def run(block: str) -> None:
    """Run a program as it stands, and anything else in a node, with the names that the page says are imported."""
    if "open_node(" in block:
        exec(block, {"__name__": "__main__"})  # noqa: S102 - our own page
        return
    names: dict[str, Any] = {"Any": Any, "Path": Path, "code": code, "partial": partial, "sys": sys, "trio": trio}
    for package in (regrow.actors, regrow.supervisors):
        names.update({name: getattr(package, name) for name in package.__all__})
    example = compile(block, "docs/otp.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    async def main() -> None:
        async with open_node():
            await cast("Awaitable[None]", eval(example, names))  # noqa: S307 - our own page

    waits_for_threads = "ThreadActor" in block
    trio.run(main, clock=None if waits_for_threads else MockClock(autojump_threshold=0))


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder to write modules to."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [str(tmp_path), *python.path])


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("heading", "block", "output"), EXAMPLES, ids=[heading for heading, _, _ in EXAMPLES])
def test_an_example_prints_what_the_page_says(
    heading: str, block: str, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(block)
    assert capsys.readouterr().out == output, heading


def test_every_example_prints_something() -> None:
    assert [heading for heading, _, output in EXAMPLES if not output] == []


def test_examples_are_short() -> None:
    lengths = {heading: len(block.strip().splitlines()) for heading, block, _ in EXAMPLES}
    assert {heading: length for heading, length in lengths.items() if length > LONGEST} == {}


def names_of_tables() -> list[str]:
    """What the tables of the page say our names are: all code in their last columns."""
    rows = re.findall(r"^\| .*\| (.*) \|$", PAGE, flags=re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([A-Za-z_]\w*)", row)]


def test_every_name_in_the_tables_is_public() -> None:
    known = {name for package in (regrow.actors, regrow.supervisors) for name in package.__all__}
    known |= {*dir(regrow.actors.GenServer), "async", "code", "math", "sys", "timeout"}
    names = names_of_tables()
    assert len(names) > 50
    assert sorted({name for name in names if name not in known}) == []


def test_every_linked_page_exists() -> None:
    links = re.findall(r"\]\(([\w./]+)[#)]", PAGE)
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
