"""Whom the death of a child takes along, and in which order the others stop and start: pure functions."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, TypeVar, assert_never

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Strategy", "start_order", "stop_order"]

C = TypeVar("C")


class Strategy(enum.StrEnum):
    """Who is restarted when one child is."""

    ONE_FOR_ONE = "one_for_one"
    """That child."""
    ONE_FOR_ALL = "one_for_all"
    """Every child."""
    REST_FOR_ONE = "rest_for_one"
    """That child and those started after it."""


def start_order(strategy: Strategy, children: Sequence[C], dead: C) -> Sequence[C]:
    """Those that start when ``dead`` is restarted, in order; ``children`` are in start order."""
    match strategy:
        case Strategy.ONE_FOR_ONE:
            return (dead,)
        case Strategy.ONE_FOR_ALL:
            return children
        case Strategy.REST_FOR_ONE:
            return children[children.index(dead) :]
        case _:
            assert_never(strategy)


def stop_order(strategy: Strategy, children: Sequence[C], dead: C) -> Sequence[C]:
    """Those that fall with ``dead``, in the order in which they stop: last started, first stopped (rule U-20)."""
    return [child for child in reversed(start_order(strategy, children, dead)) if child != dead]
