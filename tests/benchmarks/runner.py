"""Running benchmarks: every measurement has a server of its own, ours and the reference's taking turns."""

# ruff: noqa: S603
# It runs what its user names.

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from tests.benchmarks.catalogue import Benchmark, Load, Program, Sample, Server
from tests.benchmarks.cores import Cores, pinned
from tests.benchmarks.errors import RunFailedError
from tests.benchmarks.measurements import Measurement, Noise, Subject, parse_sample
from tests.benchmarks.noise import noise, read_clock
from tests.benchmarks.server import CHECKOUT, free_port, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TIMEOUT: Final = 150.0
"""Seconds a run may take."""
_SOURCES: Final = "8"
"""Addresses the generator connects from, so that 10,000 connections do not run out of ports."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the benchmarks are run with."""

    python: str
    """The interpreter that runs our side."""
    wsload: str | None
    """The load generator."""
    cref: str | None
    """The reference server."""

    def subjects(self, benchmark: Benchmark) -> tuple[Subject, ...]:
        """Who can be measured: nobody, we, or both."""
        match benchmark.run:
            case Program():
                return (Subject.OURS,)
            case Load() if self.wsload is None:
                return ()
            case Load(reference=reference) if reference is not None and self.cref is not None:
                return (Subject.OURS, Subject.REFERENCE)
            case Load():
                return (Subject.OURS,)


def measure(benchmarks: Sequence[Benchmark], repetitions: int, tools: Tools, cores: Cores) -> Iterator[Measurement]:
    """Run each benchmark on each of its subjects, again and again.

    The subjects change places from one repetition to the next, so that a drift of the machine favours neither.
    """
    for repetition in range(repetitions):
        for benchmark in benchmarks:
            subjects = tools.subjects(benchmark)
            for subject in subjects if repetition % 2 == 0 else reversed(subjects):
                yield _measure(benchmark, subject, repetition, tools, cores)


def _measure(benchmark: Benchmark, subject: Subject, repetition: int, tools: Tools, cores: Cores) -> Measurement:
    try:
        match benchmark.run:
            case Program(module, arguments):
                sample, heard = run_sample([tools.python, "-m", module, *arguments], cores.server, server=None)
            case Load(served, flags, reference):
                if subject is Subject.REFERENCE:
                    assert reference is not None
                    flags = reference
                sample, heard = _load(served, flags, subject, tools, cores)
    except RunFailedError as error:
        return Measurement(benchmark.name, subject, repetition, {}, Noise(0, 0), str(error))
    return Measurement(benchmark.name, subject, repetition, sample, heard)


def _load(served: Server, flags: Sequence[str], subject: Subject, tools: Tools, cores: Cores) -> tuple[Sample, Noise]:
    assert tools.wsload is not None
    port = free_port()
    with serving(_server(served, subject, tools, port), port, cores.server) as pid:
        target = ("--port", str(port), "--src", _SOURCES, "--server-pid", str(pid))
        return run_sample([tools.wsload, *flags, *target], cores.generator, server=pid)


def _server(served: Server, subject: Subject, tools: Tools, port: int) -> list[str]:
    if subject is Subject.REFERENCE:
        assert tools.cref is not None
        return [tools.cref, str(port)]
    return [tools.python, *served.arguments, str(port)]


def run_sample(command: Sequence[str], core: int, *, server: int | None) -> tuple[Sample, Noise]:
    """Run a command that prints a sample, on a core; killed if it takes too long or the harness is stopped.

    Raises:
        RunFailedError: it took too long, or printed no sample.
    """
    before = read_clock(server)
    try:
        with pinned(core):
            done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=_TIMEOUT)
    except subprocess.TimeoutExpired:
        raise RunFailedError(f"{command[0]} did not finish within {_TIMEOUT:g} s") from None
    after = read_clock(server)
    try:
        return parse_sample(done.stdout), noise(before, after)
    except msgspec.DecodeError:
        said = (done.stdout + done.stderr)[-500:].strip()
        raise RunFailedError(f"{command[0]} exited with {done.returncode} and said: {said}") from None
