"""``docs/gateway.md``, "Presence": its code is the code in the file, which runs and says what the page says."""

from __future__ import annotations

import re
import runpy
from typing import TYPE_CHECKING

import trio

from tests.support.command import ROOT

if TYPE_CHECKING:
    import pytest

EXAMPLE = ROOT / "docs" / "examples" / "present.py"
PAGE = (ROOT / "docs" / "gateway.md").read_text(encoding="utf-8")
[SECTION] = re.findall(r"^## Presence\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)


def test_the_page_shows_what_the_file_says() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    blocks = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
    assert len(blocks) == 3
    assert [line for block in blocks for line in block.splitlines() if line not in lines] == []


def test_the_file_says_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    trio.run(runpy.run_path(str(EXAMPLE))["main"])
    [said] = re.findall(r"```\n(here.*?)```", SECTION, re.DOTALL)
    assert capsys.readouterr().out == said
