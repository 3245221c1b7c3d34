"""Dialect: how what is broadcast on a topic becomes bytes for one kind of connection."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Dialect"]


class Dialect(Protocol):
    """What all connections that are written the same bytes share; one value serves them all."""

    def broadcast(self, message: Any, /) -> bytes:
        """The frame of a message. Called once a broadcast, however many subscribers speak this dialect."""
        ...
