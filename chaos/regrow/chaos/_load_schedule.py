"""When each client is to send what: decided beforehand, from the seed, whatever the gateway does.

This is what makes the load open-loop. A closed loop waits for answers, so a stalled gateway slows its own
examiner.
"""

import itertools
import random
from collections.abc import Iterator
from enum import Enum, auto
from heapq import merge
from typing import NamedTuple

from ._load_protocol import Plan

PROBE_INTERVAL = 0.005
"""Seconds between a victim's first and second probe."""
PROBE_RESOLUTION = 0.25
"""Later probes wait this share of the time the victim has been silent."""


class Act(Enum):
    """What a client can be scheduled to do."""

    PING = auto()
    BROADCAST = auto()


class Turn(NamedTuple):
    """One client's turn."""

    due: float
    """Seconds after the start of the load."""
    act: Act
    client: int


def turns(plan: Plan) -> Iterator[Turn]:
    """Yield the endless schedule of `plan` in order of time.

    Pings and broadcasts are two Poisson streams of the plan's rates. Within a stream every client has its
    turn before one has a second, in an order drawn from the seed. The same plan gives the same schedule.
    """
    return merge(
        _stream(plan, Act.PING, plan.rate, random.Random(f"{plan.seed} ping")),  # noqa: S311
        _stream(plan, Act.BROADCAST, plan.broadcast_rate, random.Random(f"{plan.seed} broadcast")),  # noqa: S311
        key=lambda turn: turn.due,
    )


def _stream(plan: Plan, act: Act, rate: float, chance: random.Random) -> Iterator[Turn]:
    order = chance.sample(range(plan.connections), plan.connections)
    due = 0.0
    for client in itertools.cycle(order):
        due += chance.expovariate(rate)
        yield Turn(due, act, client)


def probe_pause(silence: float) -> float:
    """Return how long to wait before probing a victim again that has been silent for `silence` seconds.

    300 victims probed each 5 ms for a second would be 60,000 requests: the probes, not the fault, would be
    measured. So the pause grows with the silence, and a recovery is overstated by at most 5 ms or a quarter.
    """
    return max(PROBE_INTERVAL, silence * PROBE_RESOLUTION)
