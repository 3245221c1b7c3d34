"""What becomes of a connection before a process serves it, over real sockets."""

from __future__ import annotations

from typing import Any

import pytest

from regrow.gateway import AnyOrigin, Handler, OneOf, Page, RefuseError, Request, SameHost, Settings
from tests.support.raw_client import upgrade_request
from tests.support.serving import serving
from tests.support.socket_test import pass_time, socket_test
from tests.support.wire import TEXT, client_frame

pytestmark = pytest.mark.usefixtures("each_transport")


class Picky(Handler):
    """Judges its clients by a parameter of the URL."""

    @classmethod
    def connect(cls, request: Request) -> Any:
        match request.params.get("token"):
            case "good":
                return request.params
            case "broken":
                raise RuntimeError
            case "nonsense":
                raise RefuseError(999, "No such status.")
            case _:
                raise RefuseError(403, "Wrong token.")

    def open(self) -> None:
        self.send(self.session["token"])


class Spoken(Handler):
    """Speaks two subprotocols."""

    subprotocols = ("b", "a")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", 426),
        (b"POST /echo HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /echo HTTP/9.9\r\nHost: x\r\n\r\n", 505),
        (b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 413),
        (b"GET /" + b"x" * 20_000, 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n", 431),
        (upgrade_request(headers={"Sec-WebSocket-Version": "8"}), 426),
        (upgrade_request(headers={"Sec-WebSocket-Key": "short"}), 400),
        (upgrade_request(headers={"Host": None}), 400),
        (upgrade_request(headers={"Upgrade": None}), 426),
        (upgrade_request(headers={"Origin": "https://evil.example"}), 403),
    ],
)
@socket_test
async def test_a_request_that_is_no_upgrade_is_answered_with_its_status_and_closed(
    request_: bytes, status: int
) -> None:
    async with serving() as served:
        client = await served.connect()
        await client.send(request_)
        head = await client.head()
        assert head.startswith(f"HTTP/1.1 {status} ")
        assert "\r\nConnection: close" in head
        await client.rest()
        assert served.metrics.refused == 1


@pytest.mark.parametrize(
    ("policy", "origin", "status"),
    [
        (SameHost(), None, 101),
        (SameHost(), "https://localhost", 101),
        (SameHost(), "https://localhost.evil.example", 403),
        (OneOf(frozenset({"https://a.example"})), "https://a.example", 101),
        (OneOf(frozenset({"https://a.example"})), "https://localhost", 403),
        (AnyOrigin(), "https://evil.example", 101),
    ],
)
@socket_test
async def test_the_origin_policy_decides_which_pages_may_connect(
    policy: SameHost | OneOf | AnyOrigin, origin: str | None, status: int
) -> None:
    async with serving(settings=Settings(origins=policy)) as served:
        client = await served.connect()
        await client.send(upgrade_request(headers={"Origin": origin}))
        assert await client.status() == status


@socket_test
async def test_the_subprotocol_is_the_servers_first_choice_among_those_offered() -> None:
    async with serving({"/spoken": Spoken}) as served:
        client = await served.connect()
        await client.send(upgrade_request("/spoken", {"Sec-WebSocket-Protocol": "x, a, b"}))
        assert (await client.head()).endswith("\r\nSec-WebSocket-Protocol: b")


@socket_test
async def test_a_request_may_come_a_byte_at_a_time_with_the_first_message_behind_it() -> None:
    async with serving() as served:
        client = await served.connect()
        for byte in upgrade_request() + client_frame(TEXT, b"early"):
            await client.send(bytes((byte,)))
        assert await client.status() == 101
        assert await client.text() == "early"


@socket_test
async def test_messages_in_one_segment_with_the_request_are_served() -> None:
    async with serving() as served:
        client = await served.connect()
        await client.send(upgrade_request(), client_frame(TEXT, b"1"), client_frame(TEXT, b"2"))
        assert await client.status() == 101
        assert [await client.text(), await client.text()] == ["1", "2"]


@pytest.mark.parametrize(("token", "status"), [("good", 101), ("bad", 403), ("broken", 500), ("nonsense", 500)])
@socket_test
async def test_a_handler_may_refuse_a_client_and_one_that_breaks_while_judging_is_a_500(
    token: str, status: int
) -> None:
    async with serving({"/picky": Picky}) as served:
        client = await served.connect()
        await client.send(upgrade_request(f"/picky?token={token}"))
        assert await client.status() == status
        if status == 101:
            assert await client.text() == "good"


# Slow and many clients.


@pytest.mark.parametrize("said", [b"", b"GET /echo HT", upgrade_request()[:-2]])
@socket_test
async def test_a_client_that_has_not_sent_its_request_in_time_is_disconnected_unanswered(said: bytes) -> None:
    async with serving(settings=Settings(handshake_timeout=10)) as served:
        client = await served.connect()
        await client.send(said)
        await pass_time(8)
        await client.send(b"\r")  # a byte now and then buys no time
        await pass_time(4)
        assert await client.is_ended()


@socket_test
async def test_one_connection_more_than_the_limit_is_a_503_until_another_leaves() -> None:
    async with serving(settings=Settings(max_connections=2)) as served:  # the bystander is one
        second = await served.client()
        third = await served.connect()
        await third.send(upgrade_request())
        head = await third.head()
        assert head.startswith("HTTP/1.1 503 ")
        assert "\r\nRetry-After: " in head
        await third.rest()
        for client in (second, third):
            await client.aclose()
        await pass_time(0)


@socket_test
async def test_one_connection_more_of_an_address_than_the_limit_is_a_429_and_other_addresses_come_in() -> None:
    async with serving(settings=Settings(max_connections_per_address=3)) as served:
        for status in (101, 101, 101, 429):
            client = await served.connect(source="127.0.0.9")
            await client.send(upgrade_request())
            assert await client.status() == status
        assert await (await served.client()).echoes()


# Pages.


def broken_page(_request: Request) -> Page:
    raise RuntimeError


def impossible_page(_request: Request) -> Page:
    return Page(b"", status=999)


@pytest.mark.parametrize(("path", "body"), [("/healthz", b"ok\n"), ("/hello?name=Ann", b"Hello Ann")])
@socket_test
async def test_a_page_is_answered_with_its_body(path: str, body: bytes) -> None:
    def hello(request: Request) -> Page:
        return Page(f"Hello {request.params['name']}".encode())

    async with serving(views={"/hello": hello}) as served:
        client = await served.connect()
        await client.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = await client.head()
        assert head.startswith("HTTP/1.1 200 OK\r\n")
        assert f"\r\nContent-Length: {len(body)}" in head
        assert await client.rest() == body


@socket_test
async def test_the_head_of_a_page_is_that_of_its_get_without_the_body() -> None:
    heads: list[str] = []
    async with serving() as served:
        for method in ("GET", "HEAD"):
            client = await served.connect()
            await client.send(f"{method} /healthz HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            heads.append(await client.head())
            assert await client.rest() == (b"ok\n" if method == "GET" else b"")
    assert heads[0] == heads[1]


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@socket_test
async def test_a_page_is_read_with_get_and_head_only(method: str) -> None:
    async with serving() as served:
        client = await served.connect()
        await client.send(f"{method} /healthz HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = await client.head()
        assert head.startswith("HTTP/1.1 405 ")
        assert head.endswith("\r\nAllow: GET, HEAD")


@pytest.mark.parametrize("page", [broken_page, impossible_page])
@socket_test
async def test_a_page_that_cannot_be_made_is_a_500(page: Any) -> None:
    async with serving(views={"/page": page}) as served:
        client = await served.connect()
        await client.send(b"GET /page HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await client.status() == 500


@socket_test
async def test_what_follows_a_request_that_was_answered_is_ignored() -> None:
    async with serving() as served:
        client = await served.connect()
        await client.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 2, b"\xff" * 100)
        assert (await client.rest()).count(b"HTTP/1.1") == 1


@socket_test
async def test_a_client_that_does_not_take_its_answer_is_aborted() -> None:
    async with serving(settings=Settings(close_timeout=5)) as served:
        client = await served.connect()
        await client.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await client.status() == 200
        await pass_time(7)
        assert len(served.running.transport.connections) == 1
