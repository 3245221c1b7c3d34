"""Run the Autobahn test suite against the gateway: ``python -m tests.conformance.autobahn``.

Exits with 0 if every case passed, 1 if one failed or ended uncleanly, 2 if the run came to no verdict, and 3 if the
suite cannot be had on this machine.

wstest, the suite's command, needs Python 2.7, and its exit status says nothing: the verdict is in the index
file it writes. The server is a child of this process for as long as wstest runs.
"""

# ruff: noqa: S603, T201
# A command line speaks through print, and runs what its user names.

import argparse
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

import msgspec
import trio

from tests.conformance.autobahn_report import MARKER, read_index, render
from tests.support.pages import insert

SUITE: Final = "autobahntestsuite"
VERSION: Final = "25.10.1"
AGENT: Final = "regrow"
ALL: Final = ["*"]
QUICK: Final = [f"{section}.*" for section in (1, 2, 3, 4, 5, 6, 7, 9, 10)]
"""All but compression, whose 216 cases take more than nine tenths of the time."""

CHECKOUT: Final = Path(__file__).parents[2]
HOME: Final = CHECKOUT / ".autobahn"
INDEX: Final = HOME / "report" / "index.json"
PAGE: Final = CHECKOUT / "docs" / "conformance.md"

SERVER: Final = (
    f"{shlex.quote(sys.executable)} -m regrow.gateway serve tests.conformance.echo_server:app"
    " --host 127.0.0.1 --port {port} --unlimited --transport {transport}"
)
TRANSPORTS: Final = ["readiness", "tasks"]
"""The first is the one whose results `PAGE` has."""
STARTUP_TIMEOUT: Final = 30.0
"""Seconds until the server must accept its first connection."""


class CannotRunError(Exception):
    """There is no verdict: something that the run needs did not work."""


class MissingError(Exception):
    """There is no Python 2.7, or the suite cannot be installed for it."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.autobahn")
    parser.add_argument(
        "--server", default=SERVER, help="command to test; {port} and {transport} are replaced (default: %(default)s)"
    )
    parser.add_argument(
        "--transport", choices=TRANSPORTS, default=TRANSPORTS[0], help="how it waits for sockets (default: %(default)s)"
    )
    parser.add_argument("--path", default="/echo", help="path of its echoing WebSocket (default: %(default)s)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--cases", nargs="+", default=ALL, help="cases to run, like 1.* 7.1.5 (default: all)")
    which.add_argument(
        "--quick", action="store_const", dest="cases", const=QUICK, help="the cases that are not about compression"
    )
    parser.add_argument("--timeout", type=float, default=3600.0, help="seconds for all cases (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        python = find_python()
        install(python)
    except MissingError as problem:
        print(problem, file=sys.stderr)
        sys.exit(3)
    try:
        trio.run(
            fuzz,
            python,
            options.server.replace("{transport}", options.transport),
            options.path,
            options.cases,
            options.timeout,
        )
    except* CannotRunError as problems:
        print(*problems.exceptions, sep="\n", file=sys.stderr)
        sys.exit(2)
    cases = read_index(INDEX.read_bytes(), AGENT)
    report = f"{len(cases)} cases of {SUITE} {VERSION}:\n\n{render(cases)}"
    print(report)
    if options.server == SERVER and options.transport == TRANSPORTS[0] and options.cases == ALL:
        PAGE.write_text(insert(PAGE.read_text("utf-8"), MARKER, report), "utf-8")
    return 0 if all(case.verdict.passes for case in cases) else 1


def find_python() -> str:
    """Find a Python 2.7 that runs. (A pyenv shim on PATH may not: it needs the version to be selected.)"""
    for candidate in _candidates():
        probe = subprocess.run([candidate, "-c", "import pip"], capture_output=True, check=False)
        if probe.returncode == 0:
            return candidate
    raise MissingError(
        "The Autobahn test suite runs on Python 2.7 only, and neither PATH nor pyenv has python2.7 with pip."
        " `pyenv install 2.7.18` builds one."
    )


def _candidates() -> Iterator[str]:
    on_path = shutil.which("python2.7")
    if on_path is not None:
        yield on_path
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for python in sorted(pyenv.glob("versions/2.7*/bin/python2.7"), reverse=True):
        yield str(python)


def install(python: str) -> None:
    """Install wstest below `HOME`, unless it is there.

    Python 2.7 has no venv, and pip's --target breaks the namespace package ``zope``; a user base of its own
    works.
    """
    if _wstest().exists():
        return
    print(f"Installing {SUITE} {VERSION} into {HOME}", flush=True)
    command = [python, "-m", "pip", "install", "--user", "--no-warn-script-location", f"{SUITE}=={VERSION}"]
    pip = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
    if pip.returncode != 0:
        raise MissingError(f"{shlex.join(command)} failed:\n{pip.stderr}")


def _wstest() -> Path:
    return HOME / "bin" / "wstest"


def _environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # it is ours, not 2.7's
    return {**inherited, "PYTHONUSERBASE": str(HOME)}


async def fuzz(python: str, server: str, path: str, cases: list[str], timeout: float) -> None:
    """Run wstest against a server of our own, and leave what it found in `INDEX`.

    The server is stopped whatever happens.
    """
    port = _free_port()
    shutil.rmtree(INDEX.parent, ignore_errors=True)
    spec = HOME / "fuzzingclient.json"
    spec.write_bytes(
        msgspec.json.encode(
            {
                "outdir": str(INDEX.parent),
                "servers": [{"agent": AGENT, "url": f"ws://127.0.0.1:{port}{path}"}],
                "cases": cases,
                "exclude-cases": [],
                "exclude-agent-cases": {},
            }
        )
    )
    wstest = [python, str(_wstest()), "-m", "fuzzingclient", "-s", str(spec)]
    with (HOME / "server.log").open("wb") as server_log, (HOME / "wstest.log").open("wb") as wstest_log:
        async with trio.open_nursery() as nursery:
            await nursery.start(_serve, shlex.split(server.replace("{port}", str(port))), server_log)
            await _until_accepting(port)
            with trio.move_on_after(timeout) as waiting:
                await trio.run_process(
                    wstest, env=_environment(), stdout=wstest_log, stderr=subprocess.STDOUT, check=False
                )
            nursery.cancel_scope.cancel()
    if waiting.cancelled_caught:
        raise CannotRunError(f"wstest did not finish within {timeout:g} s; how far it came is in {wstest_log.name}")
    if not INDEX.exists():
        raise CannotRunError(f"wstest reported nothing; what it said is in {wstest_log.name}")


async def _serve(
    command: list[str],
    log: IO[bytes],
    *,
    task_status: trio.TaskStatus[trio.Process] = trio.TASK_STATUS_IGNORED,
) -> None:
    # Cancelling run_process terminates the child, and kills it 5 s later: it cannot outlive the nursery.
    await trio.run_process(
        command, cwd=CHECKOUT, stdout=log, stderr=subprocess.STDOUT, check=False, task_status=task_status
    )
    raise CannotRunError(f"The server stopped by itself; what it said is in {log.name}")


async def _until_accepting(port: int) -> None:
    with trio.move_on_after(STARTUP_TIMEOUT):
        while True:
            try:
                stream = await trio.open_tcp_stream("127.0.0.1", port)
            except OSError:
                await trio.sleep(0.05)
            else:
                await stream.aclose()
                return
    raise CannotRunError(f"The server did not accept a connection on port {port} within {STARTUP_TIMEOUT:g} s")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
