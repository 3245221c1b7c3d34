"""What a callback of a channel returns or raises, and the reasons of which channels end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, final

from regrow.actors import ExitReason, Shutdown

__all__ = [
    "DRAINING",
    "DUPLICATE_JOIN",
    "ENDED",
    "JOINED",
    "LEFT",
    "REFUSED",
    "Error",
    "JoinCrashed",
    "JoinRefusedError",
    "Ok",
    "Stop",
]


@final
@dataclass(frozen=True, slots=True)
class Ok:
    """Reply to a message with status ``ok``."""

    response: Any = field(default_factory=dict[str, Any])


@final
@dataclass(frozen=True, slots=True)
class Error:
    """Reply to a message with status ``error``."""

    response: Any = field(default_factory=dict[str, Any])


@final
@dataclass(frozen=True, slots=True)
class Stop:
    """Reply, if ``reply`` is given, and leave the topic: the client gets ``phx_close`` for a quiet reason."""

    reason: ExitReason
    reply: Ok | Error | None = None


@final
class JoinRefusedError(Exception):
    """Raise it in `Channel.join` to refuse a client: it gets an error reply with ``response``."""

    def __init__(self, **response: Any) -> None:
        super().__init__(response)
        self.response = response


@final
@dataclass(frozen=True, slots=True)
class JoinCrashed(ExitReason):
    """The join callback of a channel crashed."""

    reason: ExitReason


REFUSED = Shutdown("refused")
LEFT = Shutdown("left")
ENDED = Shutdown("closed")
DUPLICATE_JOIN = Shutdown("duplicate_join")
DRAINING = Shutdown("draining")

JOINED = Stop(Shutdown("joined"))
"""No end: a join is settled, and `Channel.joined` is to run next, as a message of its own."""
