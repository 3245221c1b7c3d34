"""Run the benchmarks: ``python -m tests.benchmarks [--wsload PATH [--cref PATH]]``, or ``make bench``.

Exits with 0 once there are figures, whatever they are; with 2 if there are none.
"""

# ruff: noqa: T201
# A command line speaks through print.

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from tests.benchmarks.catalogue import Benchmark, Load, chosen
from tests.benchmarks.cores import Cores, raise_descriptor_limit, two_cores
from tests.benchmarks.errors import CannotRunError
from tests.benchmarks.machine import Machine, machine
from tests.benchmarks.runner import Tools, measure
from tests.benchmarks.server import CHECKOUT
from tests.benchmarks.table import BENCH, LEGEND, Line, lines, markdown, misses, plain
from tests.support.pages import insert

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.benchmarks.measurements import Measurement

PAGE = CHECKOUT / "docs" / "benchmarks.md"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _leave)  # as if by Ctrl-C: whatever was started is stopped
    try:
        _bench(options)
    except CannotRunError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("benchmarks: interrupted", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--wsload", default="", help="the built load generator; without it sockets are left out")
    parser.add_argument("--cref", default="", help="the built C reference server; without it there are no ratios")
    parser.add_argument("--python", default=sys.executable, help="interpreter of our side (default: this one)")
    parser.add_argument("--reps", type=int, default=3, help="repetitions (default: %(default)s)")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="benchmarks that begin so")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement there")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/benchmarks.md")
    return parser


def _leave(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _bench(options: argparse.Namespace) -> None:
    tools = Tools(
        python=options.python,
        wsload=_tool("--wsload", options.wsload),
        cref=_tool("--cref", options.cref),
    )
    try:
        benchmarks = chosen(tuple(options.only))
    except ValueError as error:
        raise CannotRunError(str(error)) from None
    if options.reps < 1:
        raise CannotRunError(f"--reps must be at least 1, got {options.reps}")
    surroundings = _machine(tools.python)
    runnable = [benchmark for benchmark in benchmarks if tools.subjects(benchmark)]
    measurements = list(_announced(runnable, options.reps, tools))
    table = lines(runnable, measurements)
    closing = [*misses(table, measurements), *_left_out(benchmarks, tools)]
    if options.json is not None:
        _write_json(options.json, surroundings, measurements)
    if options.markdown:
        print(_page(surroundings, table, closing, options.reps))
    else:
        print(f"\n{surroundings}\n\n{plain(table)}\n\n{LEGEND}", *closing, sep="\n")
    if options.write_docs:
        page = PAGE.read_text(encoding="utf-8")
        report = _page(surroundings, table, closing, options.reps)
        PAGE.write_text(insert(page, BENCH, report), encoding="utf-8")


def _tool(flag: str, path: str) -> str | None:
    """The absolute path of a tool; None if none was given."""
    if not path:
        return None
    found = shutil.which(path)
    if found is None:
        raise CannotRunError(f"{flag}: {path} is not a program that can be run: build it first")
    return str(Path(found).resolve())


def _machine(python: str) -> Machine:
    try:
        return machine(python)
    except (OSError, subprocess.CalledProcessError):
        raise CannotRunError(f"--python: {python} does not run, or cannot import trio") from None


def _announced(benchmarks: Sequence[Benchmark], repetitions: int, tools: Tools) -> Iterator[Measurement]:
    """Measure, telling about each run as it ends."""
    start = time.monotonic()
    for measurement in measure(benchmarks, repetitions, tools, _cores(benchmarks)):
        marks = "".join(sorted(measurement.marks()))
        print(
            f"{time.monotonic() - start:5.0f} s  {measurement.repetition + 1}/{repetitions}"
            f"  {measurement.benchmark:13} {measurement.subject:7} {marks}",
            file=sys.stderr,
            flush=True,
        )
        yield measurement


def _cores(benchmarks: Sequence[Benchmark]) -> Cores:
    if any(isinstance(benchmark.run, Load) for benchmark in benchmarks):
        raise_descriptor_limit()
        return two_cores()
    return Cores.alone()


def _left_out(benchmarks: Sequence[Benchmark], tools: Tools) -> list[str]:
    names = [benchmark.name for benchmark in benchmarks if not tools.subjects(benchmark)]
    said: list[str] = []
    if names:
        said.append(f"Left out, for want of a load generator (WSLOAD=path): {', '.join(names)}")
    if tools.wsload is not None and tools.cref is None:
        said.append("Left out, for want of the C reference server (CREF=path): the ratios")
    return said


def _page(surroundings: Machine, table: Sequence[Line], closing: Sequence[str], repetitions: int) -> str:
    """The report as Markdown."""
    where = f"{surroundings} Repetitions: {repetitions}."
    remarks = [f"* {remark}" for remark in closing]
    return "\n".join([where, "", markdown(table), "", LEGEND, *(["", *remarks] if remarks else [])])


def _write_json(path: Path, surroundings: Machine, measurements: Sequence[Measurement]) -> None:
    report = {"machine": asdict(surroundings), "measurements": [asdict(each) for each in measurements]}
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
