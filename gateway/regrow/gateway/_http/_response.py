"""One HTTP/1.1 response as bytes: for pages, probes and refusals. The 101 is made in `_handshake`."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

_BODILESS: Final = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


def response(
    status: HTTPStatus | int,
    body: bytes,
    *,
    content_type: str = "text/plain; charset=utf-8",
    headers: Iterable[tuple[str, str]] = (),
) -> bytes:
    """Build a whole response, the last on its connection: ``Connection: close``, and a ``Content-Length``.

    A 204 and a 304 have no body, and say neither its type nor its length.

    Raises:
        ValueError: the status is not one of `http.HTTPStatus`, a header would break out of its line, or there is a
            body where the status allows none.

    See: RFC 9112 sections 4, 6.2 and 9.6; RFC 9110 sections 8.6 and 15.4.5.
    """
    status = HTTPStatus(status)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    if status in _BODILESS:
        if body:
            raise ValueError(f"a {status.value} has no body, got {len(body)} bytes")
        content: tuple[tuple[str, str], ...] = ()
    else:
        content = (("Content-Type", content_type), ("Content-Length", str(len(body))))
    fields = (*content, ("Connection", "close"), *headers)
    for name, value in fields:
        line = f"{name}: {value}"
        if not line.isprintable() or not line.isascii():  # a line break here would be response splitting
            raise ValueError(f"header {line!r}: must be printable ASCII")
        lines.append(line)
    return "\r\n".join((*lines, "", "")).encode("ascii") + body
