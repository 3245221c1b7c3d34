"""Bytes → one HTTP/1.1 request head. No socket and no clock; llhttp (through httptools) knows the grammar.

The head is collected up to its empty line and given to llhttp in one piece. So how TCP cut the bytes cannot
change the outcome, the size is checked before anything is parsed, and what follows the head (a client may
send its first frames right behind the upgrade) is never seen by an HTTP parser.

llhttp is strict about all that request smuggling lives on: bare line feeds, folded lines, spaces before a
colon, contradicting lengths. It does let pass an empty line before the request line (RFC 9112 section 2.2
wants that), several spaces behind the method, bytes above 127 in header values, and ``RTSP/1.0`` for
``HTTP/1.0``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, final
from urllib.parse import parse_qsl, unquote

import httptools

from regrow.gateway._settings._settings import Settings

from ._auth_token import UnreadableTokenError, token_among
from ._cookies import read_cookies

_END_OF_HEAD: Final = b"\r\n\r\n"
_VERSIONS: Final = ("1.1", "1.0")


@final
class BadRequestError(Exception):
    """The peer sent something that is not a request we serve. Answer with `status`, then close.

    Attributes:
        status: what to answer: 400 malformed, 413 carries a body, 431 head too large, 505 not HTTP/1.
        reason: one sentence for the peer, without anything the peer sent (it may end up in a log).
    """

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(status, reason)
        self.status: Final = status
        self.reason: Final = reason


@final
@dataclass(frozen=True, slots=True)
class Request:
    """A request without a body. What may hold a secret, its query and its headers, is not in its ``repr``."""

    method: str
    """As sent, upper case."""

    path: str
    """Percent-decoded as UTF-8, without the query. Undecodable bytes became U+FFFD."""

    query: str = field(repr=False)
    """The part after ``?``, still percent-encoded. Empty when there is none."""

    headers: Mapping[str, str] = field(repr=False)
    """Lower-case names; values as Latin-1, a repeated header's joined by ``", "`` (RFC 9110 section 5.3)."""

    http_version: str
    """``"1.1"`` or ``"1.0"``."""

    address: str = ""
    """Where it comes from: the client's address, also behind a trusted proxy; ``unix`` for a Unix socket."""
    scheme: str = "http"
    """``"https"`` if the connection is encrypted up to here, else ``"http"``."""

    @property
    def params(self) -> dict[str, str]:
        """The query decoded, as a new dict. A repeated name has its last value."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies, as a new dict. A browser sends them whichever page asks: see `Settings.origins`."""
        return read_cookies(self.headers.get("cookie", ""))

    @property
    def auth_token(self) -> str | None:
        """The token of a Phoenix client's option ``authToken``; None if it sent none.

        Raises:
            BadRequestError: 400, what was sent is no base64 of UTF-8. `Handler.connect` may let it pass.
        """
        try:
            return token_among(self.headers.get("sec-websocket-protocol", ""))
        except UnreadableTokenError as error:
            raise BadRequestError(HTTPStatus.BAD_REQUEST, str(error)) from None


@final
class RequestParser:
    """Collects the head of the first request on a connection.

    A connection serves one request (every answer but the 101 says ``Connection: close``), so a parser parses
    one head: after `feed` has returned a request or raised, it is spent.
    """

    __slots__ = ("_buffer", "_settings", "leftover")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._buffer = bytearray()
        self.leftover = b""
        """What came behind the head. After an upgrade these are the client's first WebSocket bytes."""

    def feed(self, data: bytes) -> Request | None:
        """Take the next bytes from the peer.

        Returns:
            The request, or None while its head is incomplete.

        Raises:
            BadRequestError: there will be no request.

        See: RFC 9112 sections 2, 3 and 5.
        """
        seen = len(self._buffer)
        self._buffer += data
        end = self._buffer.find(_END_OF_HEAD, max(0, seen - len(_END_OF_HEAD) + 1))
        size = len(self._buffer) if end < 0 else end + len(_END_OF_HEAD)
        if size > self._settings.max_header_size:
            raise BadRequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request head is too long.")
        if end < 0:
            return None
        self.leftover = bytes(self._buffer[size:])
        return _parse(bytes(self._buffer[:size]), self._settings.max_header_count)


class _Head:
    """What llhttp found, in its own words."""

    __slots__ = ("complete", "fields", "target")

    def __init__(self) -> None:
        self.target = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self.complete = False

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name, value))

    def on_headers_complete(self) -> None:
        self.complete = True


def _parse(data: bytes, max_header_count: int) -> Request:
    head = _Head()
    parser = httptools.HttpRequestParser(head)
    # llhttp answers an unknown version like any other error; told to let it pass, we can say 505.
    parser.set_dangerous_leniencies(lenient_version=True)
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        pass  # the head was read, and it asks for an upgrade: whether it gets one is not llhttp's to say
    except httptools.HttpParserError as error:
        # llhttp's words are constants of its source, so they are safe to repeat.
        raise BadRequestError(HTTPStatus.BAD_REQUEST, f"{error}.") from None
    if not head.complete:
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "There is no request line.")
    version = parser.get_http_version()
    if version not in _VERSIONS:
        raise BadRequestError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "Only HTTP/1.1 is served here.")
    if len(head.fields) > max_header_count:
        raise BadRequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "There are too many headers.")
    headers = _headers(head.fields)
    if "transfer-encoding" in headers or headers.get("content-length", "").strip(" \t0"):
        raise BadRequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Requests with a body are not served here.")
    try:
        url = httptools.parse_url(head.target)
    except httptools.HttpParserInvalidURLError:  # llhttp lets CONNECT name an authority instead of a path
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "The request target is not a path.") from None
    return Request(
        method=parser.get_method().decode("ascii"),
        path=unquote((url.path or b"/").decode("latin-1")),
        query=(url.query or b"").decode("latin-1"),
        headers=headers,
        http_version=version,
    )


def _headers(fields: list[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name = raw_name.lower().decode("ascii")  # llhttp lets only token characters pass (RFC 9110 section 5.6.2)
        value = raw_value.strip(b" \t").decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
