"""The scripts of the chat page in Node: a clock that stands still, and a server that says what its test says."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from regrow.gateway._lobby import _page

NODE = shutil.which("node")
PAGE = Path(_page.__file__).parent / "page"
TESTS = Path(__file__).parents[1] / "browser"


@pytest.mark.skipif(NODE is None, reason="needs node")
@pytest.mark.parametrize("name", ["socket", "channel", "room"])
def test_the_scripts_of_the_page_do_what_their_tests_say(name: str, tmp_path: Path) -> None:
    assert NODE is not None
    for script in PAGE.glob("*.js"):
        shutil.copy(script, tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')  # a browser knows by the script element
    test = TESTS / f"{name}.test.mjs"
    done = subprocess.run(  # noqa: S603 - our own script
        [NODE, "--test", "--test-reporter=tap", str(test)],
        env={**os.environ, "PAGE": tmp_path.as_uri()},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    declared = sum(line.startswith("test(") for line in test.read_text().splitlines())
    assert f"# pass {declared}\n" in done.stdout, done.stdout
