"""Whether a gateway is well, and whether it wants more clients: questions of those who watch it from outside."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from regrow.actors import Pid
    from regrow.gateway._transport._transport import Transport

__all__ = ["Health"]

logger = logging.getLogger("regrow.gateway")


@final
class Health:
    """Looks at one gateway. Cheap: what it asks costs the same with ten connections and with ten thousand."""

    def __init__(
        self,
        transport: Transport,
        parts: Sequence[str],
        is_draining: Callable[[], bool],
        checks: Mapping[str, Callable[[], bool]],
    ) -> None:
        self._transport = transport
        self._parts = parts
        self._is_draining = is_draining
        self._checks = checks
        self.tree: Pid | None = None
        """The supervision tree, once it is started."""

    def degraded(self) -> list[str]:
        """What does not work at this moment although the gateway is alive: parts that are being restarted."""
        whereis = self._transport.node.whereis
        wrong = [f"{name} is down" for name in self._parts if whereis(name) is None]
        if self._transport.is_exhausted:
            wrong.append("no file descriptor was left for the last connection")
        return wrong

    def unready(self) -> list[str]:
        """Why no client should be sent here at this moment; empty if one should."""
        transport = self._transport
        why: list[str] = []
        if self._is_draining():
            why.append("draining")
        elif not transport.is_listening:
            why.append("not listening")
        if self.tree is None or not self.tree.is_alive:
            why.append("the supervision tree is not running")
        if len(transport.connections) > transport.settings.max_connections:  # whoever asks is one of them
            why.append("full")
        return why + self.degraded() + [name for name, check in self._checks.items() if not _holds(name, check)]


def _holds(name: str, check: Callable[[], bool]) -> bool:
    try:
        return bool(check())
    except Exception:
        logger.exception("the readiness check %r failed", name)
        return False
