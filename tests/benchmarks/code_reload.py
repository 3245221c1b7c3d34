"""Hot code reload under a hundred thousand living actors: how long it takes, and how long nothing else can run.

python -m tests.benchmarks.code_reload
"""

from __future__ import annotations

import gc
import importlib
import json
import logging
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import trio

from regrow.actors import call, code, open_node

INSTANCES = 100_000
ROUNDS = 5
NAME = "benchmarked_rooms"

PLAIN = '''
"""Version {version} of a module."""

from regrow.actors import GenServer, Reply

__version__ = {version}


class Room(GenServer):
    def init(self):
        self.messages = 0

    def handle_call(self, request, caller):
        self.messages += 1
        return Reply(__version__)
'''
CONVERTING = (
    PLAIN
    + """
    def code_change(self, old_version, extra):
        self.messages = old_version
"""
)


def measure() -> dict[str, float]:
    """Medians of `ROUNDS` rounds."""
    logging.getLogger("regrow").setLevel(logging.CRITICAL)  # that it stalls is what is measured, and no news
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, folder)
        try:
            return trio.run(_measure, Path(folder) / f"{NAME}.py")
        finally:
            sys.path.remove(folder)


async def _measure(path: Path) -> dict[str, float]:
    _write(path, PLAIN, 0)
    importlib.invalidate_caches()
    module: Any = importlib.import_module(NAME)
    async with open_node(shutdown_timeout=60):
        pids = [await module.Room.start_link() for _ in range(INSTANCES)]
        gc.collect()
        plain = [await _reload(path, PLAIN, version) for version in range(1, 1 + ROUNDS)]
        converting = [await _reload(path, CONVERTING, version) for version in range(1 + ROUNDS, 1 + 2 * ROUNDS)]
        assert await call(pids[0], "which version") == 2 * ROUNDS
    assert all(done.instances == INSTANCES and done.converted == 0 for done in plain)
    assert all(done.instances == INSTANCES == done.converted for done in converting)
    return {
        "reload_ms": 1e3 * statistics.median(done.seconds for done in plain),
        "stall_ms": 1e3 * statistics.median(done.longest_stall for done in plain),
        "converting_ms": 1e3 * statistics.median(done.seconds for done in converting),
        "converting_stall_ms": 1e3 * statistics.median(done.longest_stall for done in converting),
    }


async def _reload(path: Path, source: str, version: int) -> code.Reloaded:
    _write(path, source, version)
    return await code.reload(NAME)


def _write(path: Path, source: str, version: int) -> None:
    path.write_text(source.format(version=version), encoding="utf-8")


if __name__ == "__main__":
    print(json.dumps(measure()))  # noqa: T201 - this is a command
