from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.benchmarks.peers.__main__ import _ready, main
from tests.benchmarks.peers.catalogue import OURS, PYKKA
from tests.benchmarks.peers.environments import Environments


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "echo"], "no work is called 'echo'"),
        (["--reps", "0"], "--reps must be at least 1, got 0"),
        (["--python", "/nonexistent/python"], "/nonexistent/python does not run"),
    ],
)
def test_what_cannot_be_run_is_refused_with_the_reason(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


def test_peers_that_are_not_installed_are_left_out_with_a_line_each() -> None:
    ready, left_out = _ready(Environments(sys.executable, Path("/nonexistent")), wants_install=False)
    assert ready == [*OURS, PYKKA]
    assert left_out == [
        "Left out: triotp==0.2.1 is not in /nonexistent; --install puts it there",
        "Left out: otpylib==0.5.18 is not in /nonexistent; --install puts it there",
    ]
