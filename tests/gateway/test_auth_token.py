"""The token a Phoenix client sends beside its subprotocols."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.gateway import BadRequestError, RefuseError, Request, Session, Socket
from regrow.gateway._http._auth_token import UnreadableTokenError, token_among
from tests.support.raw_client import upgrade_request
from tests.support.serving import serving
from tests.support.socket_test import socket_test

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "base64url.bearer.phx."
SESAME = "open sesame"
PATH = "/socket/websocket?vsn=2.0.0"


@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
@given(token=st.text())
def test_a_token_is_read_in_both_alphabets_with_padding_and_without(
    encode: Callable[[bytes], bytes], token: str
) -> None:
    encoded = encode(token.encode()).decode()
    assert token_among(f"phoenix, {PREFIX}{encoded}") == token
    assert token_among(f"{PREFIX}{encoded.rstrip('=')},phoenix") == token


def test_without_a_token_there_is_none() -> None:
    assert token_among("") is None
    assert token_among("phoenix, regrow.msgpack") is None


@pytest.mark.parametrize("encoded", ["a", "a b", "****", "YQ=Q", "é", "/w"])
def test_a_token_that_is_no_base64_of_utf_8_is_an_error_that_does_not_repeat_it(encoded: str) -> None:
    with pytest.raises(UnreadableTokenError) as raised:
        token_among(f"phoenix, {PREFIX}{encoded}")
    assert PREFIX + encoded not in str(raised.value)


def test_two_tokens_are_an_error() -> None:
    with pytest.raises(UnreadableTokenError, match="more than one"):
        token_among(f"phoenix, {PREFIX}YQ, {PREFIX}Yg")


class Guarded(Socket):
    """Lets in who has the right token."""

    @classmethod
    def connect(cls, request: Request) -> Session:
        if request.auth_token != SESAME:
            raise RefuseError(403, "not you")
        session: Session = super().connect(request)
        return session


class Open(Socket):
    """Reads no token."""


def offer(token: bytes) -> dict[str, str | None]:
    """As phoenix.js does it: btoa, padding off."""
    return {"Sec-WebSocket-Protocol": f"phoenix, {PREFIX}{b64encode(token).decode().rstrip('=')}"}


@socket_test
async def test_the_connect_hook_sees_the_token_and_the_answer_names_the_subprotocol() -> None:
    async with serving({"/socket/websocket": Guarded}) as served:
        client = await served.connect()
        await client.send(upgrade_request(PATH, offer(b"open sesame")))
        head = await client.head()
        assert head.startswith("HTTP/1.1 101 ")
        assert "Sec-WebSocket-Protocol: phoenix" in head.splitlines()


@pytest.mark.parametrize("headers", [offer(b"wrong"), {}])
@socket_test
async def test_a_wrong_token_or_none_is_what_the_connect_hook_says(headers: dict[str, str | None]) -> None:
    async with serving({"/socket/websocket": Guarded}) as served:
        client = await served.connect()
        await client.send(upgrade_request(PATH, headers))
        assert await client.status() == 403


@pytest.mark.parametrize("socket", [Guarded, Open])
@socket_test
async def test_a_malformed_token_is_a_400_whether_or_not_anyone_reads_it(socket: type[Socket]) -> None:
    async with serving({"/socket/websocket": socket}) as served:
        client = await served.connect()
        await client.send(upgrade_request(PATH, {"Sec-WebSocket-Protocol": f"phoenix, {PREFIX}!!!"}))
        assert await client.status() == 400


@socket_test
async def test_a_token_and_msgpack_go_together() -> None:
    async with serving({"/socket/websocket": Guarded}) as served:
        client = await served.connect()
        token = offer(b"open sesame")["Sec-WebSocket-Protocol"]
        await client.send(upgrade_request(PATH, {"Sec-WebSocket-Protocol": f"{token}, regrow.msgpack"}))
        assert "Sec-WebSocket-Protocol: regrow.msgpack" in (await client.head()).splitlines()


def test_a_request_shows_neither_its_headers_nor_its_query() -> None:
    request = Request("GET", "/socket", "token=secret", {"sec-websocket-protocol": f"phoenix, {PREFIX}secret"}, "1.1")
    assert "secret" not in repr(request)
    with pytest.raises(BadRequestError) as raised:
        _ = Request("GET", "/", "", {"sec-websocket-protocol": f"{PREFIX}sec*ret"}, "1.1").auth_token
    assert "sec*ret" not in raised.value.reason
