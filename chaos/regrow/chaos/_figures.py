"""From what a run left behind to the figures it is judged by. Times are in seconds."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ._load_protocol import Kind, LoadResult, Request, room_of
from ._run import ROOM_SIZE, Run
from ._stamps import SystemRecovery, Victim, first_inject
from ._statistics import Proportion, Spread

SLIP = 0.05
"""A message the generator sent this late has missed its schedule."""
SHORTEST_FAULT_WINDOW = 1.0
"""A fast recovery leaves too few requests for a p99, so bystanders are watched at least this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything that is said about one run."""

    selected: int
    """Connections that were to be crashed."""
    harmed: int
    """Of these, those whose crash was seen to take effect."""

    detection: Spread
    restart: Spread
    warm_up: Spread
    recovery: Spread
    """Per victim, from its own fault to its own first service."""
    system: SystemRecovery
    """From the first fault until the last victim was served: the headline."""
    restarted: Spread
    """From the first fault until each victim's new process stood: the gateway's own recovery."""
    floor: Spread
    """The same probes without a fault, from the first until each was answered. No recovery reads lower."""

    dropped: Proportion
    """Of all connections, those the gateway closed."""
    close_codes: dict[int, int]
    channel_events: dict[str, int]
    """``phx_error`` and ``phx_close`` seen by any client."""
    victim_failures: Proportion
    """Of the victims' scheduled pings exposed to the fault, those that failed: the price of the crash."""
    victim_lost: Proportion
    """Of the deliveries due from bystanders to victims of their room, those that never came."""

    lost: Proportion
    """Of the deliveries due from bystanders to bystanders of their room, those that never came."""
    duplicated: int
    """Deliveries, among the same, beyond the first."""
    bystander_failures: Proportion
    """Of the bystanders' pings exposed to the fault, those that failed."""
    latency_before: Spread
    """Of the bystanders' pings in the baseline."""
    latency_during: Spread
    """Of those from the first fault until the last recovery, and for a second at least."""
    failures_before: Proportion
    """Of all pings in the baseline, those that failed: the steady state."""
    slips: Proportion
    """Of all that was scheduled, what the generator sent more than 50 ms late."""


def measure(run: Run) -> Figures:
    """Work out the figures of `run`."""
    victims = run.victims
    selected = set(run.selected)
    began = first_inject(victims)
    # A ping still within its deadline when the fault strikes is already exposed to it.
    exposed = began - run.settings.deadline
    system = SystemRecovery.of(victims)
    until = began + max(system.seconds, SHORTEST_FAULT_WINDOW)
    pings = [request for request in run.load.requests if request.kind is Kind.PING]
    before = [ping for ping in pings if began - run.settings.baseline <= ping.intended < exposed]
    since = [ping for ping in pings if ping.intended >= exposed]
    bystanders_since = [ping for ping in since if ping.client not in selected]
    bystanders = [client for client in range(run.settings.connections) if client not in selected]
    deliveries = _deliveries(run, bystanders)
    return Figures(
        selected=len(run.selected),
        harmed=sum(victim.effect is not None or victim.detected is not None for victim in victims),
        detection=Spread.of(victim.detection for victim in victims),
        restart=Spread.of(victim.restart for victim in victims),
        warm_up=Spread.of(victim.warm_up for victim in victims),
        recovery=Spread.of(victim.recovery for victim in victims),
        system=system,
        restarted=Spread.of(_since(began, victim) for victim in victims),
        floor=_floor(run, began),
        dropped=Proportion(len({drop.client for drop in run.load.drops}), run.settings.connections),
        close_codes=dict(Counter(drop.code for drop in run.load.drops)),
        channel_events=dict(Counter(event.event for event in run.load.channel_events)),
        victim_failures=_failures((ping for ping in since if ping.client in selected), run),
        victim_lost=_lost(_deliveries(run, run.selected)),
        lost=_lost(deliveries),
        duplicated=sum(count - 1 for count in deliveries if count > 1),
        bystander_failures=_failures(bystanders_since, run),
        latency_before=_latency(ping for ping in before if ping.client not in selected),
        latency_during=_latency(ping for ping in bystanders_since if began <= ping.intended <= until),
        failures_before=_failures(before, run),
        slips=_slips(run.load),
    )


def _since(began: float, victim: Victim) -> float | None:
    return None if victim.restarted is None else victim.restarted - began


def _floor(run: Run, began: float) -> Spread:
    """Summarise the rehearsal: the probes that were due before the fault."""
    rehearsal = [request for request in run.load.requests if request.kind is Kind.PROBE and request.intended < began]
    start = min((probe.intended for probe in rehearsal), default=began)
    answered: dict[int, float] = {}
    for probe in rehearsal:
        if probe.replied is not None:
            answered[probe.client] = min(probe.replied - start, answered.get(probe.client, math.inf))
    return Spread.of(answered.get(client) for client in run.selected)


def _deliveries(run: Run, recipients: Iterable[int]) -> list[int]:
    """Return how often each delivery that was due from a bystander to one of `recipients` came.

    Only clients that were never dropped count, for they were members of their room throughout. Whether a
    sender hears itself is the gateway's choice, and is not counted.
    """
    dropped = {drop.client for drop in run.load.drops}
    bystanders = set(range(run.settings.connections)) - dropped - set(run.selected)
    members: defaultdict[int, list[int]] = defaultdict(list)
    for client in recipients:
        if client not in dropped:
            members[room_of(client, ROOM_SIZE)].append(client)
    seen = Counter((came.recipient, came.sender, came.sequence) for came in run.load.deliveries)
    return [
        seen[recipient, sent.sender, sent.sequence]
        for sent in run.load.broadcasts
        if sent.sender in bystanders
        for recipient in members[room_of(sent.sender, ROOM_SIZE)]
        if recipient != sent.sender
    ]


def _lost(deliveries: list[int]) -> Proportion:
    return Proportion(deliveries.count(0), len(deliveries))


def _failures(pings: Iterable[Request], run: Run) -> Proportion:
    failed = [ping.failed(run.settings.deadline) for ping in pings]
    return Proportion(sum(failed), len(failed))


def _latency(pings: Iterable[Request]) -> Spread:
    return Spread.of(None if math.isinf(ping.latency) else ping.latency for ping in pings)


def _slips(load: LoadResult) -> Proportion:
    late = [ping.sent - ping.intended > SLIP for ping in load.requests if ping.kind is Kind.PING]
    late += [sent.sent - sent.intended > SLIP for sent in load.broadcasts]
    return Proportion(sum(late), len(late))
