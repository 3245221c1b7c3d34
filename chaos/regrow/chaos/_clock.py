"""The one clock of an experiment: CLOCK_MONOTONIC, seen through trio."""

import time

import trio


class MonotonicClock(trio.abc.Clock):
    """A trio clock whose time is ``time.monotonic()``.

    Trio's own clock adds a random offset in each run. The gateway and the load generator are two processes,
    and a recovery time subtracts a stamp of one from a stamp of the other, so both run under this clock:
    ``trio.run(main, clock=MonotonicClock())``.

    Stamps compare between processes of one host and one time namespace, never between hosts.
    """

    def start_clock(self) -> None:
        """Do nothing: the kernel's clock runs already."""

    def current_time(self) -> float:
        """Return seconds of CLOCK_MONOTONIC."""
        return time.monotonic()

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Return the seconds left until `deadline`."""
        return deadline - time.monotonic()
