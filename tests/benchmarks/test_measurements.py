from __future__ import annotations

import msgspec
import pytest

from tests.benchmarks.measurements import Mark, Measurement, Noise, Subject, parse_sample

QUIET = Noise(0.0, 0.0)


def run(noise: Noise = QUIET, failure: str | None = None, **sample: float) -> Measurement:
    return Measurement("echo-32", Subject.OURS, 0, sample, noise, failure)


def test_parse_sample_keeps_the_numbers() -> None:
    assert parse_sample('{"mode":"echo","conns":100,"errors":{"connect":1},"cpu":0.5}\n') == {"conns": 100, "cpu": 0.5}


@pytest.mark.parametrize("output", ["", "not 101", "[1]", '{"conns":'])
def test_parse_sample_refuses_anything_else(output: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        parse_sample(output)


def test_a_sound_run_has_no_marks() -> None:
    quiet = run(client_cpu=0.9, failed=0, bad=0)
    assert quiet.marks() == frozenset()
    assert quiet.troubles() == ()


def test_marks_say_who_else_took_cpu() -> None:
    assert run(client_cpu=0.95).marks() == {Mark.GENERATOR}
    assert run(Noise(others=0.2, stolen=0)).marks() == {Mark.OTHERS}
    assert run(Noise(others=0, stolen=0.1)).marks() == {Mark.STOLEN}


def test_troubles_are_told_in_words() -> None:
    assert run(failed=3, timed_out=1).troubles() == ("3 connections failed", "1 runs did not finish in time")
    assert run(failed=3).marks() == {Mark.TROUBLE}
    assert run(failure="the server exited with 1").troubles() == ("the server exited with 1",)
