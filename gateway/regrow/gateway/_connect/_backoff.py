"""How long to wait before the next attempt: longer each time, and never as long as all the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["delays"]

FIRST: Final = 0.2
"""Seconds."""
LONGEST: Final = 10.0
"""Seconds."""


def delays(uniform: Callable[[float, float], float]) -> Iterator[float]:
    """Seconds to wait before each attempt, without end: doubling up to `LONGEST`, each cut by up to a half at random.

    Clients that lost the same server must not come back at the same moment: Phoenix' own do.
    """
    longest = FIRST
    while True:
        yield uniform(longest / 2, longest)
        longest = min(longest * 2, LONGEST)
