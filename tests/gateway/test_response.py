"""One HTTP/1.1 response as bytes."""

from http import HTTPStatus

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.gateway._http._response import response

STATUSES = [status for status in HTTPStatus if status >= 200 and status not in {204, 304}]  # those that have a body


class Reader:
    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True


def test_a_response_is_the_status_the_headers_and_the_body() -> None:
    expected = (
        b"HTTP/1.1 503 Service Unavailable\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Length: 5\r\n"
        b"Connection: close\r\n"
        b"Retry-After: 1\r\n"
        b"\r\n"
        b"full\n"
    )
    assert response(503, b"full\n", headers=[("Retry-After", "1")]) == expected


@given(status=st.sampled_from(STATUSES), body=st.binary())
def test_a_client_reads_back_the_status_and_the_body(status: HTTPStatus, body: bytes) -> None:
    reader = Reader()
    parser = httptools.HttpResponseParser(reader)
    parser.feed_data(response(status, body, content_type="application/octet-stream"))
    assert parser.get_status_code() == status
    assert reader.body == body
    assert reader.complete
    assert not parser.should_keep_alive()
    assert (b"Content-Type", b"application/octet-stream") in reader.headers


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\x00b", "é"])
def test_a_header_cannot_break_out_of_its_line(value: str) -> None:
    with pytest.raises(ValueError, match="must be printable ASCII"):
        response(200, b"", headers=[("X-Name", value)])
    with pytest.raises(ValueError, match="must be printable ASCII"):
        response(200, b"", headers=[(value, "x")])
    with pytest.raises(ValueError, match="must be printable ASCII"):
        response(200, b"", content_type=value)


def test_a_status_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="299"):
        response(299, b"")
