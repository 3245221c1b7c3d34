"""Links, monitors, exit signals and names behave as on the BEAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .agreement import agree
from .signal_scenarios import signal_scenarios
from .signals import normalise, play

if TYPE_CHECKING:
    from .oracle import Oracle


def test_signals_do_what_they_do_on_the_beam(oracle: Oracle) -> None:
    agree(oracle, "signals", signal_scenarios(), play, normalise)
