"""Run the clients that Phoenix publishes against the gateway: ``python -m tests.conformance.phoenix_js``.

Exits with 0 if every scenario passed with every version, 1 if one failed, 2 if there is no verdict: node or npm is
missing, the packages could not be installed, or the server did not start.

The server is a process of its own on a free port of the loopback, and so is node, once for each version. Packages
are installed into a folder that git ignores; only that needs the network, and only once.
"""

# ruff: noqa: ASYNC110, ASYNC240, S603, T201
# A command line speaks through print, and runs what it has found on PATH; a child's log has no event to wait for.

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import trio

from tests.conformance.phoenix_js.report import MARKER, Outcome, read_lines, render, versions
from tests.support.pages import insert

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE: Final = Path(__file__).parent
CHECKOUT: Final = HERE.parents[2]
HOME: Final = CHECKOUT / ".phoenix_js"
PAGE: Final = CHECKOUT / "docs" / "conformance.md"
MANIFEST: Final = ("package.json", "package-lock.json")
SERVER: Final = "tests.conformance.phoenix_js.server:app"
STARTUP_TIMEOUT: Final = 30.0
"""Seconds until the server must say where it listens."""
PATIENCE: Final = 300.0
"""Seconds for all scenarios of one version."""


class CannotRunError(Exception):
    """There is no verdict: something that the run needs is missing or did not work."""


def main(arguments: Sequence[str] | None = None) -> int:
    known = versions((HERE / MANIFEST[0]).read_bytes())
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.phoenix_js")
    parser.add_argument("--clients", nargs="+", choices=list(known), default=list(known), help="clients to run")
    options = parser.parse_args(arguments)
    try:
        node = _found("node")
        install(_found("npm"))
        outcomes = trio.run(play_all, node, options.clients)
    except CannotRunError as problem:
        print(problem, file=sys.stderr)
        return 2
    report = render(outcomes, {client: known[client] for client in options.clients})
    print(report)
    has_passed = all(one.verdict != "failed" for one in outcomes)
    if has_passed and options.clients == list(known):
        PAGE.write_text(insert(PAGE.read_text("utf-8"), MARKER, report), "utf-8")
    return 0 if has_passed else 1


def _found(command: str) -> str:
    path = shutil.which(command)
    if path is None:
        raise CannotRunError(f"{command} is missing: Phoenix's clients run in Node 18 or newer, with npm beside it")
    return path


def install(npm: str) -> None:
    """Install the packages below `HOME`, unless those of the same lock file are there."""
    HOME.mkdir(exist_ok=True)
    done = HOME / "node_modules" / ".package-lock.json"
    lock = HERE / MANIFEST[1]
    if done.exists() and (HOME / MANIFEST[1]).read_bytes() == lock.read_bytes():
        return
    for name in MANIFEST:
        shutil.copyfile(HERE / name, HOME / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    run = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        (HOME / MANIFEST[1]).unlink()
        raise CannotRunError(f"npm ci failed:\n{run.stderr}")


async def play_all(node: str, clients: Sequence[str]) -> list[Outcome]:
    """Serve, and run every scenario with every client, one client after the other."""
    log = HOME / "server.log"
    try:
        async with trio.open_nursery() as nursery:
            with log.open("wb") as output:
                nursery.start_soon(_serve, output)
                port = await _announced_port(log)
                outcomes = [one for client in clients for one in await play(node, client, port)]
                nursery.cancel_scope.cancel()
    except* CannotRunError as problems:
        raise problems.exceptions[0] from None
    return outcomes


async def _serve(log: IO[bytes]) -> None:
    # Cancelling run_process terminates the child, and kills it 5 s later: it cannot outlive the nursery.
    command = [sys.executable, "-m", "regrow.gateway", "serve", SERVER, "--port", "0"]
    await trio.run_process(command, cwd=CHECKOUT, stdout=log, stderr=subprocess.STDOUT, check=False)
    raise CannotRunError(f"the server stopped by itself; what it said is in {log.name}")


async def _announced_port(log: Path) -> int:
    with trio.move_on_after(STARTUP_TIMEOUT):
        while (found := re.search(r"listening on http://\S+:(\d+)\s", log.read_text("utf-8"))) is None:
            await trio.sleep(0.05)
        return int(found[1])
    raise CannotRunError(f"the server said no port within {STARTUP_TIMEOUT:g} s; what it said is in {log}")


async def play(node: str, client: str, port: int) -> list[Outcome]:
    """Run every scenario with one client."""
    script = [node, str(HERE / "run.mjs"), str(HOME), client, f"ws://127.0.0.1:{port}"]
    try:
        with trio.fail_after(PATIENCE):
            run = await trio.run_process(script, capture_stdout=True, capture_stderr=True, check=False)
    except trio.TooSlowError:
        raise CannotRunError(f"{client} did not finish within {PATIENCE:g} s") from None
    outcomes = read_lines(client, run.stdout)
    if run.returncode not in {0, 1} or not outcomes:
        raise CannotRunError(f"node did not run the scenarios with {client}:\n{run.stderr.decode()}")
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
