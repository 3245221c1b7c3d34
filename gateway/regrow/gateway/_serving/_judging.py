"""A request that a handler takes its time to judge: what stands in for its parser meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import trio

if TYPE_CHECKING:
    from regrow.gateway._http._request import Request

__all__ = ["Judging"]


@final
class Judging:
    """Between a request and its answer."""

    __slots__ = ("leftover", "request", "scope")

    request: Request
    leftover: bytes
    """What the client has said behind its request."""
    scope: trio.CancelScope
    """Around the judgement; cancelled when the client leaves, or its handshake has taken too long."""

    def __init__(self, request: Request, leftover: bytes) -> None:
        self.request = request
        self.leftover = leftover
        self.scope = trio.CancelScope()
