"""What a client received, and claims about it: what is found is taken; what is not, shows what is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Received", "refute", "take"]


@final
@dataclass(frozen=True, slots=True)
class Received:
    """One message of the server."""

    join_ref: str | None
    """The join it belongs to; None for a broadcast."""
    ref: str | None
    """What it answers; None unless it is a reply."""
    topic: str
    event: str
    payload: Any
    """As JSON has it."""

    def __str__(self) -> str:
        if self.event == "phx_reply":
            return f"reply to {self.ref} on {self.topic!r}: {self.payload['status']} {self.payload['response']!r}"
        return f"{self.event!r} on {self.topic!r}: {self.payload!r}"


def take(received: list[Received], what: str, holds: Callable[[Received], bool]) -> Received:
    """The first message for which ``holds`` is true, which is then received no more.

    Raises:
        AssertionError: there is none; it lists what there is.
    """
    for index, message in enumerate(received):
        if holds(message):
            return received.pop(index)
    raise AssertionError(f"expected {what}, but there is{_listed(received)}")


def refute(received: Sequence[Received], what: str, holds: Callable[[Received], bool]) -> None:
    """See to it that there is no message for which ``holds`` is true.

    Raises:
        AssertionError: there is one.
    """
    found = [message for message in received if holds(message)]
    if found:
        raise AssertionError(f"expected no {what}, but there is{_listed(found)}")


def _listed(received: Sequence[Received]) -> str:
    if not received:
        return " nothing"
    return "".join(f"\n  {message}" for message in received)
