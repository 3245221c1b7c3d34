from __future__ import annotations

import pytest

from tests.benchmarks.catalogue import Benchmark, Program, Quantity, Sample
from tests.benchmarks.figures import AtLeast, TimesReference, Verdict
from tests.benchmarks.measurements import Measurement, Noise, Subject
from tests.benchmarks.table import lines, markdown, misses, plain
from tests.support.pages import insert

ECHO = Benchmark(
    "echo",
    "echo, 1 connection",
    Program("unused"),
    (
        Quantity("messages/s", lambda sample: sample["rate"], TimesReference(0.7)),
        Quantity("p99 ms", lambda sample: sample["p99"]),
    ),
)
QUIET = Noise(0, 0)


def run(subject: Subject, sample: Sample, failure: str | None = None) -> Measurement:
    return Measurement("echo", subject, 0, sample, QUIET, failure)


def ours(rate: float) -> Measurement:
    return run(Subject.OURS, {"rate": rate, "p99": 2})


REFERENCE = run(Subject.REFERENCE, {"rate": 100, "p99": 1})


def test_lines_judge_medians_against_the_reference() -> None:
    rate, p99 = lines([ECHO], [ours(60), ours(80), ours(70), REFERENCE])
    assert rate.cells() == (
        "echo, 1 connection",
        "messages/s",
        "70 (60..80)",
        "100",
        "0.70",
        "≥ 0.7 x reference",
        "met",
    )
    assert p99.cells()[2:] == ("2", "1", "2.00", "", "")


def test_a_benchmark_that_was_not_run_has_no_lines() -> None:
    assert lines([ECHO], []) == []


def test_a_failed_run_is_a_miss_and_is_told() -> None:
    failed = run(Subject.OURS, {}, "the server exited with 1")
    table = lines([ECHO], [failed, ours(90), REFERENCE])
    assert table[0].verdict is Verdict.MISSED
    assert misses(table, [failed]) == [
        "Missed: echo, 1 connection: messages/s 90 !, wanted ≥ 0.7 x reference",
        "Trouble: echo, regrow, repetition 1: the server exited with 1",
    ]


def test_a_benchmark_whose_runs_all_failed_is_a_miss() -> None:
    benchmark = Benchmark("echo", "echo", Program("unused"), (Quantity("n", lambda sample: sample["n"], AtLeast(1)),))
    [line] = lines([benchmark], [run(Subject.OURS, {}, "no")])
    assert line.verdict is Verdict.MISSED
    assert str(line.ours) == "!"


def test_tables_name_the_work_once() -> None:
    table = lines([ECHO], [ours(70), REFERENCE])
    assert markdown(table).splitlines()[2:] == [
        "| echo, 1 connection | messages/s | 70 | 100 | 0.70 | ≥ 0.7 x reference | met |",
        "|  | p99 ms | 2 | 1 | 2.00 |  |  |",
    ]
    assert plain(table).count("echo, 1 connection") == 1


def test_insert_replaces_what_is_between_the_markers_of_a_name() -> None:
    page = "a\n<!-- x:begin -->\n{}\n<!-- x:end -->\nb\n<!-- y:begin -->\nother\n<!-- y:end -->\n"
    assert insert(page.format("old"), "x", "new") == page.format("new")
    with pytest.raises(ValueError, match="needs <!-- z:begin -->"):
        insert(page, "z", "new")
