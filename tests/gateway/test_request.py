"""Bytes → one HTTP/1.1 request head."""

from http import HTTPStatus
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from regrow.gateway._http._request import BadRequestError, Request, RequestParser
from regrow.gateway._settings._settings import Settings

UPGRADE = (
    b"GET /socket/websocket?token=abc&vsn=2.0.0 HTTP/1.1\r\n"
    b"Host: chat.example:4000\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: keep-alive, Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"\r\n"
)
FIRST_FRAME = b"\x81\x85\x00\x00\x00\x00hello\r\n\r\n"


def parse(*chunks: bytes, settings: Settings | None = None) -> tuple[Request | None, bytes]:
    """Feed the chunks as a connection would: until there is a request, then collect what is left."""
    parser = RequestParser(settings or Settings())
    request = None
    leftover = b""
    for chunk in chunks:
        if request is None:
            request = parser.feed(chunk)
            leftover = parser.leftover
        else:
            leftover += chunk
    return request, leftover


def parsed(data: bytes) -> Request:
    request, _ = parse(data)
    assert request is not None
    return request


def status_of(data: bytes, settings: Settings | None = None) -> HTTPStatus:
    with pytest.raises(BadRequestError) as caught:
        parse(data, settings=settings)
    return caught.value.status


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def test_a_request_has_its_method_path_query_headers_and_version() -> None:
    assert parsed(UPGRADE) == Request(
        method="GET",
        path="/socket/websocket",
        query="token=abc&vsn=2.0.0",
        headers={
            "host": "chat.example:4000",
            "upgrade": "websocket",
            "connection": "keep-alive, Upgrade",
            "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
            "sec-websocket-version": "13",
        },
        http_version="1.1",
    )


def test_what_follows_the_head_is_left_over_untouched() -> None:
    request, leftover = parse(UPGRADE + FIRST_FRAME)
    assert request == parsed(UPGRADE)
    assert leftover == FIRST_FRAME


@given(cuts=st.lists(st.integers(min_value=0)), leftover=st.binary())
@example(cuts=list(range(len(UPGRADE))), leftover=FIRST_FRAME)
def test_how_the_bytes_were_cut_changes_nothing(cuts: list[int], leftover: bytes) -> None:
    assert parse(*split(UPGRADE + leftover, cuts)) == (parsed(UPGRADE), leftover)


NOISE = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from(
            [
                b"GET ",
                b"/ ",
                b"* ",
                b"CONNECT ",
                b"PRI ",
                b"HTTP/1.1\r\n",
                b"HTTP/2.0\r\n",
                b"\r\n",
                b"\r\n\r\n",
            ]
        ),
        st.sampled_from(
            [
                b"Host: a\r\n",
                b"Upgrade: x\r\n",
                b"Connection: Upgrade\r\n",
                b"Content-Length: 1\r\n",
                b"Transfer-Encoding: ",
            ]
        ),
    )
).map(b"".join)


@given(data=NOISE, cuts=st.lists(st.integers(min_value=0), max_size=5))
def test_arbitrary_bytes_are_a_request_or_refused_or_incomplete_however_cut(data: bytes, cuts: list[int]) -> None:
    def outcome(chunks: list[bytes]) -> object:
        try:
            return parse(*chunks)
        except BadRequestError as error:
            return error.status, error.reason

    whole = outcome([data])
    if whole != (None, b""):  # an incomplete head leaves nothing over to compare
        assert outcome(split(data, cuts)) == whole


def test_an_incomplete_head_is_no_request_yet() -> None:
    assert parse(UPGRADE[:-1]) == (None, b"")
    assert parse(b"") == (None, b"")


def test_the_path_is_decoded_and_the_query_is_not() -> None:
    request = parsed(b"GET /caf%C3%A9%20noir/%ff?q=caf%C3%A9 HTTP/1.1\r\n\r\n")
    assert request.path == "/café noir/�"
    assert request.query == "q=caf%C3%A9"


def test_params_are_the_decoded_query_and_the_last_of_a_name_wins() -> None:
    request = parsed(b"GET /?a=1&a=2&b=x%20y+z&c&d=%26 HTTP/1.1\r\n\r\n")
    assert request.params == {"a": "2", "b": "x y z", "c": "", "d": "&"}


def test_a_request_without_a_query_has_no_params() -> None:
    request = parsed(b"GET /metrics HTTP/1.1\r\n\r\n")
    assert request.query == ""
    assert request.params == {}


def test_a_target_in_absolute_form_is_its_path() -> None:
    assert parsed(b"GET http://chat.example:80/a?b HTTP/1.1\r\n\r\n").path == "/a"
    assert parsed(b"GET http://chat.example HTTP/1.1\r\n\r\n").path == "/"


def test_header_names_are_lower_case_and_repeated_values_joined() -> None:
    request = parsed(b"GET / HTTP/1.1\r\nX-Name:  one\t\r\nx-name: two\r\nEmpty:\r\nLatin: \xe9\r\n\r\n")
    assert request.headers == {"x-name": "one, two", "empty": "", "latin": "é"}


def test_http_1_0_is_read_because_probes_speak_it() -> None:
    assert parsed(b"GET /healthz HTTP/1.0\r\n\r\n").http_version == "1.0"


@pytest.mark.parametrize(
    "head",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"get / HTTP/1.1\r\n\r\n",
        b"GET /\x80 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1 \r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: a\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nN\xe4me: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        b"CONNECT chat.example:80 HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
    ],
)
def test_a_malformed_head_is_a_400(head: bytes) -> None:
    assert status_of(head) == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("version", [b"0.9", b"1.7", b"2.0", b"3.0"])
def test_a_version_that_is_not_http_1_is_a_505(version: bytes) -> None:
    assert status_of(b"GET / HTTP/" + version + b"\r\n\r\n") == HTTPStatus.HTTP_VERSION_NOT_SUPPORTED


@pytest.mark.parametrize("header", [b"Content-Length: 3", b"Content-Length: 010", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_a_request_with_a_body_is_a_413(method: bytes, header: bytes) -> None:
    head = method + b" / HTTP/1.1\r\n" + header + b"\r\n\r\n"
    assert status_of(head) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_a_body_announced_as_empty_is_no_body() -> None:
    assert parsed(b"GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n").method == "GET"


def test_a_head_of_exactly_the_limit_is_read_and_one_byte_more_is_a_431() -> None:
    exact = Settings(max_header_size=len(UPGRADE))
    short = Settings(max_header_size=len(UPGRADE) - 1)
    assert parse(UPGRADE + FIRST_FRAME, settings=exact) == (parsed(UPGRADE), FIRST_FRAME)
    assert status_of(UPGRADE, short) == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


def test_a_head_that_never_ends_is_a_431_as_soon_as_it_is_too_long() -> None:
    parser = RequestParser(Settings(max_header_size=100))
    assert parser.feed(b"x" * 100) is None
    with pytest.raises(BadRequestError) as caught:
        parser.feed(b"x")
    assert caught.value.status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


def test_as_many_headers_as_the_limit_are_read_and_one_more_is_a_431() -> None:
    settings = Settings(max_header_count=3)
    request, _ = parse(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 3 + b"\r\n", settings=settings)
    assert request is not None
    assert status_of(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 4 + b"\r\n", settings) == (
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    )
