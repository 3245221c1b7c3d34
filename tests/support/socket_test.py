"""Async tests over real sockets, while trio's clock stands still.

No timeout of the gateway passes unless a test lets time pass, so that a slow machine changes no outcome. A thread
with a clock of its own ends a test that hangs.
"""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, ParamSpec

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["pass_time", "skip_time", "socket_test"]

P = ParamSpec("P")

PATIENCE = 20.0
"""Real seconds for one test."""


def socket_test(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Make a test of an async function; pytest still sees its fixtures and parameters."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        trio.run(_watched, functools.partial(test, *args, **kwargs), clock=MockClock())

    return run


async def _watched(test: Callable[[], Awaitable[None]]) -> None:
    token = trio.lowlevel.current_trio_token()
    clock = trio.lowlevel.current_clock()
    assert isinstance(clock, MockClock)

    def give_up() -> None:
        scope.cancel()
        clock.autojump_threshold = 0  # what is shielded from cancellation has timeouts

    with trio.CancelScope() as scope:
        watchdog = threading.Timer(PATIENCE, lambda: token.run_sync_soon(give_up))
        watchdog.start()
        try:
            await test()
        finally:
            watchdog.cancel()
    assert not scope.cancelled_caught, f"the test hung for {PATIENCE} s"


def skip_time(seconds: float) -> None:
    """Let time pass at once; what it sets off happens while the test waits for something else."""
    clock = trio.lowlevel.current_clock()
    assert isinstance(clock, MockClock)
    clock.jump(seconds)


async def pass_time(seconds: float) -> None:
    """Let time pass at once, and what it sets off happen."""
    await wait_all_tasks_blocked()
    skip_time(seconds)
    await wait_all_tasks_blocked()
