"""Compare Regrow with its peers: ``python -m tests.benchmarks.peers --install``.

Exits with 0 once there are figures, whatever they are; with 2 if there are none.
"""

# ruff: noqa: T201
# A command line speaks through print.

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.cores import Cores
from tests.benchmarks.errors import CannotRunError, RunFailedError
from tests.benchmarks.machine import machine
from tests.benchmarks.measurements import Noise
from tests.benchmarks.peers.catalogue import CANNOT, PEERS, Peer, Work, chosen
from tests.benchmarks.peers.environments import Environments, described
from tests.benchmarks.peers.table import LEGEND, Measurement, footnotes, markdown, plain, rows, troubles
from tests.benchmarks.runner import run_sample
from tests.benchmarks.server import CHECKOUT
from tests.support.pages import insert

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAGE = CHECKOUT / "docs" / "benchmarks.md"
MARKER = "peers"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        _compare(options)
    except CannotRunError as error:
        print(f"peers: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("peers: interrupted", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.peers")
    parser.add_argument("--install", action="store_true", help="make the environments that are missing, with pip")
    parser.add_argument("--environments", type=Path, default=CHECKOUT / ".peers", metavar="DIR", help="where they are")
    parser.add_argument("--python", default=sys.executable, help="interpreter that has Regrow (default: this one)")
    parser.add_argument("--reps", type=int, default=3, help="repetitions (default: %(default)s)")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="works that begin so")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement there")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/benchmarks.md")
    return parser


def _compare(options: argparse.Namespace) -> None:
    try:
        works = chosen(tuple(options.only))
    except ValueError as error:
        raise CannotRunError(str(error)) from None
    if options.reps < 1:
        raise CannotRunError(f"--reps must be at least 1, got {options.reps}")
    environments = Environments(options.python, options.environments.resolve())
    surroundings = _surroundings(options.python)
    peers, left_out = _ready(environments, wants_install=options.install)
    measurements = list(_announced(_measure(works, peers, options.reps, environments)))
    table = rows(works, peers, measurements)
    where = f"{surroundings} {_versions(environments, peers)}. Repetitions: {options.reps}."
    notes, closing = footnotes(works, peers), [*troubles(measurements), *left_out]
    page = "\n\n".join([where, markdown(table), LEGEND, "\n".join(f"* {line}" for line in (*notes, *closing))]).strip()
    print(page if options.markdown else "\n".join(["", where, "", plain(table), "", LEGEND, *notes, *closing]))
    if options.json is not None:
        _write_json(options.json, where, measurements)
    if options.write_docs:
        PAGE.write_text(insert(PAGE.read_text(encoding="utf-8"), MARKER, page), encoding="utf-8")


def _surroundings(python: str) -> str:
    try:
        return str(machine(python))
    except (OSError, subprocess.CalledProcessError):
        raise CannotRunError(f"--python: {python} does not run, or cannot import trio") from None


def _ready(environments: Environments, *, wants_install: bool) -> tuple[list[Peer], list[str]]:
    """The peers that can be run, and a line for each that cannot."""
    ready: list[Peer] = []
    left_out: list[str] = []
    for peer in PEERS:
        if not environments.is_ready(peer) and wants_install:
            print(f"installing {peer.requirement} into {environments.folder / peer.distribution}", file=sys.stderr)
            try:
                environments.install(peer)
            except CannotRunError as error:
                left_out.append(f"Left out: {peer.name}: {error}")
                continue
        if environments.is_ready(peer):
            ready.append(peer)
        else:
            left_out.append(f"Left out: {peer.requirement} is not in {environments.folder}; --install puts it there")
    return ready, left_out


def _versions(environments: Environments, peers: Sequence[Peer]) -> str:
    return ", ".join(dict.fromkeys(described(peer, environments.versions(peer)) for peer in peers))


def _measure(
    works: Sequence[Work], peers: Sequence[Peer], repetitions: int, environments: Environments
) -> Iterator[Measurement]:
    """Each work on each peer, again and again; the peers change places, so that a drift favours none."""
    core = Cores.alone().server
    for repetition in range(repetitions):
        for work in works:
            for peer in peers if repetition % 2 == 0 else list(reversed(peers)):
                if (peer, work.name) in CANNOT:
                    continue
                command = [environments.interpreter(peer), "-m", *peer.program, work.name]
                try:
                    sample, noise = run_sample(command, core, server=None)
                except RunFailedError as error:
                    yield Measurement(work, peer, repetition, {}, Noise(0, 0), str(error))
                else:
                    yield Measurement(work, peer, repetition, dict(sample), noise)


def _announced(measurements: Iterator[Measurement]) -> Iterator[Measurement]:
    start = time.monotonic()
    for run in measurements:
        said = "failed" if run.failure else f"{run.noise.others:.2f} cores busy for others"
        print(
            f"{time.monotonic() - start:5.0f} s  {run.repetition + 1}  {run.work.name:9} {run.peer.name:15} {said}",
            file=sys.stderr,
            flush=True,
        )
        yield run


def _write_json(path: Path, where: str, measurements: Sequence[Measurement]) -> None:
    runs: list[dict[str, Any]] = [
        {
            "work": run.work.name,
            "peer": run.peer.name,
            "repetition": run.repetition,
            "sample": run.sample,
            "others": run.noise.others,
            "stolen": run.noise.stolen,
            "failure": run.failure,
        }
        for run in measurements
    ]
    path.write_text(json.dumps({"machine": where, "measurements": runs}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
