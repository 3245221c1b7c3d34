"""Measurements: what one run said, and whether it can be trusted. Pure values."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from tests.benchmarks.catalogue import Sample


class Subject(enum.StrEnum):
    """Who was measured."""

    OURS = "regrow"
    REFERENCE = "cref"


class Mark(enum.StrEnum):
    """Why a figure is to be read with care."""

    GENERATOR = "g"
    """The load generator used its whole core: the server may be faster than the figure."""
    OTHERS = "o"
    """Other processes took CPU."""
    STOLEN = "s"
    """The machine below this one took CPU."""
    TROUBLE = "!"
    """Something failed, was lost or was closed."""


_GENERATOR_LIMIT: Final = 0.9
_OTHERS_LIMIT: Final = 0.15
_STOLEN_LIMIT: Final = 0.05

_TROUBLES: Final = {
    "failed": "connections failed",
    "closed_by_server": "connections were closed by the server",
    "bad": "replies were wrong",
    "timed_out": "runs did not finish in time",
    "stalled": "broadcasts never reached everyone",
}
"""What must be zero in a sound run of the generator."""


@dataclass(frozen=True, slots=True)
class Noise:
    """Cores that were busy for someone else while a run lasted."""

    others: float
    stolen: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of one benchmark."""

    benchmark: str
    subject: Subject
    repetition: int
    sample: Sample
    """Empty if the run failed."""
    noise: Noise
    failure: str | None = None

    def troubles(self) -> tuple[str, ...]:
        """What makes the figures of this run meaningless, in words."""
        if self.failure is not None:
            return (self.failure,)
        counts = ((self.sample.get(field, 0), text) for field, text in _TROUBLES.items())
        return tuple(f"{count:.0f} {text}" for count, text in counts if count)

    def marks(self) -> frozenset[Mark]:
        """How the figures of this run are to be read."""
        found = {
            Mark.GENERATOR: self.sample.get("client_cpu", 0) > _GENERATOR_LIMIT,
            Mark.OTHERS: self.noise.others > _OTHERS_LIMIT,
            Mark.STOLEN: self.noise.stolen > _STOLEN_LIMIT,
            Mark.TROUBLE: bool(self.troubles()),
        }
        return frozenset(mark for mark, holds in found.items() if holds)


def parse_sample(output: str) -> Sample:
    """The numbers in the JSON object that a run printed.

    Raises:
        msgspec.DecodeError: it printed something else.
    """
    fields = msgspec.json.decode(output, type=dict[str, object])
    return {name: float(value) for name, value in fields.items() if isinstance(value, int | float)}
