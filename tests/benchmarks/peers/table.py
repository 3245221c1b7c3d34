"""The table of the peers: measurements in, lines of text or Markdown out. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.benchmarks.figures import figure, number
from tests.benchmarks.peers.catalogue import CANNOT, NOTES, OURS
from tests.benchmarks.peers.work import ACTORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.measurements import Noise
    from tests.benchmarks.peers.catalogue import Peer, Quantity, Work
    from tests.benchmarks.peers.work import Sample

CANNOT_DO: Final = "cannot"
FAILED: Final = "failed"
NOT_SEEN: Final = "not seen"
"""It was run, and what is measured never happened."""

LEGEND: Final = (
    "Cells are medians of the repetitions. In parentheses, how many times the figure of Regrow's inline processes it "
    "is, and how many times that of its tasks. *cannot*: the library has no means for it; *failed*: it was tried; "
    "*not seen*: it did not happen in time."
)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of one work on one peer."""

    work: Work
    peer: Peer
    repetition: int
    sample: Sample
    """Empty if the run failed."""
    noise: Noise
    failure: str | None = None


def rows(works: Sequence[Work], peers: Sequence[Peer], measurements: Sequence[Measurement]) -> list[tuple[str, ...]]:
    """A header, and a row for each quantity of each work, the work named once."""
    table: list[tuple[str, ...]] = [("work", "figure", *(peer.name for peer in peers))]
    marks = _marks(works, peers)
    for work in works:
        for index, quantity in enumerate(work.quantities):
            cells = [_cell(work, quantity, peer, measurements) for peer in peers]
            if index == 0:
                cells = [
                    f"{cell} [{marks[peer, work.name]}]" if (peer, work.name) in marks else cell
                    for cell, peer in zip(cells, peers, strict=True)
                ]
            table.append((work.text if index == 0 else "", quantity.label, *cells))
    return table


def footnotes(works: Sequence[Work], peers: Sequence[Peer]) -> list[str]:
    """Why a peer cannot do a work, or how it does it; in the order of their marks."""
    return [f"[{mark}] {peer.name}: {_remark(peer, work)}" for (peer, work), mark in _marks(works, peers).items()]


def troubles(measurements: Sequence[Measurement]) -> list[str]:
    """What went wrong, a sentence each."""
    return [
        f"Trouble: {run.work.name}, {run.peer.name}, repetition {run.repetition + 1}: {run.failure}"
        for run in measurements
        if run.failure is not None
    ]


def plain(table: Sequence[Sequence[str]]) -> str:
    """Columns under their headers."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
    )


def markdown(table: Sequence[Sequence[str]]) -> str:
    """The same as Markdown."""
    header, *rest = table
    ruled = [header, ["---", "---", *("--:" for _ in header[2:])], *rest]
    return "\n".join(f"| {' | '.join(row)} |" for row in ruled)


def _marks(works: Sequence[Work], peers: Sequence[Peer]) -> dict[tuple[Peer, str], int]:
    noted = [(peer, work.name) for work in works for peer in peers if _remark(peer, work.name) is not None]
    return {key: mark for mark, key in enumerate(noted, 1)}


def _remark(peer: Peer, work: str) -> str | None:
    return CANNOT.get((peer, work)) or NOTES.get((peer, work))


def _cell(work: Work, quantity: Quantity, peer: Peer, measurements: Sequence[Measurement]) -> str:
    if (peer, work.name) in CANNOT:
        return CANNOT_DO
    runs = [run for run in measurements if run.work is work and run.peer is peer]
    if any(run.failure is not None for run in runs) or not runs:
        return FAILED
    median = _median(quantity, runs)
    if median is None:
        return NOT_SEEN
    text = number(median)
    if peer not in OURS and quantity.is_cost:
        text += _ratios(work, quantity, median, measurements)
    return text + _fewer(runs)


def _ratios(work: Work, quantity: Quantity, median: float, measurements: Sequence[Measurement]) -> str:
    """How many times our figures it is, if ours were measured."""
    times: list[str] = []
    for ours in OURS:
        runs = [run for run in measurements if run.work is work and run.peer is ours]
        theirs = _median(quantity, runs)
        times.append("?" if not theirs else f"{number(median / theirs)}x")
    return f" ({', '.join(times)})"


def _median(quantity: Quantity, runs: Sequence[Measurement]) -> float | None:
    """None if some repetition has no such figure."""
    if not runs or any(quantity.field not in run.sample for run in runs):
        return None
    return quantity.scale * figure([run.sample[quantity.field] for run in runs]).median


def _fewer(runs: Sequence[Measurement]) -> str:
    """Says so if the system allowed fewer actors than the work asks for."""
    fewest = min(run.sample.get("actors", ACTORS) for run in runs)
    return "" if fewest >= ACTORS else f" for {fewest:,.0f} actors"
