"""Supervision trees behave as on the BEAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .agreement import agree
from .tree_scenarios import tree_scenarios
from .trees import normalise, play

if TYPE_CHECKING:
    from .oracle import Oracle


def test_supervision_trees_do_what_they_do_on_the_beam(oracle: Oracle) -> None:
    agree(oracle, "trees", tree_scenarios(), play, normalise)
