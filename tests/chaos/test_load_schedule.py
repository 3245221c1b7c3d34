from itertools import islice

import pytest

from regrow.chaos._load_schedule import Act, Turn, probe_pause, turns

from .test_load_protocol import PLAN

COUNT = 2_000


def schedule(*, seed: int = 1, connections: int = 10, rate: float = 90, broadcast_rate: float = 10) -> list[Turn]:
    plan = type(PLAN)(
        port=1,
        connections=connections,
        room_size=50,
        rate=rate,
        broadcast_rate=broadcast_rate,
        deadline=1,
        lifetime=9,
        seed=seed,
    )
    return list(islice(turns(plan), COUNT))


def test_the_same_plan_gives_the_same_schedule() -> None:
    assert schedule(seed=1) == schedule(seed=1)


def test_another_seed_gives_another_schedule() -> None:
    assert schedule(seed=1) != schedule(seed=2)


def test_turns_come_in_order_of_time() -> None:
    dues = [turn.due for turn in schedule()]

    assert dues == sorted(dues)


def test_turns_come_at_the_planned_rates() -> None:
    planned = schedule(rate=90, broadcast_rate=10)

    assert planned[-1].due == pytest.approx(COUNT / 100, rel=0.1)
    assert sum(turn.act is Act.BROADCAST for turn in planned) == pytest.approx(COUNT / 10, rel=0.2)


def test_every_client_pings_before_one_pings_twice() -> None:
    pings = [turn.client for turn in schedule(connections=10) if turn.act is Act.PING]

    assert set(pings[:10]) == set(pings[10:20]) == set(range(10))


@pytest.mark.parametrize(("silence", "pause"), [(0.0, 0.005), (0.01, 0.005), (1.0, 0.25)])
def test_the_pause_between_probes_is_5_ms_and_grows_to_a_quarter_of_the_silence(silence: float, pause: float) -> None:
    assert probe_pause(silence) == pause
