"""History: what a channel class says about which of its broadcasts are kept, and for how long."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Final, final

__all__ = ["Ack", "History"]


class Ack(enum.StrEnum):
    """When the sender of a message that is kept gets its reply, and when the others get the message."""

    SENT = "sent"
    """At once. A crash of the program loses what was said in the last `Settings.history_flush_interval`, and what
    was still being written."""
    DURABLE = "durable"
    """Once it is stored. Nobody has seen, and no sender has had confirmed, what a crash could lose."""


_LIMITS: Final = ("count", "age", "size")


@final
@dataclass(frozen=True, slots=True)
class History:
    """What is kept of a topic: `Channel.history`.

    A message leaves the history when the first of the three limits is reached.

    Raises:
        ValueError: there are no events, or a limit is not positive. The message names the field.
    """

    events: tuple[str, ...] = ("new_msg",)
    """Broadcasts of these events on the channel's own topic are kept; others, typing for example, are not."""
    count: int = 300
    """Messages."""
    age: float = 300.0
    """Seconds since it was broadcast. May be `math.inf`."""
    ack: Ack = Ack.SENT
    size: int = 524_288
    """Bytes of payloads. Half of `Settings.outbox_limit`, as who recovers is written all it missed at once."""

    def __post_init__(self) -> None:
        if not self.events:
            raise ValueError("events=(): must name the events to keep; a channel that keeps none has history = None")
        for name in _LIMITS:
            value = getattr(self, name)
            if not value > 0 or math.isnan(value):
                raise ValueError(f"{name}={value!r}: must be more than 0")
