from __future__ import annotations

import pytest

from tests.benchmarks.machine import optimisations, processor
from tests.benchmarks.measurements import Noise
from tests.benchmarks.noise import Clock, busy_seconds, noise


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("'--enable-shared' -O3", "neither PGO nor LTO"),
        ("'--enable-optimizations' '--with-lto' -O3", "PGO and LTO"),
        ("-O2 -fprofile-use -fprofile-correction", "PGO"),
    ],
)
def test_optimisations_are_read_off_the_build_flags(flags: str, said: str) -> None:
    assert optimisations(flags) == said


def test_processor_is_the_first_model() -> None:
    assert processor("processor\t: 0\nmodel name\t: Zen 9\nmodel name\t: other\n") == "Zen 9"


def test_busy_seconds_leave_out_waiting_and_stolen_time() -> None:
    ticks = 100  # Linux's on every architecture users see
    stat = f"cpu  {ticks} 0 {ticks} 777 888 0 0 {3 * ticks} 0 0\ncpu0 1 2 3\n"
    assert busy_seconds(stat) == (2.0, 3.0)


def test_noise_is_what_is_not_ours() -> None:
    before = Clock(wall=0, busy=10, stolen=0, ours=5)
    after = Clock(wall=2, busy=14, stolen=1, ours=8)
    assert noise(before, after) == Noise(others=0.5, stolen=0.5)
