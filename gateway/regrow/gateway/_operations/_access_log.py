"""The access log: who came, who was refused, who left. A storm of them is summarised, as crash reports are."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, final

from ._formatters import EVENT, FIELDS
from ._secrets import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from regrow.actors import Node
    from regrow.gateway._http._request import Request
    from regrow.gateway._transport._connection import Connection

    from ._secrets import ParameterFilter

__all__ = ["AccessLog"]

logger = logging.getLogger("regrow.gateway.access")

IN_FULL: Final = 20
"""Events of one kind logged one by one in each window."""

WINDOW: Final = 1.0
"""Seconds for which events of one kind are counted together."""

OPENED, REFUSED, CLOSED = "connection opened", "connection refused", "connection closed"


@final
class AccessLog:
    """Logs what happens to the connections of one gateway, at level INFO.

    It never logs a header but the user agent, nor the value of a parameter that the filter replaces.
    """

    __slots__ = ("_node", "_now", "_secrets", "_seen")

    def __init__(
        self,
        secrets: ParameterFilter,
        node: Node,
        now: Callable[[], float],
    ) -> None:
        self._secrets = secrets
        self._node = node
        self._now = now
        self._seen: dict[str, int] = {}
        """Events of the present window, by kind."""

    def opened(self, connection: Connection, request: Request) -> None:
        """A WebSocket was opened."""
        if self._is_told(OPENED):
            agent = printable(request.headers.get("user-agent", ""))
            target = self._secrets.target(request)
            _log(OPENED, {"address": connection.address, "target": target, "user_agent": agent})

    def refused(self, connection: Connection, request: Request | None, status: int, reason: str) -> None:
        """A connection was answered with something else than what it asked for."""
        if self._is_told(REFUSED):
            target = "" if request is None else self._secrets.target(request)
            known = {"address": connection.address, "target": target, "status": int(status)}
            _log(REFUSED, {**known, "reason": printable(reason)})

    def closed(self, connection: Connection, code: int | None, reason: str) -> None:
        """A WebSocket that was open has ended, by whoever's wish; ``code`` says how."""
        if self._is_told(CLOSED):
            duration = round(self._now() - connection.opened_at, 3)
            known = {"address": connection.address, "code": code, "reason": printable(reason), "duration": duration}
            _log(CLOSED, known)

    def _is_told(self, event: str) -> bool:
        if not logger.isEnabledFor(logging.INFO):
            return False
        seen = self._seen[event] = self._seen.get(event, 0) + 1
        if seen == 1:
            self._node.timers.after(WINDOW, lambda: self._close_window(event))
        return seen <= IN_FULL

    def _close_window(self, event: str) -> None:
        more = self._seen.pop(event, 0) - IN_FULL
        if more > 0:
            kind = event.replace(" ", "_")
            extra = {EVENT: kind, FIELDS: {"more": more}}
            logger.info("and %d times more within %s s: %s", more, WINDOW, event, extra=extra)

    def close(self) -> None:
        """Log what is still held back."""
        for event in list(self._seen):
            self._close_window(event)


def _log(event: str, known: Mapping[str, object]) -> None:
    logger.info(event, extra={EVENT: event.replace(" ", "_"), FIELDS: known})
