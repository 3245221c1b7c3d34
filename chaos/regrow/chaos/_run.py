"""One run of an experiment: how it was set, and what was seen, before anybody judges it."""

import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from ._load_protocol import LoadResult, Plan, Request
from ._stamps import FaultStamps, Victim, serving_since

ROOM_SIZE = 50
BROADCAST_RATE = 4.0
"""Room messages per second; at 50 deliveries each a fair share of what Python clients can read."""
CONNECTS_PER_SECOND = 50
"""The slowest rate of connecting that a run waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How large, how loaded and how long a run is. Times are in seconds."""

    connections: int = 1000
    rate: float = 500.0
    """Pings per second over all clients."""
    seed: int = 1
    """Fixes the victims and the schedule of the load; not the interleaving, which is the kernel's."""
    deadline: float = 1.0
    """A request not answered by then has failed."""
    warm_up: float = 1.0
    baseline: float = 5.0
    """How long the system is watched before the fault."""
    recovery_limit: float = 10.0
    """A victim not served by then has not recovered."""
    after: float = 3.0
    """How long the system is watched after the recovery."""

    def plan(self, port: int) -> Plan:
        """Return the load that these settings ask for."""
        phases = self.warm_up + self.baseline + 2 * self.recovery_limit + self.after + self.deadline
        return Plan(
            port=port,
            connections=self.connections,
            room_size=ROOM_SIZE,
            rate=self.rate,
            broadcast_rate=BROADCAST_RATE,
            deadline=self.deadline,
            lifetime=60 + self.connections / CONNECTS_PER_SECOND + phases,
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run left behind."""

    experiment: str
    settings: Settings
    selected: tuple[int, ...]
    """The clients that were to be crashed."""
    victims: tuple[Victim, ...]
    """Those that were. Invariant: a subset of `selected`, in order of client."""
    load: LoadResult


def choose_victims(connections: int, percent: int, seed: int) -> tuple[int, ...]:
    """Return `percent` of the clients, rounded half up, drawn from the seed, in ascending order."""
    count = (percent * connections + 50) // 100
    return tuple(sorted(random.Random(f"{seed} victims").sample(range(connections), count)))  # noqa: S311


def join_stamps(stamps: Mapping[int, FaultStamps], load: LoadResult) -> tuple[Victim, ...]:
    """Put the gateway's stamps and the clients' requests together: one `Victim` for each of `stamps`."""
    requests: defaultdict[int, list[Request]] = defaultdict(list)
    for request in load.requests:
        requests[request.client].append(request)
    return tuple(
        Victim(
            client=client,
            inject=seen.inject,
            effect=seen.effect,
            detected=seen.detected,
            restarted=seen.restarted,
            serving=serving_since(seen.inject, requests[client]),
        )
        for client, seen in sorted(stamps.items())
    )
