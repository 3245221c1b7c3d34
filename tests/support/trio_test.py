"""Run an async test under trio with a mock clock: virtual time jumps ahead when every task waits."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, ParamSpec

import trio
from trio.testing import MockClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

P = ParamSpec("P")


def trio_test(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Make a test of an async function; pytest still sees its fixtures and parameters."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        trio.run(functools.partial(test, *args, **kwargs), clock=MockClock(autojump_threshold=0))

    return run
