"""``/healthz`` and ``/readyz``."""

from __future__ import annotations

import logging

import pytest

from regrow.actors import KILL, exit_signal, whereis
from regrow.gateway import Gateway, Settings
from regrow.gateway._operations._health import Health
from tests.support.raw_client import upgrade_request
from tests.support.scraping import get
from tests.support.serving import serving
from tests.support.socket_test import socket_test


@socket_test
async def test_a_gateway_that_is_well_says_so_in_a_word() -> None:
    async with serving() as served:
        assert await get(served, "/healthz") == (200, "ok\n")
        assert await get(served, "/readyz") == (200, "ready\n")
        assert await get(served, "/readyz", "HEAD") == (200, "")


@socket_test
async def test_a_full_gateway_is_alive_and_not_ready() -> None:
    async with serving(settings=Settings(max_connections=2)) as served:
        second = await served.client()
        assert await get(served, "/readyz") == (503, "not ready: full\n")
        assert await get(served, "/healthz") == (200, "ok\n")
        await second.reset()
        await served.settle()
        assert await get(served, "/readyz") == (200, "ready\n")


@socket_test
async def test_ready_is_who_would_let_the_next_client_in() -> None:
    async with serving(settings=Settings(max_connections=2)) as served:
        assert (await get(served, "/readyz"))[0] == 200
        client = await served.connect()
        await client.send(upgrade_request())
        assert await client.status() == 101
        assert (await get(served, "/readyz"))[0] == 503
        late = await served.connect()
        await late.send(upgrade_request())
        assert await late.status() == 503
        for one in (client, late):
            await one.reset()


@socket_test
async def test_without_a_descriptor_left_it_is_degraded() -> None:
    async with serving() as served:
        served.running.transport.is_exhausted = True
        words = "no file descriptor was left for the last connection\n"
        assert await get(served, "/healthz") == (200, f"degraded: {words}")
        assert await get(served, "/readyz") == (503, f"not ready: {words}")
        served.running.transport.is_exhausted = False


@socket_test
async def test_a_part_that_is_down_is_named_until_it_is_back() -> None:
    async with serving() as served:
        transport = served.running.transport
        health = Health(transport, ["regrow.connections.0", "regrow.channels.1"], lambda: False, {})
        pid = whereis("regrow.channels.1")
        assert pid is not None
        exit_signal(pid, KILL)
        assert health.degraded() == ["regrow.channels.1 is down"]
        await served.settle()
        assert health.degraded() == []


@socket_test
async def test_a_gateway_that_drains_listens_no_more_or_has_no_tree_is_not_ready() -> None:
    async with serving() as served:
        transport = served.running.transport
        health = Health(transport, [], lambda: True, {})
        assert health.unready() == ["draining", "the supervision tree is not running"]
        health = Health(transport, [], lambda: False, {})
        health.tree = whereis("regrow.gateway")
        assert health.unready() == []
        transport.is_listening = False
        assert health.unready() == ["not listening"]
        transport.is_listening = True


@socket_test
async def test_checks_of_a_program_are_asked_each_time_and_named_when_they_do_not_hold(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers = [True, False]

    def broken() -> bool:
        raise RuntimeError("no pool")

    checks = {"the database is away": lambda: answers.pop(0)}
    async with serving(checks=checks) as served:
        assert await get(served, "/readyz") == (200, "ready\n")
        assert await get(served, "/readyz") == (503, "not ready: the database is away\n")
    with caplog.at_level(logging.ERROR, "regrow.gateway"):
        async with serving(checks={"pool": broken}) as served:
            assert await get(served, "/readyz") == (503, "not ready: pool\n")
            assert await get(served, "/healthz") == (200, "ok\n")
    assert "no pool" in caplog.text


def test_a_check_that_would_be_two_lines_is_an_error() -> None:
    with pytest.raises(ValueError, match="printable"):
        Gateway(routes={}, checks={"two\nlines": lambda: True})
