"""Who may connect: the connect hook, at once or in its own time."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import trio

from regrow.gateway import Handler, RefuseError, Request, Session, Settings, Socket, Tokens
from regrow.gateway._operations._metrics import Refusal
from tests.support.phoenix_client import PATH, PhoenixClient
from tests.support.raw_client import upgrade_request
from tests.support.serving import serving
from tests.support.socket_test import pass_time, socket_test
from tests.support.wire import TEXT, client_frame

TOKENS = Tokens(secrets=("s" * 32,), clock=lambda: 1_000.0)
STALE = Tokens(secrets=("s" * 32,), clock=lambda: 0.0, max_age=1)


class Door(Handler):
    """Lets in who has a token."""

    @classmethod
    def connect(cls, request: Request) -> Any:
        if request.cookies.get("banned"):
            raise RefuseError(401, "Not you.")
        return TOKENS.verify(request.params.get("token")).subject

    def open(self) -> None:
        self.send(f"hello {self.session}")

    def receive(self, frame: str | bytes) -> None:
        self.send(frame)


class SlowDoor(Door):
    """The same, but it looks something up first."""

    go: ClassVar[trio.Event]
    cancelled: ClassVar[int] = 0

    @classmethod
    async def connect(cls, request: Request) -> Any:
        try:
            await cls.go.wait()
        except trio.Cancelled:
            cls.cancelled += 1
            raise
        if request.params.get("token") == "crash":
            raise RuntimeError
        return super().connect(request)


@pytest.fixture(autouse=True)
def _closed() -> None:
    SlowDoor.go = trio.Event()
    SlowDoor.cancelled = 0


DOORS = pytest.mark.parametrize("door", [Door, SlowDoor])


@DOORS
@socket_test
async def test_a_client_with_a_token_comes_in_and_its_handler_knows_who_it_is(door: type[Handler]) -> None:
    async with serving({"/door": door}) as served:
        SlowDoor.go.set()
        client = await served.client(f"/door?token={TOKENS.sign('ann')}")
        assert await client.text() == "hello ann"
        assert await client.echoes()


@DOORS
@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "There is no token."),
        ("nonsense", "This is not a token."),
        (STALE.sign("ann"), "The token has expired."),
        (Tokens(secrets=("x" * 32,)).sign("ann"), "The token is not signed with a secret of this server."),
    ],
)
@socket_test
async def test_a_client_without_a_good_token_is_a_401_that_says_why(
    door: type[Handler], token: str, reason: str
) -> None:
    async with serving({"/door": door}) as served:
        SlowDoor.go.set()
        client = await served.connect()
        await client.send(upgrade_request(f"/door?token={token}"))
        head = await client.head()
        assert head.startswith("HTTP/1.1 401 ")
        assert "\r\nWWW-Authenticate: Bearer" in head
        assert await client.rest() == f"{reason}\n".encode()
        assert served.metrics.refusals[Refusal.TOKEN] == 1


@DOORS
@socket_test
async def test_a_client_that_the_hook_refuses_gets_its_status(door: type[Handler]) -> None:
    async with serving({"/door": door}) as served:
        SlowDoor.go.set()
        client = await served.connect()
        await client.send(upgrade_request("/door", {"Cookie": "theme=dark; banned=1"}))
        head = await client.head()
        assert head.startswith("HTTP/1.1 401 ")
        assert "\r\nWWW-Authenticate: Bearer" in head
        assert await client.rest() == b"Not you.\n"


@socket_test
async def test_a_hook_that_crashes_in_its_own_time_is_a_500() -> None:
    async with serving({"/door": SlowDoor}) as served:
        SlowDoor.go.set()
        client = await served.connect()
        await client.send(upgrade_request("/door?token=crash"))
        assert await client.status() == 500


@socket_test
async def test_what_a_client_says_while_it_is_judged_is_served_afterwards_and_others_do_not_wait() -> None:
    async with serving({"/door": SlowDoor}) as served:
        client = await served.connect()
        await client.send(upgrade_request(f"/door?token={TOKENS.sign('ann')}"), client_frame(TEXT, b"1"))
        await served.settle()
        await client.send(client_frame(TEXT, b"2")[:3])
        await served.settle()
        await client.send(client_frame(TEXT, b"2")[3:])
        assert await (await served.client()).echoes()
        SlowDoor.go.set()
        assert await client.status() == 101
        assert [await client.text() for _ in range(3)] == ["hello ann", "1", "2"]


@socket_test
async def test_a_client_that_says_too_much_while_it_is_judged_is_a_400() -> None:
    async with serving({"/door": SlowDoor}, Settings(max_header_size=1000)) as served:
        client = await served.connect()
        await client.send(upgrade_request("/door"))
        await served.settle()
        await client.send(b"x" * 1001)
        assert await client.status() == 400
        await served.settle()
        assert SlowDoor.cancelled == 1


@pytest.mark.parametrize("how", ["reset", "aclose"])
@socket_test
async def test_a_judgement_is_cancelled_when_the_client_leaves(how: str) -> None:
    async with serving({"/door": SlowDoor}) as served:
        client = await served.connect()
        await client.send(upgrade_request("/door"))
        await served.settle()
        before = len(served.node.processes)
        await getattr(client, how)()
        await served.settle()
        assert SlowDoor.cancelled == 1
        assert len(served.node.processes) == before - 1


@socket_test
async def test_a_judgement_that_takes_too_long_ends_with_the_handshake() -> None:
    async with serving({"/door": SlowDoor}, Settings(handshake_timeout=10)) as served:
        client = await served.connect()
        await client.send(upgrade_request("/door"))
        await pass_time(12)
        assert await client.is_ended()
        assert SlowDoor.cancelled == 1
        assert served.metrics.refusals[Refusal.TIMEOUT] == 1


@socket_test
async def test_a_gateway_that_stops_waits_for_no_judgement() -> None:
    async with serving({"/door": SlowDoor}) as served:
        client = await served.connect()
        await client.send(upgrade_request("/door"))
        await served.settle()
    assert SlowDoor.cancelled == 1


class User(Socket):
    """A socket whose user comes from its token."""

    @classmethod
    def connect(cls, request: Request) -> Session:
        session: Session = super().connect(request)
        session.assign(user=TOKENS.verify(request.params.get("token")).subject)
        return session

    def receive(self, frame: str | bytes) -> None:
        if frame == "who":
            self.send(self.session.assigns["user"])
        else:
            super().receive(frame)


@socket_test
async def test_a_socket_keeps_what_its_hook_knows_of_the_client() -> None:
    async with serving({"/socket/websocket": User}) as served:
        client = await PhoenixClient.open(served, f"{PATH}&token={TOKENS.sign('ann')}")
        await client.raw.send_text("who")
        assert await client.raw.text() == "ann"
        refused = await served.connect()
        await refused.send(upgrade_request(PATH))
        assert await refused.status() == 401
