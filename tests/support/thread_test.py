"""Run an async test under trio with the real clock, for what happens in threads: a mock clock does not see those.

Nothing here is timed: tests wait for what is to happen, and only a failing test runs out of patience.
"""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, ParamSpec

import trio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["PATIENCE", "Gate", "thread_test"]

P = ParamSpec("P")

PATIENCE = 20.0
"""Real seconds for anything that is waited for."""


def thread_test(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Make a test of an async function; pytest still sees its fixtures and parameters."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def patiently() -> None:
            with trio.fail_after(PATIENCE):
                await test(*args, **kwargs)

        trio.run(patiently)

    return run


class Gate:
    """A place where a thread blocks until it is let through."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._opened = threading.Event()

    def block(self) -> None:
        """Block the calling thread until `open`."""
        self._reached.set()
        assert self._opened.wait(PATIENCE)

    async def reached(self) -> None:
        """Wait until a thread blocks here."""
        assert await trio.to_thread.run_sync(self._reached.wait, PATIENCE)

    def open(self) -> None:
        """Let every thread through."""
        self._opened.set()
