"""The command ``regrow`` as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

__all__ = ["PATIENCE", "Command", "run_command"]

PATIENCE = 20.0
"""Real seconds for anything the command is waited for."""

ROOT = Path(__file__).parents[2]
SOURCES = os.pathsep.join(str(ROOT / folder) for folder in ("actors", "supervisors", "gateway", "chaos"))


class Command:
    """A running command, and what it has said on stderr."""

    def __init__(self, process: trio.Process) -> None:
        self.process = process
        self.said = ""

    async def line_with(self, words: str) -> str:
        """The first line said that has these words."""
        while not any(words in line for line in self._lines()):
            assert await self._listen(), f"it ended without saying {words!r}: {self.said}"
        return next(line for line in self._lines() if words in line)

    async def port(self) -> int:
        """The port it announces."""
        return int((await self.line_with("listening on")).rpartition(":")[2])

    async def exit_status(self) -> int:
        """Wait until it ends; its exit status."""
        while await self._listen():
            pass
        return await self.process.wait()

    def _lines(self) -> list[str]:
        return self.said.splitlines()[: self.said.count("\n")]

    async def _listen(self) -> bool:
        assert self.process.stderr is not None
        data = await self.process.stderr.receive_some()
        self.said += data.decode()
        return bool(data)


@asynccontextmanager
async def run_command(*args: str, cwd: Path | None = None) -> AsyncGenerator[Command]:
    """Run ``python -m regrow.gateway`` until the block ends; the block must end in time."""
    with trio.fail_after(PATIENCE):
        process = await trio.lowlevel.open_process(
            [sys.executable, "-m", "regrow.gateway", *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": SOURCES, "TERM": "dumb", "COLUMNS": "200"},
        )
        assert process.stderr is not None
        async with process.stderr:
            try:
                yield Command(process)
            finally:
                process.kill()
                with trio.CancelScope(shield=True):
                    await process.wait()
