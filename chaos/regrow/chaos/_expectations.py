"""What a run must show, as a table, and how a run that does not is called."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

from ._figures import Figures
from ._statistics import Proportion


class Outcome(IntEnum):
    """How an experiment ended; the value is the command's exit status."""

    HELD = 0
    DEVIATED = 1
    """An expectation did not hold."""
    BROKEN = 2
    """An invariant of the gateway did not hold: more than slow, it was wrong."""
    NOT_STEADY = 3
    """The system was unwell before the fault."""
    ABORTED = 4
    """The run did not reach its end."""
    UNSUPPORTED = 5
    """This machine cannot run the experiment."""
    INCONCLUSIVE = 6
    """The run proves nothing: the fault did not act, or the load was not what it claims."""


PRECEDENCE = (Outcome.NOT_STEADY, Outcome.INCONCLUSIVE, Outcome.BROKEN, Outcome.DEVIATED)
"""Which breach names the outcome when there are several: a run that proves nothing proves no fault either."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing that must hold of the figures."""

    text: str
    breach: Outcome
    """What a run is called that breaks it."""
    holds: Callable[[Figures], bool]
    seen: Callable[[Figures], str]
    """The figures that decide, in words."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One expectation, decided."""

    text: str
    breach: Outcome
    held: bool
    seen: str


def _of(proportion: Proportion) -> str:
    return f"{proportion.count} of {proportion.n}"


EXPECTATIONS = (
    Expectation(
        "every ping of the baseline is answered in time",
        Outcome.NOT_STEADY,
        lambda figures: figures.failures_before.count == 0,
        lambda figures: f"{_of(figures.failures_before)} failed",
    ),
    Expectation(
        "the fault is seen to act on every connection selected",
        Outcome.INCONCLUSIVE,
        lambda figures: figures.harmed == figures.selected > 0,
        lambda figures: f"{figures.harmed} of {figures.selected} crashed",
    ),
    Expectation(
        "the load keeps 99 % of its schedule",
        Outcome.INCONCLUSIVE,
        lambda figures: figures.slips.count * 100 <= figures.slips.n > 0,
        lambda figures: f"{_of(figures.slips)} sent late",
    ),
    Expectation(
        "bystanders are watched before the fault and after it",
        Outcome.INCONCLUSIVE,
        lambda figures: min(figures.latency_before.n, figures.bystander_failures.n, figures.lost.n) > 0,
        lambda figures: (
            f"{figures.latency_before.n} pings before, {figures.bystander_failures.n} after, "
            f"{figures.lost.n} deliveries due"
        ),
    ),
    Expectation(
        "every victim recovers",
        Outcome.DEVIATED,
        lambda figures: figures.system.k == figures.system.n,
        lambda figures: f"{figures.system.k} of {figures.system.n}",
    ),
    Expectation(
        "no connection is dropped",
        Outcome.DEVIATED,
        lambda figures: figures.dropped.count == 0,
        lambda figures: _of(figures.dropped),
    ),
    Expectation(
        "no ping of a bystander fails",
        Outcome.DEVIATED,
        lambda figures: figures.bystander_failures.count == 0,
        lambda figures: _of(figures.bystander_failures),
    ),
    Expectation(
        "no message between bystanders is lost",
        Outcome.BROKEN,
        lambda figures: figures.lost.count == 0,
        lambda figures: f"{_of(figures.lost)} deliveries",
    ),
    Expectation(
        "no message between bystanders comes twice",
        Outcome.BROKEN,
        lambda figures: figures.duplicated == 0,
        lambda figures: f"{figures.duplicated} duplicates",
    ),
)


def judge(figures: Figures) -> tuple[Verdict, ...]:
    """Decide every expectation."""
    return tuple(
        Verdict(expected.text, expected.breach, expected.holds(figures), expected.seen(figures))
        for expected in EXPECTATIONS
    )


def outcome_of(verdicts: Iterable[Verdict]) -> Outcome:
    """Name the run: held, or the breach that takes precedence."""
    breaches = {verdict.breach for verdict in verdicts if not verdict.held}
    return next((breach for breach in PRECEDENCE if breach in breaches), Outcome.HELD)
