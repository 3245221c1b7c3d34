"""What the tutorial says of ``remember.py``: its commands, typed into a shell, print what the page says they print."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import trio

from tests.docs.test_examples import EXAMPLES
from tests.support.command import ROOT, SOURCES, run_command

if TYPE_CHECKING:
    from pathlib import Path

_SECTION = re.search(
    r"^### Who is here, and what was said\n(.*?)^## ",
    (ROOT / "docs" / "tutorial.md").read_text("utf-8"),
    re.DOTALL | re.MULTILINE,
)
_CHANCE = re.compile(r'("(?:epoch|phx_ref)": ?)"[^"]+"')
"""What is different each time."""


def commands() -> list[tuple[str, str]]:
    """Each command of the section, and what the block behind it says it prints."""
    assert _SECTION is not None
    return re.findall(r"^```sh\n(.*?)^```\n\n^```\n(.*?)^```$", _SECTION[1], re.DOTALL | re.MULTILINE)


async def typed(command: str, folder: Path) -> str:
    """What a shell prints that finds `regrow` in a folder."""
    script = folder / "regrow"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m regrow.gateway "$@"\n', "utf-8")
    script.chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    result = await trio.run_process(
        ["/bin/sh", "-c", command],
        capture_stdout=True,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PATH": path, "PYTHONPATH": SOURCES, "PYTHONIOENCODING": "utf-8"},
    )
    return result.stdout.decode()


def test_the_room_remembers_and_shows_what_the_tutorial_says(tmp_path: Path) -> None:
    async def main() -> None:
        async with run_command("serve", "remember:app", "--port", "0", cwd=EXAMPLES) as server:
            port = await server.port()
            for command, says in commands():
                printed = await typed(command.replace(":4000/", f":{port}/"), tmp_path)
                assert _CHANCE.sub(r'\1"…"', printed) == says.replace(":4000/", f":{port}/")

    assert len(commands()) == 2
    trio.run(main)
