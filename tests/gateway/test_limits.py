"""How many, how often and from where: each limit over real sockets, with its answer and the count it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from regrow.gateway import Page, Request, Settings
from regrow.gateway._operations._metrics import Refusal
from tests.support.channels import AsyncObedientSocket, ObedientSocket
from tests.support.phoenix_client import PhoenixClient, error, join, ok
from tests.support.raw_client import upgrade_request
from tests.support.serving import serving
from tests.support.socket_test import pass_time, socket_test

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regrow.gateway import Handler
    from tests.support.raw_client import RawClient
    from tests.support.serving import Served

BEHIND_PROXY = Settings(trusted_proxies=("127.0.0.1",), max_connections_per_address=2)


async def asked(
    served: Served, headers: Mapping[str, str | None] | None = None, source: str = "127.0.0.1"
) -> RawClient:
    client = await served.connect(source=source)
    await client.send(upgrade_request(headers=headers))
    return client


async def status(served: Served, headers: Mapping[str, str | None] | None = None, source: str = "127.0.0.1") -> int:
    return await (await asked(served, headers, source)).status()


def retry_after(head: str) -> int:
    (line,) = [line for line in head.split("\r\n") if line.startswith("Retry-After: ")]
    return int(line.partition(": ")[2])


# How many come in a second.


@socket_test
async def test_more_clients_a_second_than_the_rate_are_a_503_and_those_who_wait_come_in() -> None:
    settings = Settings(accept_rate=2, accept_burst=3)
    async with serving(settings=settings) as served:  # the bystander takes a token
        assert [await status(served) for _ in range(4)] == [101, 101, 503, 503]
        assert served.metrics.refusals[Refusal.RATE] == 2
        await pass_time(1)
        assert [await status(served) for _ in range(3)] == [101, 101, 503]
        await pass_time(10)  # the bystanders of `serving` need tokens too


@socket_test
async def test_clients_that_are_refused_do_not_lengthen_the_wait_of_the_others() -> None:
    async with serving(settings=Settings(accept_rate=1, accept_burst=1)) as served:
        assert {await status(served) for _ in range(20)} == {503}
        await pass_time(1)
        assert await status(served) == 101
        await pass_time(1)


@socket_test
async def test_clients_that_are_refused_together_are_told_to_come_back_at_different_seconds() -> None:
    async with serving(settings=Settings(accept_rate=1, accept_burst=1, retry_after=10)) as served:
        seconds = [retry_after(await (await asked(served)).head()) for _ in range(40)]
        assert set(seconds) <= set(range(1, 11))
        assert len(set(seconds)) > 2  # all forty in two of ten seconds: less likely than 1e-25
        await pass_time(1)


@socket_test
async def test_pages_are_answered_in_a_storm() -> None:
    async with serving(settings=Settings(accept_rate=1, accept_burst=1)) as served:
        assert await status(served) == 503
        client = await served.connect()
        await client.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await client.status() == 200
        await pass_time(1)


@socket_test
async def test_a_storm_is_refused_while_who_is_in_is_served() -> None:
    settings = Settings(accept_rate=1, accept_burst=1, max_connections_per_address=1000)
    async with serving(settings=settings) as served:
        await pass_time(1)
        joined = await served.client()
        storm = [await served.connect() for _ in range(500)]
        for client in storm:
            await client.send(upgrade_request())
        assert await joined.echoes()
        for client in storm:
            assert await client.status() == 503
            await client.aclose()
        assert await joined.echoes()
        await served.settle()
        assert len(served.running.transport.connections) == 2
        await pass_time(1)


@socket_test
async def test_what_refuses_is_counted_by_reason() -> None:
    async with serving(settings=Settings(max_connections_per_address=2)) as served:
        assert [await status(served, source="127.0.0.9") for _ in range(3)] == [101, 101, 429]
        assert await status(served, {"Origin": "https://evil.example"}, "127.0.0.2") == 403
        client = await served.connect(source="127.0.0.3")
        await client.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        body = (await client.rest()).decode()
        assert 'regrow_connections_refused_total{reason="address"} 1.0\n' in body
        assert 'regrow_connections_refused_total{reason="origin"} 1.0\n' in body
        assert served.metrics.refused == 2


# From where.


@socket_test
async def test_behind_a_trusted_proxy_each_client_has_the_limit_of_an_address() -> None:
    async with serving(settings=BEHIND_PROXY) as served:
        ann, bob = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "192.0.2.2"}
        assert [await status(served, ann) for _ in range(3)] == [101, 101, 429]
        assert [await status(served, bob) for _ in range(3)] == [101, 101, 429]
        assert served.running.transport.per_address["127.0.0.1"] == 1  # the bystander


@socket_test
async def test_a_client_that_makes_up_its_address_through_a_proxy_is_counted_under_its_own() -> None:
    async with serving(settings=BEHIND_PROXY) as served:
        made_up = [{"X-Forwarded-For": f"198.51.100.{number}, 192.0.2.1"} for number in range(3)]
        assert [await status(served, headers) for headers in made_up] == [101, 101, 429]


@socket_test
async def test_a_client_that_is_no_proxy_is_not_believed() -> None:
    async with serving(settings=BEHIND_PROXY) as served:
        made_up = [{"X-Forwarded-For": f"198.51.100.{number}"} for number in range(3)]
        assert [await status(served, headers, "127.0.0.9") for headers in made_up] == [101, 101, 429]


@socket_test
async def test_without_trusted_proxies_nobody_is_believed() -> None:
    async with serving(settings=Settings(max_connections_per_address=2)) as served:
        made_up = [{"X-Forwarded-For": f"198.51.100.{number}"} for number in range(3)]
        assert [await status(served, headers, "127.0.0.9") for headers in made_up] == [101, 101, 429]


@socket_test
async def test_a_connection_and_its_request_show_the_address_of_the_client() -> None:
    def where(request: Request) -> Page:
        return Page(request.address.encode())

    async with serving(views={"/where": where}, settings=BEHIND_PROXY) as served:
        await asked(served, {"X-Forwarded-For": "192.0.2.1"})
        await served.settle()
        assert "192.0.2.1" in {connection.address for connection in served.running.transport.connections.values()}
        client = await served.connect()
        await client.send(b"GET /where HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n")
        await client.head()
        assert await client.rest() == b"192.0.2.7"
        direct = await served.connect(source="127.0.0.9")
        await direct.send(b"GET /where HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n")
        await direct.head()
        assert await direct.rest() == b"127.0.0.9"


# How often one socket joins.


@pytest.mark.parametrize("kind", [ObedientSocket, AsyncObedientSocket])
@socket_test
async def test_a_join_over_the_rate_is_an_error_and_a_client_that_goes_on_is_closed_with_1008(
    kind: type[Handler],
) -> None:
    settings = Settings(join_rate=1, join_burst=2, message_rate=1000, message_burst=1000)
    async with serving({"/socket/websocket": kind}, settings) as served:
        client = await PhoenixClient.open(served)
        for ref in ("1", "2"):
            await client.joined(f"obey:{ref}", ref)
        for ref in ("3", "4"):
            assert await client.ask(join(ref, "obey:x")) == error(ref, ref, "obey:x", "too many joins")
        assert await client.ask(join("5", "obey:x")) == error("5", "5", "obey:x", "too many joins")
        assert (await client.goodbye()).code == 1008
        assert served.metrics.joins_refused == 3


@socket_test
async def test_joins_of_a_topic_that_nobody_serves_count() -> None:
    settings = Settings(join_rate=1, join_burst=2)
    async with serving({"/socket/websocket": ObedientSocket}, settings) as served:
        client = await PhoenixClient.open(served)
        for ref in ("1", "2"):
            assert await client.ask(join(ref, "nobody")) == error(None, ref, "nobody", "unmatched topic")
        assert await client.ask(join("3", "nobody")) == error("3", "3", "nobody", "too many joins")


@socket_test
async def test_a_client_that_was_over_its_join_rate_joins_once_it_has_waited() -> None:
    settings = Settings(join_rate=1, join_burst=1)
    async with serving({"/socket/websocket": ObedientSocket}, settings) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:1", "1")
        assert await client.ask(join("2", "obey:2")) == error("2", "2", "obey:2", "too many joins")
        await pass_time(2)
        assert await client.ask(join("3", "obey:2")) == ok("3", "3", "obey:2")
        assert await client.hears_nothing_more()


@socket_test
async def test_a_socket_rejoins_all_its_channels_at_once_with_the_defaults() -> None:
    settings = Settings()
    assert settings.join_burst >= settings.max_channels


@socket_test
async def test_messages_over_the_rate_and_channels_over_the_limit_are_counted() -> None:
    settings = Settings(max_channels=1, message_rate=1, message_burst=3)
    async with serving({"/socket/websocket": ObedientSocket}, settings) as served:
        client = await PhoenixClient.open(served)
        await client.joined("obey:1", "1")
        assert await client.ask(join("2", "obey:2")) == error("2", "2", "obey:2", "too many channels joined")
        await client.send(join("3", "obey:2"), join("4", "obey:2"), join("5", "obey:2"))
        for _ in range(3):
            await client.hear()
        assert served.metrics.joins_refused == 2
        assert served.metrics.overrun == 2
