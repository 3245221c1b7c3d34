"""ActorFuture: a pykka future that trio can wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pykka
import pytest
import trio

from regrow.actors import KILLED, ActorDiedError, ActorFuture
from tests.support.trio_test import trio_test

if TYPE_CHECKING:
    from collections.abc import Iterable


@trio_test
async def test_await_returns_what_was_set_before_or_after() -> None:
    early: ActorFuture[int] = ActorFuture()
    early.set(1)
    assert await early == 1

    late: ActorFuture[int] = ActorFuture()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_set, late)
        assert await late == 2


async def _set(future: ActorFuture[int]) -> None:
    await trio.sleep(1)
    future.set(2)


@trio_test
async def test_every_awaiter_is_woken() -> None:
    future: ActorFuture[int] = ActorFuture()
    seen: list[int] = []

    async def wait() -> None:
        seen.append(await future)

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(wait)
        nursery.start_soon(_set, future)

    assert seen == [2, 2, 2]


@trio_test
async def test_an_exception_is_raised_at_every_await() -> None:
    future: ActorFuture[int] = ActorFuture()
    future.set_exception((ValueError, ValueError("bad"), None))

    for _ in range(2):
        with pytest.raises(ValueError, match="bad"):
            await future


@trio_test
async def test_a_cancelled_await_loses_nothing() -> None:
    future: ActorFuture[int] = ActorFuture()
    with trio.move_on_after(1):
        await future
    future.set(3)

    assert await future == 3


@trio_test
async def test_a_future_set_in_another_thread_wakes_the_awaiter() -> None:
    future: ActorFuture[int] = ActorFuture()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, future.set, 4)
        assert await future == 4


@trio_test
async def test_map_filter_join_and_reduce_are_awaitable() -> None:
    numbers: ActorFuture[Iterable[int]] = ActorFuture()
    other: ActorFuture[int] = ActorFuture()
    numbers.set([1, 2, 3, 4])
    other.set(5)

    assert await numbers.map(sum) == 10
    assert await numbers.filter(lambda number: number % 2 == 0) == [2, 4]
    assert await numbers.reduce(lambda total, number: total + number, 0) == 10
    assert await numbers.join(other) == [[1, 2, 3, 4], 5]


@trio_test
async def test_a_mapped_future_is_mapped_once() -> None:
    calls: list[int] = []
    future: ActorFuture[int] = ActorFuture()
    future.set(1)
    mapped = future.map(calls.append)

    await mapped
    await mapped

    assert calls == [1]


@trio_test
async def test_death_counts_only_before_a_reply() -> None:
    dead: ActorFuture[int] = ActorFuture()
    dead.fire(KILLED)
    with pytest.raises(ActorDiedError) as caught:
        await dead
    assert caught.value.reason is KILLED
    assert isinstance(caught.value, pykka.ActorDeadError)

    answered: ActorFuture[int] = ActorFuture()
    answered.set(1)
    answered.fire(KILLED)
    assert await answered == 1


def test_get_works_where_no_trio_runs() -> None:
    future: ActorFuture[int] = ActorFuture()
    with pytest.raises(pykka.Timeout):
        future.get(timeout=0)
    future.set(1)

    assert future.get() == 1
