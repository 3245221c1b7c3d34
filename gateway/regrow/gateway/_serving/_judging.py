"""A request that a handler takes its time to judge: what stands in for its parser meanwhile."""

from __future__ import annotations

from typing import final

import trio

__all__ = ["Judging"]


@final
class Judging:
    """Between a request and its answer."""

    __slots__ = ("leftover", "scope")

    leftover: bytes
    """What the client has said behind its request."""
    scope: trio.CancelScope
    """Around the judgement; cancelled when the client leaves, or its handshake has taken too long."""

    def __init__(self, leftover: bytes) -> None:
        self.leftover = leftover
        self.scope = trio.CancelScope()
