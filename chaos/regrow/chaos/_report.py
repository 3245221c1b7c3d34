"""A run on the terminal, for people: the headline, what it cost, and who was slowest."""

import math
from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ._expectations import Outcome, Verdict, outcome_of
from ._figures import Figures
from ._run import Run
from ._stamps import Victim, first_inject
from ._statistics import Proportion

FIRST = 3
WORST = 5
"""How many victims are shown in order of client, and how many in order of slowness."""


def report(run: Run, figures: Figures, verdicts: Iterable[Verdict]) -> RenderableType:
    """Lay `run` out for a terminal. Everything it leaves out is in the JSON document."""
    verdicts = tuple(verdicts)
    settings = run.settings
    heading = (
        f"{run.experiment}: {figures.harmed} of {settings.connections} connections crashed, "
        f"{settings.rate:g} pings/s, seed {settings.seed}"
    )
    return Group(
        Text(heading, style="bold"),
        _recovery(figures),
        _cost(figures),
        _bystanders(figures),
        _victims(run.victims),
        _expectations(verdicts),
        _conclusion(outcome_of(verdicts)),
    )


def _recovery(figures: Figures) -> Table:
    table = _table("Recovery", "", "p50", "p95", "max", "k of n")
    for name, spread in (
        ("detection", figures.detection),
        ("restart", figures.restart),
        ("warm-up", figures.warm_up),
        ("recovery", figures.recovery),
        ("restarted, from the first fault", figures.restarted),
    ):
        table.add_row(name, _ms(spread.p50), _ms(spread.p95), _ms(spread.max), f"{spread.k} of {spread.n}")
    system, floor = figures.system, figures.floor
    table.add_row("system recovery", "", "", _ms(system.seconds), f"{system.k} of {system.n}", style="bold")
    table.add_row(
        "floor: the probes alone",
        _ms(floor.p50),
        _ms(floor.p95),
        _ms(floor.max),
        f"{floor.k} of {floor.n}",
        style="dim",
    )
    return table


def _cost(figures: Figures) -> Table:
    table = _table("Cost", "", "seen", "95 % interval")
    for name, proportion in (
        ("connections dropped", figures.dropped),
        ("victims' pings failed", figures.victim_failures),
        ("messages lost on their way to victims", figures.victim_lost),
        ("bystanders' pings failed", figures.bystander_failures),
        ("messages lost between bystanders", figures.lost),
        ("scheduled messages sent late", figures.slips),
    ):
        table.add_row(name, f"{proportion.count} of {proportion.n}", _interval(proportion))
    table.add_row("messages doubled between bystanders", str(figures.duplicated), "")
    for event, count in sorted(figures.channel_events.items()):
        table.add_row(f"{event} seen", str(count), "")
    for code, count in sorted(figures.close_codes.items()):
        table.add_row(f"closed with {code}", str(count), "")
    return table


def _bystanders(figures: Figures) -> Table:
    table = _table("Bystanders' latency", "", "p50", "p99", "max", "k of n")
    for name, spread in (("before the fault", figures.latency_before), ("during", figures.latency_during)):
        table.add_row(name, _ms(spread.p50), _ms(spread.p99), _ms(spread.max), f"{spread.k} of {spread.n}")
    return table


def _victims(victims: Sequence[Victim]) -> Table:
    began = first_inject(victims)
    slowest = sorted(victims, key=lambda victim: math.inf if victim.recovery is None else victim.recovery, reverse=True)
    table = _table(
        f"{len(victims)} victims, since the first fault: {FIRST} first, {WORST} worst",
        *("client", "inject", "detected", "restarted", "serving", "recovery"),
    )
    for victim in victims[:FIRST]:
        table.add_row(*_row(victim, began))
    table.add_section()
    for victim in slowest[:WORST]:
        table.add_row(*_row(victim, began))
    return table


def _row(victim: Victim, began: float) -> list[str]:
    stamps = (victim.inject, victim.detected, victim.restarted, victim.serving)
    return [
        str(victim.client),
        *(_ms(math.inf if stamp is None else stamp - began) for stamp in stamps),
        _ms(math.inf if victim.recovery is None else victim.recovery),
    ]


def _expectations(verdicts: Iterable[Verdict]) -> Table:
    table = _table("Expectations", "", "seen", "held")
    for verdict in verdicts:
        table.add_row(verdict.text, verdict.seen, "[green]yes" if verdict.held else "[red]no")
    return table


def _conclusion(outcome: Outcome) -> Text:
    style = "bold green" if outcome is Outcome.HELD else "bold red"
    return Text(f"{outcome.name.lower().replace('_', ' ')} (exit status {outcome.value})", style=style)


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if math.isfinite(seconds) else "never"


def _interval(proportion: Proportion) -> str:
    low, high = proportion.interval
    return f"≤ {high:.2%}" if proportion.count == 0 else f"{low:.2%} to {high:.2%}"
