import sys

import pytest
import trio

from regrow.chaos._clock import MonotonicClock
from regrow.chaos._errors import LoadFailedError
from regrow.chaos._load import open_load
from regrow.chaos._load_protocol import Kind, LoadResult, Plan
from tests.support.phoenix_server import PhoenixServer


def plan(port: int) -> Plan:
    return Plan(
        port=port,
        connections=10,
        room_size=5,
        rate=200,
        broadcast_rate=50,
        deadline=0.2,
        lifetime=20,
        seed=1,
    )


def test_real_clients_join_ping_on_schedule_and_hear_their_room() -> None:
    async def main() -> LoadResult:
        async with PhoenixServer().serve() as port, open_load(plan(port)) as load:
            seen: list[int] = []
            await load.connected(seen.append)
            assert seen == list(range(1, 11))
            await load.probe([3, 4])
            await load.answered()
            await trio.sleep(0.3)
            return await load.finish()

    result = trio.run(main, clock=MonotonicClock())

    assert {request.client for request in result.requests} == set(range(10))
    assert {request.client for request in result.requests if request.kind is Kind.PROBE} == {3, 4}
    assert not any(request.failed(1.0) for request in result.requests)
    assert result.broadcasts
    assert len(result.deliveries) == 5 * len(result.broadcasts)
    assert (result.drops, result.channel_events) == ((), ())


def test_a_load_process_that_was_killed_is_reported_with_its_exit_status() -> None:
    async def main() -> None:
        async with PhoenixServer().serve() as port, open_load(plan(port)) as load:
            await load.connected(lambda _: None)
            load._process.kill()
            await load.answered()

    with pytest.RaisesGroup(pytest.RaisesExc(LoadFailedError, match="exit status -9"), flatten_subgroups=True):
        trio.run(main, clock=MonotonicClock())


def test_leaving_the_context_ends_the_process_without_killing_it() -> None:
    async def main() -> int | None:
        async with PhoenixServer().serve() as port:
            async with open_load(plan(port)) as load:
                await load.connected(lambda _: None)
            return load._process.returncode

    assert trio.run(main, clock=MonotonicClock()) == 0


def test_the_process_says_nothing_and_ends_when_its_input_ends_before_a_plan() -> None:
    async def main() -> tuple[int, bytes]:
        done = await trio.run_process(
            [sys.executable, "-m", "regrow.chaos._load_process"],
            stdin=b"",
            capture_stdout=True,
            env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        )
        return done.returncode, done.stdout

    assert trio.run(main) == (0, b"")
