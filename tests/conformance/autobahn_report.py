"""What the Autobahn test suite found: its index file → a verdict for each case → a table."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

MARKER: Final = "autobahn"

SECTIONS: Final = {
    1: "Framing",
    2: "Pings and pongs",
    3: "Reserved bits",
    4: "Opcodes",
    5: "Fragmentation",
    6: "UTF-8",
    7: "Closing",
    9: "Limits",
    10: "Auto-fragmentation",
    12: "Compression",
    13: "Compression, with options",
}


class Verdict(StrEnum):
    OK = "OK"
    NON_STRICT = "NON-STRICT"
    INFORMATIONAL = "INFORMATIONAL"
    FAILED = "FAILED"
    UNCLEAN = "UNCLEAN"

    @property
    def passes(self) -> bool:
        return self not in {Verdict.FAILED, Verdict.UNCLEAN}


_PASSING: Final = {verdict.value for verdict in Verdict if verdict.passes}
_CLEAN: Final = {"OK", "INFORMATIONAL"}


@dataclass(frozen=True, slots=True)
class Case:
    number: tuple[int, ...]
    """``(6, 4, 1)`` for case 6.4.1: sorts as people count."""

    verdict: Verdict

    def __str__(self) -> str:
        return ".".join(map(str, self.number))


class _Entry(msgspec.Struct, rename="camel"):
    """One case in wstest's ``index.json``; the keys that carry no verdict are skipped."""

    behavior: str
    behavior_close: str


_INDEX: Final = msgspec.json.Decoder(dict[str, dict[str, _Entry]])


def read_index(data: bytes, agent: str) -> list[Case]:
    """Judge every case that wstest ran against `agent`, in order.

    Raises:
        KeyError: nothing was run against this agent.
        msgspec.ValidationError: this is not an index file.
    """
    entries = _INDEX.decode(data)[agent]
    return sorted(
        (Case(tuple(map(int, number.split("."))), _judge(entry)) for number, entry in entries.items()),
        key=lambda case: case.number,
    )


def _judge(entry: _Entry) -> Verdict:
    if entry.behavior not in _PASSING:  # FAILED, but also UNIMPLEMENTED, WRONG CODE, …
        return Verdict.FAILED
    if entry.behavior_close not in _CLEAN:
        return Verdict.UNCLEAN
    return Verdict(entry.behavior)


def render(cases: Sequence[Case]) -> str:
    """Write a Markdown table, a line for each section, and below it the cases that are not OK."""
    header = ["section", *Verdict]
    lines = [_row(header), _row(["---", *("--:" for _ in Verdict)])]
    for section in sorted({case.number[0] for case in cases}):
        inside = [case for case in cases if case.number[0] == section]
        lines.append(_row([f"{section} {SECTIONS[section]}", *_counts(inside)]))
    lines.append(_row(["all", *_counts(cases)]))
    for verdict in Verdict:
        named = [str(case) for case in cases if case.verdict is verdict]
        if named and verdict is not Verdict.OK:
            lines += ["", f"{verdict}: {', '.join(named)}"]
    return "\n".join(lines)


def _counts(cases: Iterable[Case]) -> list[str]:
    counter = Counter(case.verdict for case in cases)
    return [str(counter[verdict]) for verdict in Verdict]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
