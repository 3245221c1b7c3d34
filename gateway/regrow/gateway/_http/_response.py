"""One HTTP/1.1 response as bytes: for pages, probes and refusals. The 101 is made in `_handshake`."""

from collections.abc import Iterable
from http import HTTPStatus


def response(
    status: HTTPStatus | int,
    body: bytes,
    *,
    content_type: str = "text/plain; charset=utf-8",
    headers: Iterable[tuple[str, str]] = (),
) -> bytes:
    """Build a whole response, the last on its connection: ``Connection: close``, and a ``Content-Length``.

    Raises:
        ValueError: the status is not one of `http.HTTPStatus`, or a header would break out of its line.

    See: RFC 9112 sections 4, 6.2 and 9.6.
    """
    status = HTTPStatus(status)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    fields = (
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
        *headers,
    )
    for name, value in fields:
        line = f"{name}: {value}"
        if not line.isprintable() or not line.isascii():  # a line break here would be response splitting
            raise ValueError(f"header {line!r}: must be printable ASCII")
        lines.append(line)
    return "\r\n".join((*lines, "", "")).encode("ascii") + body
