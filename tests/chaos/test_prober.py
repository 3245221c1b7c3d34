from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio
import trio.testing

from regrow.chaos._load_protocol import Answer, Kind, Request
from regrow.chaos._prober import Prober

from .runs import ping


class Pings:
    """Records who was pinged when, in seconds since it was made."""

    def __init__(self) -> None:
        self.began = trio.current_time()
        self.sent: list[tuple[int, float]] = []

    async def __call__(self, client: int, intended: float) -> None:
        await trio.lowlevel.checkpoint()
        self.sent.append((client, round(trio.current_time() - self.began, 6)))

    def times(self, client: int) -> list[float]:
        return [at for pinged, at in self.sent if pinged == client]


@asynccontextmanager
async def probing(*clients: int) -> AsyncGenerator[tuple[Prober, Pings, trio.Event], None]:
    pings = Pings()
    prober = Prober(pings)
    done = trio.Event()

    async def run() -> None:
        await prober.run(clients)
        done.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await trio.testing.wait_all_tasks_blocked()
        yield prober, pings, done
        nursery.cancel_scope.cancel()


def under_mock_clock(test: Callable[[trio.testing.MockClock], Awaitable[None]]) -> None:
    clock = trio.testing.MockClock()
    trio.run(test, clock, clock=clock)


async def advance(clock: trio.testing.MockClock, milliseconds: int) -> None:
    """Let that many milliseconds pass one by one, everything due having happened in each."""
    for _ in range(milliseconds):
        clock.jump(0.001)
        await trio.testing.wait_all_tasks_blocked()


def answer(client: int) -> Request:
    return ping(client, trio.current_time(), kind=Kind.PROBE)


def test_every_client_is_probed_at_once() -> None:
    async def main(clock: trio.testing.MockClock) -> None:
        async with probing(1, 2, 3) as (_, pings, _):
            assert sorted(pings.sent) == [(1, 0), (2, 0), (3, 0)]

    under_mock_clock(main)


def test_a_silent_client_is_probed_again_ever_less_often() -> None:
    async def main(clock: trio.testing.MockClock) -> None:
        async with probing(1) as (_, pings, _):
            await advance(clock, 1000)
            times = pings.times(1)

            assert times[:4] == [0, 0.005, 0.01, 0.015]
            assert len(times) < 30

    under_mock_clock(main)


def test_a_client_that_answered_is_left_alone_and_the_others_are_not() -> None:
    async def main(clock: trio.testing.MockClock) -> None:
        async with probing(1, 2) as (prober, pings, done):
            prober.saw(answer(1))
            await advance(clock, 6)

            assert pings.times(1) == [0]
            assert pings.times(2) == [0, 0.005]
            assert not done.is_set()

    under_mock_clock(main)


def test_probing_ends_when_everybody_has_answered() -> None:
    async def main(clock: trio.testing.MockClock) -> None:
        async with probing(1, 2) as (prober, _, done):
            prober.saw(answer(1))
            prober.saw(answer(2))
            await advance(clock, 6)

            assert done.is_set()

    under_mock_clock(main)


def test_an_error_a_scheduled_ping_or_a_probe_of_an_earlier_round_is_no_answer() -> None:
    async def main(clock: trio.testing.MockClock) -> None:
        await advance(clock, 10)
        async with probing(1) as (prober, _, done):
            now = trio.current_time()
            prober.saw(Request(1, Kind.PROBE, now, now, now, Answer.ERROR))
            prober.saw(ping(1, now))
            prober.saw(ping(1, now - 0.001, kind=Kind.PROBE))
            await advance(clock, 6)

            assert not done.is_set()

    under_mock_clock(main)


def test_more_clients_than_one_batch_are_all_probed_once_before_any_is_probed_twice() -> None:
    async def main(clock: trio.testing.MockClock) -> None:
        async with probing(*range(300)) as (_, pings, _):
            assert sorted(client for client, _ in pings.sent) == list(range(300))

    under_mock_clock(main)
