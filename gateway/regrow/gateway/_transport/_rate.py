"""The message rate of one connection: a token bucket, as arithmetic on two numbers."""

from __future__ import annotations

__all__ = ["refill"]


def refill(allowance: float, elapsed: float, rate: float, burst: float) -> float:
    """The messages a client may send after ``elapsed`` seconds without any; ``rate`` per second, at most ``burst``."""
    return min(burst, allowance + elapsed * rate)
