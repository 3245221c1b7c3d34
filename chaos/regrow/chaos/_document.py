"""A run as JSON, for machines: every figure carries its unit in its name, and no figure hides the unobserved.

What was never observed is ``null``; ``k`` of ``n`` beside it says how much was.
"""

import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from ._environment import environment
from ._expectations import Verdict, outcome_of
from ._figures import Figures
from ._run import BROADCAST_RATE, ROOM_SIZE, Run
from ._stamps import SystemRecovery, Victim, first_inject
from ._statistics import Proportion, Spread


def document(run: Run, figures: Figures, verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """Return the whole of `run` as a value that JSON can hold."""
    verdicts = tuple(verdicts)
    settings = run.settings
    return {
        "experiment": run.experiment,
        "outcome": outcome_of(verdicts).name.lower(),
        "environment": environment(),
        "settings": {
            "connections": settings.connections,
            "room_size": ROOM_SIZE,
            "rate_per_s": settings.rate,
            "broadcast_rate_per_s": BROADCAST_RATE,
            "seed": settings.seed,
            "deadline_s": settings.deadline,
            "warm_up_s": settings.warm_up,
            "baseline_s": settings.baseline,
            "recovery_limit_s": settings.recovery_limit,
            "after_s": settings.after,
        },
        "expectations": [{**asdict(verdict), "breach": verdict.breach.name.lower()} for verdict in verdicts],
        "figures": _figures(figures),
        "victims": [_victim(victim, first_inject(run.victims)) for victim in run.victims],
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "selected": figures.selected,
        "harmed": figures.harmed,
        "system_recovery": _system(figures.system),
        "recovery": _spread(figures.recovery),
        "detection": _spread(figures.detection),
        "restart": _spread(figures.restart),
        "warm_up": _spread(figures.warm_up),
        "restarted_since_first_fault": _spread(figures.restarted),
        "measurement_floor": _spread(figures.floor),
        "connections_dropped": _proportion(figures.dropped),
        "close_codes": {str(code): count for code, count in figures.close_codes.items()},
        "channel_events": figures.channel_events,
        "victim_pings_failed": _proportion(figures.victim_failures),
        "victim_deliveries_lost": _proportion(figures.victim_lost),
        "bystander_deliveries_lost": _proportion(figures.lost),
        "bystander_deliveries_duplicated": figures.duplicated,
        "bystander_pings_failed": _proportion(figures.bystander_failures),
        "bystander_latency_before": _spread(figures.latency_before),
        "bystander_latency_during": _spread(figures.latency_during),
        "baseline_pings_failed": _proportion(figures.failures_before),
        "schedule_slips": _proportion(figures.slips),
    }


def _victim(victim: Victim, began: float) -> dict[str, Any]:
    def since(stamp: float | None) -> float | None:
        return None if stamp is None else _ms(stamp - began)

    return {
        "client": victim.client,
        "inject_ms": since(victim.inject),
        "effect_ms": since(victim.effect),
        "detected_ms": since(victim.detected),
        "restarted_ms": since(victim.restarted),
        "serving_ms": since(victim.serving),
        "recovery_ms": None if victim.recovery is None else _ms(victim.recovery),
    }


def _system(system: SystemRecovery) -> dict[str, Any]:
    return {"max_ms": _ms(system.seconds), "k": system.k, "n": system.n}


def _spread(spread: Spread) -> dict[str, Any]:
    return {
        "p50_ms": _ms(spread.p50),
        "p95_ms": _ms(spread.p95),
        "p99_ms": _ms(spread.p99),
        "max_ms": _ms(spread.max),
        "k": spread.k,
        "n": spread.n,
    }


def _proportion(proportion: Proportion) -> dict[str, Any]:
    low, high = proportion.interval
    return {"count": proportion.count, "n": proportion.n, "ci95_low_ratio": low, "ci95_high_ratio": high}


def _ms(seconds: float) -> float | None:
    return round(seconds * 1000, 3) if math.isfinite(seconds) else None
