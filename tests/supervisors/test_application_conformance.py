"""The truth is a real BEAM: what an application writes as it ends, and whether its node lives on, must read the same.

Needs ``erl`` and ``erlc`` (Debian's ``erlang-base``); skipped without them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from regrow.actors import NORMAL, SHUTDOWN, ExitReason, Failure, Pid, Shutdown, exit_, open_node, stop, whereis
from regrow.supervisors import (
    Application,
    ApplicationExitedError,
    ApplicationRestart,
    ApplicationStartError,
    StartType,
    Supervisor,
    start_application,
    stop_application,
)

REASONS: dict[str, ExitReason] = {
    "normal": NORMAL,
    "shutdown": SHUTDOWN,
    "detail": Shutdown("detail"),
    "broken": Failure("broken"),
}
SCENARIOS = list(product(ApplicationRestart, REASONS, ("die", "stop", "fail")))


@pytest.fixture(scope="module")
def beam(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], list[str]]:
    """What each scenario writes on Erlang. A node each, a few at a time: they boot slowly and some end badly."""
    erl, erlc = shutil.which("erl"), shutil.which("erlc")
    if erl is None or erlc is None:
        pytest.skip("needs Erlang")
    build = tmp_path_factory.mktemp("beam")
    source = Path(__file__).with_name("otp_applications.erl")
    subprocess.run([erlc, "-o", str(build), str(source)], check=True)  # noqa: S603 - the paths are our own
    written: dict[tuple[str, ...], list[str]] = {}

    async def run(scenario: tuple[str, ...], limiter: trio.CapacityLimiter) -> None:
        command = [erl, "-noshell", "-pa", str(build), "-s", "otp_applications", "main", *scenario]
        async with limiter:
            done = await trio.run_process(
                command,
                capture_stdout=True,
                capture_stderr=True,
                check=False,
                env={**os.environ, "ERL_CRASH_DUMP_SECONDS": "0"},
            )
        lines = done.stdout.decode().splitlines()
        written[scenario] = [
            line for line in lines if line.startswith(("start", "phase", "prep_stop", "stop", "alive"))
        ]

    async def main() -> None:
        limiter = trio.CapacityLimiter(4)
        async with trio.open_nursery() as nursery:
            for scenario in SCENARIOS:
                nursery.start_soon(run, tuple(map(str, scenario)), limiter)

    trio.run(main)
    return written


@pytest.mark.parametrize(("restart", "reason", "deed"), SCENARIOS)
def test_an_application_ends_as_on_the_beam(
    beam: dict[tuple[str, ...], list[str]], restart: ApplicationRestart, reason: str, deed: str
) -> None:
    written: list[str] = []
    try:
        trio.run(_run, restart, REASONS[reason], deed, written, clock=MockClock(autojump_threshold=0))
    except (ApplicationExitedError, ApplicationStartError):
        assert "alive" not in written
    assert written == beam[str(restart), reason, deed]


async def _run(restart: ApplicationRestart, reason: ExitReason, deed: str, written: list[str]) -> None:
    def tree() -> str:
        return "the tree " + ("is gone" if whereis("top") is None else "runs")

    class Diary(Application):
        start_phases = (("one", 1),)

        async def start(self, start_type: StartType, args: Any) -> Pid:
            if deed == "fail":
                exit_(reason)
            written.append("start")
            return await Supervisor.start_link([], name="top")

        def start_phase(self, phase: str, start_type: StartType, args: Any) -> None:
            written.append(f"phase {phase}")

        def prep_stop(self) -> None:
            written.append(f"prep_stop, {tree()}")

        def stop(self) -> None:
            written.append(f"stop, {tree()}")

    async with open_node():
        try:
            await start_application(Diary, restart=restart)
        except ApplicationStartError:
            await trio.lowlevel.checkpoint()  # here the end of the node cancels the block
        if deed == "die":
            await stop("top", reason)
        elif deed == "stop":
            await stop_application(Diary)
        await wait_all_tasks_blocked()
        written.append("alive")
