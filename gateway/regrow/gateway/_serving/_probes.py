"""The pages for those who watch a gateway: ``/healthz``, ``/readyz`` and ``/metrics``."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from ._route import Page

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.gateway._operations._health import Health

    from ._route import View

__all__ = ["probes"]

_TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"


def probes(health: Health, exposition: Callable[[], bytes]) -> dict[str, View]:
    """The three pages by path.

    ``/healthz`` is 200 as long as the gateway answers at all, and says what does not work; whoever restarts a
    gateway when this fails does not make it worse by restarting one that is repairing itself. ``/readyz`` is 200
    while new clients are welcome, otherwise 503 with the reasons.
    """
    return {
        "/healthz": lambda _request: _page(HTTPStatus.OK, "ok", "degraded", health.degraded()),
        "/readyz": lambda _request: _ready(health.unready()),
        "/metrics": lambda _request: Page(exposition(), _TEXT_FORMAT),
    }


def _ready(reasons: list[str]) -> Page:
    return _page(HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK, "ready", "not ready", reasons)


def _page(status: HTTPStatus, well: str, unwell: str, reasons: list[str]) -> Page:
    """One line."""
    line = f"{unwell}: {'; '.join(reasons)}" if reasons else well
    return Page(f"{line}\n".encode(), status=status)
