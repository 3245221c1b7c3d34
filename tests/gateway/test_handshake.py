"""Whether a request becomes a WebSocket."""

import base64
from dataclasses import replace
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.utils import accept_key

from regrow.gateway._http._handshake import Accepted, Refused, negotiate
from regrow.gateway._http._origin import AnyOrigin, OneOf
from regrow.gateway._http._request import Request
from regrow.gateway._settings._settings import Settings
from regrow.gateway._wire._framing import PLAIN

# The example of RFC 6455 section 1.3.
REQUEST = Request(
    method="GET",
    path="/chat",
    query="",
    headers={
        "host": "server.example.com",
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "origin": "http://example.com",
        "sec-websocket-protocol": "chat, superchat",
        "sec-websocket-version": "13",
    },
    http_version="1.1",
)
"""The request that every test bends in one place."""

SETTINGS = Settings(origins=OneOf(frozenset({"http://example.com"})))


def bent(**headers: str | None) -> Request:
    """Make `REQUEST` with these headers (``_`` for ``-``) changed, or left out where None."""
    changes = {name.replace("_", "-"): value for name, value in headers.items()}
    merged = {**REQUEST.headers, **changes}
    return replace(REQUEST, headers={name: value for name, value in merged.items() if value is not None})


def accepted(request: Request, subprotocols: tuple[str, ...] = ()) -> Accepted:
    decision = negotiate(request, SETTINGS, subprotocols)
    assert isinstance(decision, Accepted)
    return decision


def refused(request: Request, settings: Settings = SETTINGS) -> Refused:
    decision = negotiate(request, settings, ())
    assert isinstance(decision, Refused)
    assert decision.response.startswith(f"HTTP/1.1 {decision.status.value} ".encode())
    assert b"\r\nConnection: close\r\n" in decision.response
    assert decision.reason.encode() in decision.response
    return decision


def test_the_example_of_the_rfc_is_accepted_with_the_answer_of_the_rfc() -> None:
    assert accepted(REQUEST, ("chat",)) == Accepted(
        response=(
            b"HTTP/1.1 101 Switching Protocols\r\n"
            b"Upgrade: websocket\r\n"
            b"Connection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            b"Sec-WebSocket-Protocol: chat\r\n"
            b"\r\n"
        ),
        subprotocol="chat",
        framing=PLAIN,
    )


@given(nonce=st.binary(min_size=16, max_size=16))
def test_every_key_of_16_bytes_is_accepted_with_its_own_proof(nonce: bytes) -> None:
    key = base64.b64encode(nonce).decode()
    answer = accepted(bent(sec_websocket_key=key)).response
    assert answer.endswith(f"\r\nSec-WebSocket-Accept: {accept_key(key)}\r\n\r\n".encode())


@given(nonce=st.binary().filter(lambda nonce: len(nonce) != 16))
def test_a_key_of_another_length_is_a_400(nonce: bytes) -> None:
    assert refused(bent(sec_websocket_key=base64.b64encode(nonce).decode())).status == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    "key",
    [
        None,
        "",
        "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25j_-==",
        "dGhlIHNhbXBsZSBub25jZQ==\n",
        "é" * 22 + "==",
    ],
    ids=["missing", "empty", "sent twice", "unpadded", "base64url", "line break", "not ASCII"],
)
def test_a_key_that_is_not_base64_of_16_bytes_is_a_400(key: str | None) -> None:
    assert refused(bent(sec_websocket_key=key)).status == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS", "CONNECT"])
def test_another_method_than_get_is_a_400(method: str) -> None:
    assert refused(replace(REQUEST, method=method)).status == HTTPStatus.BAD_REQUEST


def test_http_1_0_cannot_upgrade() -> None:
    assert refused(replace(REQUEST, http_version="1.0")).status == HTTPStatus.HTTP_VERSION_NOT_SUPPORTED


@pytest.mark.parametrize("host", [None, "", "a.example, b.example"], ids=["missing", "empty", "sent twice"])
def test_anything_but_one_host_is_a_400(host: str | None) -> None:
    assert refused(bent(host=host)).status == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("connection", ["Upgrade", "keep-alive, Upgrade", "keep-alive,UPGRADE", " upgrade ,x"])
@pytest.mark.parametrize("upgrade", ["websocket", "WebSocket", "h2c, websocket"])
def test_upgrade_and_connection_are_lists_of_tokens_in_any_case(upgrade: str, connection: str) -> None:
    accepted(bent(upgrade=upgrade, connection=connection))


@pytest.mark.parametrize(
    "request_",
    [
        bent(upgrade=None),
        bent(upgrade="h2c"),
        bent(upgrade="websockets"),
        bent(connection=None),
        bent(connection="keep-alive"),
        bent(connection="no-upgrade"),
    ],
)
def test_a_request_that_asks_for_no_websocket_is_told_to_upgrade(request_: Request) -> None:
    refusal = refused(request_)
    assert refusal.status == HTTPStatus.UPGRADE_REQUIRED
    assert b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" in refusal.response


@pytest.mark.parametrize("version", [None, "", "8", "0", "14", "13, 13", "13, 8", "+13"])
def test_another_version_is_told_to_use_13(version: str | None) -> None:
    refusal = refused(bent(sec_websocket_version=version))
    assert refusal.status == HTTPStatus.UPGRADE_REQUIRED
    assert b"\r\nSec-WebSocket-Version: 13\r\n" in refusal.response


def test_a_page_of_a_foreign_origin_is_a_403() -> None:
    assert refused(bent(origin="http://evil.example")).status == HTTPStatus.FORBIDDEN


def test_only_pages_of_the_same_host_may_connect_by_default() -> None:
    assert refused(REQUEST, Settings()).status == HTTPStatus.FORBIDDEN
    same_host = bent(origin="https://server.example.com")
    assert isinstance(negotiate(same_host, Settings(), ()), Accepted)


def test_a_client_without_an_origin_may_connect_under_every_policy() -> None:
    for settings in (Settings(), SETTINGS, Settings(origins=AnyOrigin())):
        assert isinstance(negotiate(bent(origin=None), settings, ()), Accepted)


@pytest.mark.parametrize(
    ("offered", "spoken", "chosen"),
    [
        ("chat, superchat", ("chat", "superchat"), "chat"),
        ("chat, superchat", ("superchat", "chat"), "superchat"),
        ("phoenix, base64url.bearer.phx.c2VjcmV0", ("regrow.msgpack", "phoenix"), "phoenix"),
        ("chat", ("phoenix",), None),
        ("Phoenix", ("phoenix",), None),
        ("chat", (), None),
        ("", ("phoenix",), None),
        (None, ("phoenix",), None),
    ],
)
def test_the_subprotocol_is_the_servers_best_that_the_client_offers(
    offered: str | None, spoken: tuple[str, ...], chosen: str | None
) -> None:
    decision = accepted(bent(sec_websocket_protocol=offered), spoken)
    assert decision.subprotocol == chosen
    assert (b"\r\nSec-WebSocket-Protocol: " in decision.response) == (chosen is not None)


@given(
    headers=st.dictionaries(st.sampled_from(sorted(REQUEST.headers)), st.text(st.characters(max_codepoint=255))),
    method=st.sampled_from(["GET", "POST"]),
)
def test_every_request_gets_a_decision(headers: dict[str, str], method: str) -> None:
    request = replace(REQUEST, method=method, headers={**REQUEST.headers, **headers})
    decision = negotiate(request, SETTINGS, ("chat", "superchat"))
    assert decision.response.startswith(b"HTTP/1.1 101 " if isinstance(decision, Accepted) else b"HTTP/1.1 4")
