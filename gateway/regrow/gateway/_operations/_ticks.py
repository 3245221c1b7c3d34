"""How long ticks take, and how late the event loop is."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final, NoReturn, final

import trio

if TYPE_CHECKING:
    from regrow.actors import Port

    from ._histogram import Histogram

__all__ = ["LAG_EVERY", "TimedPort", "watch_lag"]

LAG_EVERY: Final = 1.0
"""Seconds between two measurements of the event loop."""


@final
class TimedPort:
    """A `regrow.actors.Port` that is another one, and notes how long each tick takes.

    From the beginning of its poll to the end of its flush: reading, running processes, writing. What other ports of
    the node do before and after is not in it. Two clock readings a tick.
    """

    __slots__ = ("_began", "_flush", "_observe", "_poll", "wait")

    def __init__(self, port: Port, ticks: Histogram) -> None:
        self.wait = port.wait
        self._poll = port.poll
        self._flush = port.flush
        self._observe = ticks.observe
        self._began = perf_counter()

    def poll(self) -> bool:
        """Poll the port; the tick begins."""
        self._began = perf_counter()
        return self._poll()

    def flush(self) -> None:
        """Flush the port; the tick is over."""
        self._flush()
        self._observe(perf_counter() - self._began)


async def watch_lag(lag: Histogram) -> NoReturn:
    """Sleep again and again, and note how much later than asked the event loop woke us. Until cancelled."""
    while True:
        due = trio.current_time() + LAG_EVERY
        await trio.sleep_until(due)
        lag.observe(trio.current_time() - due)
