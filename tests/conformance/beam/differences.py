"""Where Regrow may differ from OTP: the whole list, with reasons.

A difference that shows in answers is rewritten in both before they are compared. One that scenarios would only stumble
over is left out of them, by the strategy that names it. ``docs/conformance.md`` shows this table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, final

__all__ = ["DIFFERENCES", "Difference", "render", "rewrite"]


@final
@dataclass(frozen=True)
class Difference:
    """One thing that Regrow does not do as the OTP that it is compared with."""

    family: str
    otp: str
    regrow: str
    why: str
    pattern: str | None = None
    """What differs in an answer, as a regular expression; None if scenarios leave it out."""
    replacement: str = ""


DIFFERENCES: Final = (
    Difference(
        "trees",
        "`count_children` of a `simple_one_for_one` supervisor says `specs` 1: the one template.",
        "`specs` is the number of children.",
        "`DynamicSupervisor` is Elixir's, where each child has a spec of its own.",
        r"(\bd\w+\{[^{}]*\})\d+,",
        r"\1*,",
    ),
    Difference(
        "trees",
        "A child of a `simple_one_for_one` supervisor whose restart returns `ignore` stays listed (up to OTP 25).",
        "It is forgotten.",
        "Nobody could start it again: it has no id. Newer OTP forgets it too.",
    ),
    Difference(
        "trees",
        "A process whose `init` fails may die of its supervisor's exit signal instead (up to OTP 25).",
        "It dies of the reason of the failure.",
        "A race in OTP: the starter is told before the process exits. OTP 26 closed it.",
    ),
    Difference(
        "servers",
        "A parent that traps exits gets an exit message of a process whose start failed (up to OTP 25).",
        "It learns of the failure from `start_link` alone.",
        "The rule of OTP 26 and newer (rule S-4).",
    ),
    Difference(
        "servers",
        "`throw(Value)` in a callback returns `Value`.",
        "There is no throw.",
        "An exception in Python is an error: it is a crash like any other.",
    ),
    Difference(
        "signals",
        "In which order a dying process tells those linked to it and those who watch it is undefined.",
        "Watchers first, then links.",
        "Nothing may depend on it; what one process hears from another is compared as a set unless it sent it itself.",
    ),
)


def rewrite(family: str, answer: str) -> str:
    """An answer without what may differ."""
    for difference in DIFFERENCES:
        if difference.family == family and difference.pattern is not None:
            answer = re.sub(difference.pattern, difference.replacement, answer)
    return answer


def render() -> str:
    """The table, in Markdown."""
    lines = ["| in | OTP | Regrow | because |", "| --- | --- | --- | --- |"]
    lines += [f"| {one.family} | {one.otp} | {one.regrow} | {one.why} |" for one in DIFFERENCES]
    return "\n".join(lines)
