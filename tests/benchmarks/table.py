"""The table: measurements in, lines of text or Markdown out. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.benchmarks.figures import Figure, Verdict, figure, judge, ratio
from tests.benchmarks.measurements import Mark, Measurement, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.benchmarks.catalogue import Benchmark, Quantity

BENCH: Final = "bench"
"""Between whose markers the table stands in the page."""

HEADER: Final = ("work", "figure", "regrow", "C reference", "ratio", "target", "verdict")
LEGEND: Final = (
    "Cells are the median (lowest..highest) of the repetitions; ratio is that of the medians. Marks: "
    f"{Mark.GENERATOR} = the load generator was the limit, {Mark.OTHERS} = other processes took CPU, "
    f"{Mark.STOLEN} = the host took CPU, {Mark.TROUBLE} = something failed, was lost or was closed."
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One subject's side of a line."""

    figure: Figure | None
    marks: str

    def __str__(self) -> str:
        text = "" if self.figure is None else str(self.figure)
        return f"{text} {self.marks}".strip()


@dataclass(frozen=True, slots=True)
class Line:
    """One quantity of one benchmark."""

    benchmark: Benchmark
    quantity: Quantity
    ours: Cell
    reference: Cell
    verdict: Verdict

    def cells(self) -> tuple[str, ...]:
        """What stands below `HEADER`."""
        quotient = ratio(self.ours.figure, self.reference.figure)
        return (
            self.benchmark.work,
            self.quantity.label,
            str(self.ours),
            str(self.reference),
            "" if quotient is None else f"{quotient:.2f}",
            "" if self.quantity.target is None else str(self.quantity.target),
            str(self.verdict),
        )


def lines(benchmarks: Iterable[Benchmark], measurements: Sequence[Measurement]) -> list[Line]:
    """One line for each quantity of each benchmark that was run."""
    table: list[Line] = []
    for benchmark in benchmarks:
        runs = [each for each in measurements if each.benchmark == benchmark.name]
        ours = [each for each in runs if each.subject is Subject.OURS]
        reference = [each for each in runs if each.subject is Subject.REFERENCE]
        if ours:
            table += [_line(benchmark, quantity, ours, reference) for quantity in benchmark.quantities]
    return table


def _line(
    benchmark: Benchmark, quantity: Quantity, ours: Sequence[Measurement], reference: Sequence[Measurement]
) -> Line:
    left, right = _cell(quantity, ours), _cell(quantity, reference)
    sound = not any(run.troubles() for run in ours)
    return Line(benchmark, quantity, left, right, judge(quantity.target, left.figure, right.figure, sound=sound))


def _cell(quantity: Quantity, runs: Sequence[Measurement]) -> Cell:
    values = [value for run in runs if (value := _read(quantity, run)) is not None]
    marks: frozenset[Mark] = frozenset[Mark]().union(*(run.marks() for run in runs))
    return Cell(figure(values) if values else None, "".join(mark for mark in Mark if mark in marks))


def _read(quantity: Quantity, run: Measurement) -> float | None:
    try:
        return quantity.read(run.sample)
    except KeyError:  # the run failed, or nothing arrived that could be timed
        return None


def plain(table: Sequence[Line]) -> str:
    """Columns under their headers."""
    rows = [HEADER, *_without_repeats(table)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def markdown(table: Sequence[Line]) -> str:
    rows = [HEADER, ("---", "---", "--:", "--:", "--:", "---", "---"), *_without_repeats(table)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _without_repeats(table: Sequence[Line]) -> list[tuple[str, ...]]:
    """The cells, the work named once for each benchmark."""
    rows: list[tuple[str, ...]] = []
    for index, line in enumerate(table):
        cells = line.cells()
        repeats = index > 0 and table[index - 1].benchmark is line.benchmark
        rows.append(("", *cells[1:]) if repeats else cells)
    return rows


def misses(table: Sequence[Line], measurements: Sequence[Measurement]) -> list[str]:
    """What was promised and not seen, and what went wrong, a sentence each."""
    missed = [
        f"Missed: {line.benchmark.work}: {line.quantity.label} {line.ours}, wanted {line.quantity.target}"
        for line in table
        if line.verdict is Verdict.MISSED
    ]
    wrong = [
        f"Trouble: {run.benchmark}, {run.subject}, repetition {run.repetition + 1}: {', '.join(run.troubles())}"
        for run in measurements
        if run.troubles()
    ]
    return missed + wrong
