"""The experiment's end of the load process."""

import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import final

import trio

from ._errors import LoadFailedError, NotSteadyError
from ._lines import LineReader
from ._load_protocol import (
    Answered,
    Command,
    Finish,
    Joined,
    LoadResult,
    Plan,
    Probe,
    Refused,
    Report,
    decode_report,
    encode_line,
)

GRACE = 2.0
"""Seconds the process has to end once its input has."""


@final
class Load:
    """A running load process. Made by `open_load`.

    The process speaks only when something asked for has come about, so there is no reader task: each method
    reads on until it has its answer. One method at a time.

    Every method raises `LoadFailedError` when the process has ended.
    """

    def __init__(self, plan: Plan, process: trio.Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("the load process needs both pipes")
        self._plan = plan
        self._process = process
        self._stdin = process.stdin
        self._reports = LineReader(process.stdout)

    async def connected(self, progress: Callable[[int], None]) -> None:
        """Wait until every client has joined, which starts the load; tell `progress` how many have.

        Raises:
            NotSteadyError: a client was refused.
        """
        while True:
            match await self._next_report():
                case Joined(count):
                    progress(count)
                    if count == self._plan.connections:
                        return
                case Refused(client, reason):
                    raise NotSteadyError(f"client {client} of {self._plan.connections} could not join: {reason}")
                case other:
                    raise _unexpected(other)

    async def probe(self, clients: Iterable[int]) -> None:
        """Have `clients` ping at once, and again until each has had an ok reply. Does not wait for that."""
        await self._tell(Probe(tuple(clients)))

    async def answered(self) -> None:
        """Wait until all clients of the last `probe` have had an ok reply. If cancelled, call again."""
        report = await self._next_report()
        if not isinstance(report, Answered):
            raise _unexpected(report)

    async def finish(self) -> LoadResult:
        """Stop the load and return its record, once every request has had its deadline."""
        await self._tell(Finish())
        # A probe that was still waiting may be answered between the command and the result.
        while not isinstance(report := await self._next_report(), LoadResult):
            if not isinstance(report, Answered):
                raise _unexpected(report)
        return report

    async def _tell(self, command: Command) -> None:
        try:
            await self._stdin.send_all(encode_line(command))
        except trio.BrokenResourceError:
            raise LoadFailedError(await self._obituary()) from None

    async def _next_report(self) -> Report:
        line = await self._reports.next_line()
        if line is None:
            raise LoadFailedError(await self._obituary())
        return decode_report(line)

    async def _obituary(self) -> str:
        return f"the load process ended before its result, with exit status {await self._process.wait()}"


@asynccontextmanager
async def open_load(plan: Plan) -> AsyncGenerator[Load, None]:
    """Start a load process on `plan`; on leaving, see it dead.

    What it prints on standard error goes to ours.
    """
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "regrow.chaos._load_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # The child must find the same regrow, wherever this program has put it on its path.
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    load = Load(plan, process)
    try:
        await load._tell(plan)
        yield load
    finally:
        with trio.CancelScope(shield=True):
            await _bury(process)


async def _bury(process: trio.Process) -> None:
    """Close the process's input, which ends it, and kill it if it does not listen."""
    if process.stdin is not None:
        await process.stdin.aclose()
    with trio.move_on_after(GRACE):
        await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()
    if process.stdout is not None:
        await process.stdout.aclose()


def _unexpected(report: Report) -> LoadFailedError:
    return LoadFailedError(f"the load process said {type(report).__name__} out of turn")
