"""Routes: which handler serves which path, and the gateway value a user writes."""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, final

from regrow.gateway._settings._settings import Settings

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

    from regrow.gateway._handlers._handler import Handler
    from regrow.gateway._history._store import HistoryStore
    from regrow.gateway._http._request import Request
    from regrow.gateway._presence._presence import FetchPresences
    from regrow.gateway._transport._connection import Connection
    from regrow.supervisors import ChildSpec

__all__ = ["Gateway", "Page", "Route", "View"]

logger = logging.getLogger("regrow.gateway")

SERVICE_RESTART = 1012
_METRIC = re.compile("(?!regrow_)[a-zA-Z_][a-zA-Z0-9_]*")
"""The names Prometheus advises, without the colon that is for its own rules."""


@final
@dataclass(frozen=True, slots=True)
class Page:
    """The answer to a plain HTTP request."""

    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    """More headers, by name and value: printable ASCII, or the request is answered with 500."""


View: TypeAlias = Callable[["Request"], Page]
"""Answers a GET. Runs in the tick: it must not block."""


@final
@dataclass(frozen=True, slots=True)
class Route:
    """What serves the connections of one path."""

    handler: type[Handler]
    number: int
    """Position among the routes of its gateway."""

    @property
    def judges_slowly(self) -> bool:
        """Whether its handler's `connect` is ``async def``."""
        return inspect.iscoroutinefunction(self.handler.connect)

    def ended(self, connection: Connection) -> None:
        """Tell the handler's class that a connection is gone for good."""
        try:
            self.handler.ended(connection)
        except Exception:
            logger.exception("%s.ended failed", self.handler.__qualname__)

    def drain(self, connection: Connection) -> None:
        """Have a connection say goodbye because the gateway stops. It is closed with 1012 whatever its class does."""
        try:
            self.handler.drain(connection)
        except Exception:
            logger.exception("%s.drain failed", self.handler.__qualname__)
        connection.close(SERVICE_RESTART, "the server is stopping")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """What a gateway serves: handlers by path, pages by path, and every limit.

    ``regrow serve module:name`` serves the value it finds there; `open_gateway` serves it in a program.
    """

    routes: Mapping[str, type[Handler]]
    """WebSocket handlers by path, ``{"/echo": Echo}``."""
    views: Mapping[str, View] = field(default_factory=dict[str, View])
    """Pages by path. ``/healthz``, ``/readyz`` and ``/metrics`` are added unless they are here."""
    metrics: Mapping[str, tuple[str, Callable[[], float]]] = field(
        default_factory=dict[str, tuple[str, Callable[[], float]]]
    )
    """Numbers of your own in ``/metrics``: name to help text and a function, called in the tick whenever they are read.

    ``{"chat_users": ("Users signed in.", lambda: len(table))}``. A name that ends in ``_total`` is a counter's.
    """
    collectors: Sequence[Collector] = ()
    """What else is in ``/metrics``: collectors or registries of prometheus_client, ``prometheus_client.REGISTRY``."""
    checks: Mapping[str, Callable[[], bool]] = field(default_factory=dict[str, Callable[[], bool]])
    """What ``/readyz`` asks besides: a reason to name if not, to a function called in the tick.

    ``{"the database is away": lambda: pool.is_connected}``. One that raises does not hold.
    """
    children: Sequence[ChildSpec] = ()
    """Processes of your own, which run before the first client comes: ``[ChildSpec("keeper", Keeper.start_link)]``.

    A supervisor, ``regrow.children``, restarts each alone, and no client notices. If it gives up twice in five seconds
    so does the gateway. They are stopped when the last client is gone.
    """
    settings: Settings = field(default_factory=Settings)
    fetch_presences: FetchPresences | None = None
    """Extends presences before they are told; see `Presence`."""
    history: HistoryStore | None = None
    """Where the histories are stored that channels declare; None: none is kept. A gateway owns its store."""

    def __post_init__(self) -> None:
        for path in (*self.routes, *self.views):
            if not path.startswith("/"):
                raise ValueError(f"a path begins with a slash, got {path!r}: write {'/' + path!r}")
        both = set(self.routes) & set(self.views)
        if both:
            raise ValueError(f"a path is a WebSocket or a page, not both: {', '.join(sorted(both))}")
        for name in self.metrics:
            if _METRIC.fullmatch(name) is None:
                raise ValueError(f"the metric {name!r}: must be letters, digits and _, and not begin with regrow_")
        for reason in self.checks:
            if not reason.isprintable():
                raise ValueError(f"the check {reason!r}: its name is a reason in one line, it must be printable")
