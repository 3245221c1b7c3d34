"""The chat page: which file is served at which path, and what the browser may do with it."""

from __future__ import annotations

import hashlib
from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Final, NamedTuple

from regrow.gateway._serving._route import Page

if TYPE_CHECKING:
    from regrow.gateway._http._request import Request
    from regrow.gateway._serving._route import View

__all__ = ["page_views"]

_PACKAGE: Final = "regrow.gateway._lobby"
_HTML: Final = "text/html; charset=utf-8"
_CSS: Final = "text/css; charset=utf-8"
_SCRIPT: Final = "text/javascript; charset=utf-8"
_IMAGE: Final = "image/svg+xml"

_FILES: Final = {
    "/": ("index.html", _HTML),
    "/page/chat.css": ("chat.css", _CSS),
    "/page/icon.svg": ("icon.svg", _IMAGE),
    "/page/chat.js": ("chat.js", _SCRIPT),
    "/page/view.js": ("view.js", _SCRIPT),
    "/page/room.js": ("room.js", _SCRIPT),
    "/page/socket.js": ("socket.js", _SCRIPT),
    "/page/channel.js": ("channel.js", _SCRIPT),
    "/page/presence.js": ("presence.js", _SCRIPT),
}

_ALLOWED: Final = (
    "default-src 'self'",
    "connect-src 'self' ws: wss:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)

_POLICY: Final = (
    # Whatever a message or a name says, nothing is run or fetched that this server does not serve.
    ("Content-Security-Policy", "; ".join(_ALLOWED)),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    # Asked again each time, answered with 304: a page and its scripts are always of one version.
    ("Cache-Control", "no-cache"),
)


class _File(NamedTuple):
    body: bytes
    tag: str
    """The entity tag."""


def page_views() -> dict[str, View]:
    """What serves the chat page, by path. A file is read when it is first asked for, also out of a zipped package."""
    return {path: partial(_show, name, content_type) for path, (name, content_type) in _FILES.items()}


def _show(name: str, content_type: str, request: Request) -> Page:
    file = _read(name)
    headers = (*_POLICY, ("ETag", file.tag))
    if _is_known(file.tag, request.headers.get("if-none-match", "")):
        return Page(b"", content_type, 304, headers)
    return Page(file.body, content_type, headers=headers)


@cache
def _read(name: str) -> _File:
    body = files(_PACKAGE).joinpath("page", name).read_bytes()
    return _File(body, f'"{hashlib.sha256(body).hexdigest()[:16]}"')


def _is_known(tag: str, condition: str) -> bool:
    """Whether the client has it: RFC 9110 section 13.1.2, by weak comparison."""
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in condition.split(","))
