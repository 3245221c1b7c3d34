"""Four stamps per victim, and the recovery time they add up to.

All stamps are seconds of CLOCK_MONOTONIC. The first three come from inside the gateway, the last from a
client in another process: a system that believes itself well is not yet one that answers.
"""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self

from ._load_protocol import Answer, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultStamps:
    """What the gateway saw of one fault. ``None``: it did not happen before the run ended."""

    inject: float
    """Just before the fault takes effect: before the handler raises."""
    effect: float | None = None
    """The exception left the handler."""
    detected: float | None = None
    """The supervisor took the exit signal out of its mailbox."""
    restarted: float | None = None
    """The new process's ``init`` returned and it can be reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim(FaultStamps):
    """One crashed connection: the gateway's stamps and the client's."""

    client: int
    serving: float | None
    """Receipt of the first ok reply to a request sent after `inject`."""

    @property
    def detection(self) -> float | None:
        """Seconds from the fault until its supervisor knew."""
        return _between(self.inject, self.detected)

    @property
    def restart(self) -> float | None:
        """Seconds from knowing until a new process stood."""
        return _between(self.detected, self.restarted)

    @property
    def warm_up(self) -> float | None:
        """Seconds from the new process until its client was served."""
        return _between(self.restarted, self.serving)

    @property
    def recovery(self) -> float | None:
        """Seconds from the fault until the client was served; ``None`` if it never was."""
        return _between(self.inject, self.serving)


@dataclass(frozen=True, slots=True)
class SystemRecovery:
    """The headline: seconds from the first fault until the last victim was served, and how many were.

    Invariant: `seconds` is infinite unless ``k == n > 0``.
    """

    seconds: float
    k: int
    n: int

    @classmethod
    def of(cls, victims: Collection[Victim]) -> Self:
        """Take the maximum over `victims`; one that never recovered makes it infinite."""
        serving = [victim.serving for victim in victims if victim.serving is not None]
        everyone = bool(serving) and len(serving) == len(victims)
        seconds = max(serving) - first_inject(victims) if everyone else math.inf
        return cls(seconds=seconds, k=len(serving), n=len(victims))


def first_inject(victims: Iterable[Victim]) -> float:
    """Return when the harm began; infinity when there was none."""
    return min((victim.inject for victim in victims), default=math.inf)


def serving_since(inject: float, requests: Iterable[Request]) -> float | None:
    """Return when one victim's `requests` first show service after `inject`, or ``None`` if they never do.

    A reply that arrives after the fault but answers a request sent before it proves nothing: it may have been
    on its way already. Such requests do not count.
    """
    return min(
        (
            request.replied
            for request in requests
            if request.sent > inject and request.answer is Answer.OK and request.replied is not None
        ),
        default=None,
    )


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else end - start
