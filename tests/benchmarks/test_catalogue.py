from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.benchmarks.catalogue import BENCHMARKS, Load, Program, chosen
from tests.benchmarks.measurements import Subject
from tests.benchmarks.runner import Tools


def names(*wanted: str) -> list[str]:
    return [benchmark.name for benchmark in chosen(wanted)]


def test_chosen_takes_beginnings_of_names() -> None:
    assert names("echo", "calls") == ["echo-32", "echo-1k", "calls"]
    assert names() == [benchmark.name for benchmark in BENCHMARKS]


def test_chosen_refuses_a_name_that_fits_nothing() -> None:
    with pytest.raises(ValueError, match="there are echo-32, echo-1k, flood"):
        chosen(("latency",))


def test_names_are_unique() -> None:
    assert len(set(names())) == len(BENCHMARKS)


def test_who_is_measured_depends_on_the_tools() -> None:
    bare = Tools("python", None, None)
    loaded = Tools("python", "wsload", None)
    full = Tools("python", "wsload", "cref")
    expected: list[tuple[Subject, ...]]
    for benchmark in BENCHMARKS:
        match benchmark.run:
            case Program():
                expected = [(Subject.OURS,)] * 3
            case Load(reference=None):
                expected = [(), (Subject.OURS,), (Subject.OURS,)]
            case Load():
                expected = [(), (Subject.OURS,), (Subject.OURS, Subject.REFERENCE)]
        assert [tools.subjects(benchmark) for tools in (bare, loaded, full)] == expected


def test_every_program_is_a_module_that_can_be_run() -> None:
    for benchmark in BENCHMARKS:
        if isinstance(benchmark.run, Program):
            assert find_spec(benchmark.run.module) is not None, benchmark.name
