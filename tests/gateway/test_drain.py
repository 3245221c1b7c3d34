"""Draining: connections are closed in batches, at random, within a deadline."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from regrow.actors import open_node
from regrow.gateway import Echo, Gateway, Settings, open_gateway
from regrow.gateway._serving._drain import pauses
from tests.support.raw_client import RawClient
from tests.support.socket_test import pass_time, socket_test

if TYPE_CHECKING:
    from regrow.gateway import RunningGateway

SETTINGS = Settings(drain_batch=4, drain_interval=2, drain_timeout=30, close_timeout=5)


@given(connections=st.integers(0, 100_000), seed=st.integers(0, 99), interval=st.floats(0.1, 10))
def test_pauses_are_spread_about_the_interval_and_fit_into_the_deadline(
    connections: int, seed: int, interval: float
) -> None:
    settings = Settings(drain_batch=1_000, drain_interval=interval, drain_timeout=30, close_timeout=5)
    waits = pauses(connections, settings, seeded(seed))
    assert len(waits) == max(0, -(-connections // 1_000) - 1)
    assert sum(waits) <= 25 + 1e-9
    assert all(0 < wait <= 1.5 * interval for wait in waits)


def test_one_batch_needs_no_pause() -> None:
    assert pauses(1_000, Settings(drain_batch=1_000), seeded(1)) == []


def test_a_deadline_shorter_than_the_goodbye_leaves_half_of_it_for_the_batches() -> None:
    settings = Settings(drain_batch=1, drain_interval=100, drain_timeout=4, close_timeout=5)
    assert sum(pauses(10, settings, seeded(1))) == pytest.approx(2)


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - no secret


async def departures(count: int, seed: int, settings: Settings, *, is_deaf: bool = False) -> list[tuple[float, int]]:
    """When each of the clients of a gateway that drains was told to go, and which it was; in that order."""
    told: list[tuple[float, int]] = []
    gateway = Gateway(routes={"/echo": Echo}, settings=settings)
    over, ended = trio.Event(), trio.Event()

    async def serve(task_status: trio.TaskStatus[RunningGateway]) -> None:
        async with open_node(), open_gateway(gateway, port=0, jitter=seeded(seed)) as running:
            task_status.started(running)
            await over.wait()
            assert not running.is_draining
        assert running.is_draining
        assert running.transport.connections == {}
        ended.set()

    async def stay(number: int, client: RawClient) -> None:
        assert await client.close_code() == 1012
        told.append((trio.current_time() - began, number))
        if not is_deaf:
            await client.say_goodbye(1012)
        assert await client.is_ended()
        await client.aclose()

    async with trio.open_nursery() as nursery:
        running: RunningGateway = await nursery.start(serve)
        clients = [await RawClient.connect(running.port) for _ in range(count)]
        for number, client in enumerate(clients):
            await client.upgrade()
            assert await client.echoes()
            nursery.start_soon(stay, number, client)
        await wait_all_tasks_blocked(0.01)
        began = trio.current_time()
        over.set()
        for _ in range(int(settings.drain_timeout * 2)):
            await wait_all_tasks_blocked(0.01)
            if ended.is_set():
                break
            await pass_time(0.5)
        assert ended.is_set()
    return told


@socket_test
async def test_few_clients_are_told_at_once() -> None:
    told = await departures(4, 1, SETTINGS)
    assert [time for time, _ in told] == [0] * 4


@socket_test
async def test_many_clients_are_told_in_batches_in_random_order() -> None:
    orders: set[tuple[int, ...]] = set()
    for seed in (1, 2):
        told = await departures(10, seed, SETTINGS)
        times = [time for time, _ in told]
        first, second, third = sorted(set(times))
        assert [times.count(time) for time in (first, second, third)] == [4, 4, 2]
        assert first == 0
        assert 1 <= second <= 3.5
        assert 1 <= third - second <= 3.5
        assert sorted(number for _, number in told) == list(range(10))
        orders.add(tuple(number for _, number in told))
    assert len(orders) == 2


@socket_test
async def test_many_deaf_clients_are_gone_within_the_deadline() -> None:
    settings = Settings(drain_batch=1, drain_interval=5, drain_timeout=12, close_timeout=4)
    told = await departures(6, 1, settings, is_deaf=True)
    assert len(told) == 6
    assert max(time for time, _ in told) <= settings.drain_timeout


@socket_test
async def test_whoever_does_not_want_to_wait_breaks_the_connections_that_are_left() -> None:
    over, ended = trio.Event(), trio.Event()
    settings = Settings(drain_batch=1, drain_interval=10, drain_timeout=100)

    async def serve(task_status: trio.TaskStatus[RunningGateway]) -> None:
        gateway = Gateway(routes={"/echo": Echo}, settings=settings)
        async with open_node(), open_gateway(gateway, port=0, jitter=seeded(1)) as running:
            task_status.started(running)
            await over.wait()
        ended.set()

    async with trio.open_nursery() as nursery:
        running: RunningGateway = await nursery.start(serve)
        clients = [await RawClient.connect(running.port) for _ in range(5)]
        for client in clients:
            await client.upgrade()
        over.set()
        await wait_all_tasks_blocked(0.01)
        running.transport.disconnect()
        await ended.wait()
        for client in clients:
            await client.aclose()
