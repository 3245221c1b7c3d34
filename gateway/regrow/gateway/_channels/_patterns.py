"""Topic patterns: which channel class serves a topic, decided as ``Phoenix.Socket.channel/3`` does.

A pattern is a topic, or a prefix with ``*`` behind it. The first that matches, in the order they are written, decides;
so an exact topic stands before the pattern that would cover it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ._channel import Channel

__all__ = ["Pattern", "first_match", "patterns_of"]


@final
@dataclass(frozen=True, slots=True)
class Pattern:
    """One line of `Socket.channels`."""

    text: str
    """The topic, or the prefix without its ``*``."""
    is_prefix: bool
    channel: type[Channel]

    def matches(self, topic: str) -> bool:
        """Whether it covers a topic."""
        return topic.startswith(self.text) if self.is_prefix else topic == self.text

    def rest(self, topic: str) -> str:
        """What the ``*`` stands for in a topic that it covers; empty without one."""
        return topic[len(self.text) :]


def patterns_of(owner: str, channels: Mapping[str, type[Channel]]) -> tuple[Pattern, ...]:
    """Read `Socket.channels`.

    Raises:
        ValueError: a ``*`` is not at the end of a pattern, or a pattern is covered by one that stands before it.
    """
    patterns: list[Pattern] = []
    for text, channel in channels.items():
        prefix, star, behind = text.partition("*")
        if behind:
            raise ValueError(f"{owner}.channels has {text!r}: a * may only be the last character, as in 'room:*'")
        covering = first_match(patterns, prefix)
        if covering is not None and covering.is_prefix:
            raise ValueError(
                f"{owner}.channels: {text!r} is never reached, because '{covering.text}*' stands before it; "
                "the first that matches decides"
            )
        patterns.append(Pattern(prefix, bool(star), channel))
    return tuple(patterns)


def first_match(patterns: Iterable[Pattern], topic: str) -> Pattern | None:
    """The pattern that decides about a topic."""
    for pattern in patterns:
        if pattern.matches(topic):
            return pattern
    return None
