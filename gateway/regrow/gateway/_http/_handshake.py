"""Whether a request becomes a WebSocket: the server's half of the opening handshake, RFC 6455 section 4.2."""

import re
from binascii import b2a_base64
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha1
from http import HTTPStatus
from typing import Final, TypeAlias, final

from regrow.gateway._settings._settings import Settings
from regrow.gateway._wire._framing import Framing

from ._compression import agree
from ._extensions import MalformedExtensionsError
from ._request import Request
from ._response import response


@final
@dataclass(frozen=True, slots=True)
class Accepted:
    """The request becomes a WebSocket once `response` has been sent."""

    response: bytes
    """The 101, complete."""

    subprotocol: str | None
    """What both sides speak on top, as the server spells it; None when they agreed on nothing."""

    framing: Framing
    """How messages become frames: compressed, if the client offers that and the settings allow it."""


@final
@dataclass(frozen=True, slots=True)
class Refused:
    """The request does not become a WebSocket: send `response`, then close."""

    response: bytes
    """The whole answer, `status` and `reason` included."""

    status: HTTPStatus
    reason: str
    """One sentence, for the peer and for the log."""


Decision: TypeAlias = Accepted | Refused
"""How a handshake ends."""


def negotiate(request: Request, settings: Settings, subprotocols: tuple[str, ...]) -> Decision:
    """Decide about an upgrade, and write the answer.

    Args:
        request: what the client asks.
        settings: whose `origins` and compression apply.
        subprotocols: what the server speaks, best first. The first that the client offers is chosen. If there
            is none, the socket opens without a subprotocol; a client that insists on one closes it.

    See: RFC 6455 sections 4.2.1 (what to check), 4.2.2 (what to answer) and 4.4 (versions).
    """
    for holds, refused in _REQUIREMENTS:
        if not holds(request):
            return refused
    headers = request.headers
    if not settings.origins.allows(headers.get("origin"), headers["host"], request.scheme):
        return _FOREIGN_ORIGIN
    try:
        framing, extensions = agree(headers.get("sec-websocket-extensions", ""), settings)
    except MalformedExtensionsError:
        return _MALFORMED_EXTENSIONS
    key = headers["sec-websocket-key"].encode("ascii")
    head = _SWITCHING + b2a_base64(sha1(key + _GUID, usedforsecurity=False).digest(), newline=False)
    subprotocol = _choose(headers.get("sec-websocket-protocol", ""), subprotocols)
    if subprotocol is not None:
        head += f"\r\nSec-WebSocket-Protocol: {subprotocol}".encode("ascii")
    if extensions is not None:
        head += f"\r\nSec-WebSocket-Extensions: {extensions}".encode("ascii")
    return Accepted(head + b"\r\n\r\n", subprotocol, framing)


def _choose(offer: str, subprotocols: tuple[str, ...]) -> str | None:
    # Names of subprotocols are case-sensitive, unlike the tokens of Upgrade and Connection.
    offered = [name.strip() for name in offer.split(",")]
    return next((name for name in subprotocols if name in offered), None)


def _has_one_host(request: Request) -> bool:
    host = request.headers.get("host", "")
    return bool(host) and "," not in host  # a comma: the header was there twice (RFC 9112 section 3.2)


def _lists(request: Request, name: str, token: str) -> bool:
    return token in [item.strip() for item in request.headers.get(name, "").lower().split(",")]


def _has_one_key(request: Request) -> bool:
    # A key that was there twice has a comma in it.
    return _KEY.fullmatch(request.headers.get("sec-websocket-key", "")) is not None


def _refuse(status: HTTPStatus, reason: str, *headers: tuple[str, str]) -> Refused:
    return Refused(response(status, f"{reason}\n".encode(), headers=headers), status, reason)


_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
_KEY: Final = re.compile("[A-Za-z0-9+/]{22}==")  # base64 of 16 bytes

_SWITCHING: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
)

# A 426 says what to upgrade to (RFC 9110 section 15.5.22); who sends Upgrade lists it in Connection (7.8).
_UPGRADE: Final = (("Upgrade", "websocket"), ("Connection", "Upgrade"))

# Asked from the top; the first that does not hold decides. No refusal depends on what the request says,
# so all are written once, here, and a storm of bad clients costs no formatting.
_REQUIREMENTS: Final[tuple[tuple[Callable[[Request], bool], Refused], ...]] = (
    (
        lambda request: request.method == "GET",
        _refuse(HTTPStatus.BAD_REQUEST, "A WebSocket is opened with GET."),
    ),
    (
        lambda request: request.http_version == "1.1",
        _refuse(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "A WebSocket is opened with HTTP/1.1."),
    ),
    (
        _has_one_host,
        _refuse(HTTPStatus.BAD_REQUEST, "There must be one Host header."),
    ),
    (
        lambda request: _lists(request, "upgrade", "websocket") and _lists(request, "connection", "upgrade"),
        _refuse(
            HTTPStatus.UPGRADE_REQUIRED,
            "This is a WebSocket: the request needs 'Upgrade: websocket' and 'Connection: Upgrade'.",
            *_UPGRADE,
        ),
    ),
    (
        lambda request: request.headers.get("sec-websocket-version") == "13",
        _refuse(
            HTTPStatus.UPGRADE_REQUIRED,
            "Only version 13 of the protocol is spoken.",
            *_UPGRADE,
            ("Sec-WebSocket-Version", "13"),
        ),
    ),
    (
        _has_one_key,
        _refuse(HTTPStatus.BAD_REQUEST, "There must be one Sec-WebSocket-Key: 16 bytes as base64."),
    ),
)
_FOREIGN_ORIGIN: Final = _refuse(HTTPStatus.FORBIDDEN, "Pages of this origin may not open a WebSocket here.")
_MALFORMED_EXTENSIONS: Final = _refuse(HTTPStatus.BAD_REQUEST, "The header Sec-WebSocket-Extensions is malformed.")
