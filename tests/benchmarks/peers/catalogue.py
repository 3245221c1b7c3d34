"""The peers, the work, and what one of them cannot do. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.benchmarks.peers.work import ACTORS, ADDRESSEES, CALLS, CRASHING, FEW, MANY, MESSAGES, PATIENCE


@dataclass(frozen=True, slots=True)
class Peer:
    """A library that the work is done on, one column of the table."""

    name: str
    distribution: str
    """What the package index calls it, which is also the name of its environment."""
    version: str | None
    """What ``--install`` installs; None for what the interpreter that runs the benchmarks has itself."""
    program: tuple[str, ...]
    """A module, and its arguments before the name of the work."""
    runs_on: str | None = None
    """The distribution below it whose version moves its figures."""

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.distribution}=={self.version}"


@dataclass(frozen=True, slots=True)
class Quantity:
    """One figure of a work."""

    label: str
    field: str
    """Its name in the sample."""
    scale: float = 1.0
    is_cost: bool = True
    """Whether it makes sense to say how many times Regrow's it is."""


@dataclass(frozen=True, slots=True)
class Work:
    """What every peer is to do."""

    name: str
    text: str
    quantities: tuple[Quantity, ...]


REGROW_INLINE: Final = Peer("regrow, inline", "regrow", None, ("tests.benchmarks.peers.on_regrow", "inline"), "trio")
REGROW_TASK: Final = Peer("regrow, tasks", "regrow", None, ("tests.benchmarks.peers.on_regrow", "task"), "trio")
TRIOTP: Final = Peer("triotp", "triotp", "0.2.1", ("tests.benchmarks.peers.on_triotp",), "trio")
OTPYLIB: Final = Peer("otpylib", "otpylib", "0.5.18", ("tests.benchmarks.peers.on_otpylib",))
PYKKA: Final = Peer("pykka", "pykka", None, ("tests.benchmarks.peers.on_pykka",))

OURS: Final = (REGROW_INLINE, REGROW_TASK)
PEERS: Final = (*OURS, TRIOTP, OTPYLIB, PYKKA)

WORKS: Final = (
    Work(
        "spawn",
        f"start {ACTORS:,} actors",
        (Quantity("µs each", "spawn_us"), Quantity("KiB of RSS each", "resident_bytes_each", 1 / 1024)),
    ),
    Work(
        "messages",
        f"{ADDRESSEES:,} actors get {MESSAGES} one-way messages in turn",
        (Quantity("µs to send and handle", "message_us"),),
    ),
    Work(
        "call",
        f"{CALLS:,} calls, one after the other",
        (Quantity("µs, median", "call_us"), Quantity("µs, p99", "call_p99_us")),
    ),
    Work(
        "crash",
        f"{CRASHING:,} children of one supervisor crash at once",
        (
            Quantity(f"are back within {PATIENCE:.0f} s", "back", is_cost=False),
            Quantity("ms until all are", "recovery_ms"),
        ),
    ),
    Work(
        "scale",
        f"start {MANY:,} children one by one, then stop them",
        (
            Quantity("µs to start one", "start_us"),
            Quantity(f"times that as one of {FEW:,}", "start_ratio", is_cost=False),
            Quantity("µs to stop one", "stop_us"),
            Quantity(f"times that as one of {FEW:,}", "stop_ratio", is_cost=False),
        ),
    ),
)

CANNOT: Final = {
    (PYKKA, "crash"): "it has no supervisors: an actor that crashes stops, and nobody is told.",
}
"""Work that a peer has no means for, and why."""

NOTES: Final = {
    (TRIOTP, "spawn"): "`nursery.start_soon(gen_server.start, ...)`, each with a name, for there is no other address. "
    "These actors are not linked; those of Regrow and otpylib are.",
    (TRIOTP, "crash"): "restarts are counted for each child, so `max_restarts` bounds no supervisor.",
    (TRIOTP, "scale"): "its dynamic supervisor cannot stop a child: a cast tells it to stop, and its `terminate` is "
    "awaited.",
    (OTPYLIB, "crash"): "under its static supervisor, which was the faster of its two at this. Each start puts all "
    "that waits in the supervisor's mailbox back into it, so the time grows faster than the number of crashes.",
    (PYKKA, "spawn"): "a `ThreadingActor` is a thread.",
    (PYKKA, "scale"): "it has no supervisors: these are actors nobody watches.",
}
"""How a peer does a work, where that is not plain from the work."""


def chosen(names: tuple[str, ...]) -> tuple[Work, ...]:
    """The works whose names begin with one of ``names``; all if there is none.

    Raises:
        ValueError: a name fits no work.
    """
    for name in names:
        if not any(work.name.startswith(name) for work in WORKS):
            raise ValueError(f"no work is called {name!r}: there are {', '.join(work.name for work in WORKS)}")
    return tuple(work for work in WORKS if not names or any(work.name.startswith(name) for name in names))
