import pytest

from regrow.chaos._run import Settings, choose_victims, join_stamps
from regrow.chaos._stamps import FaultStamps

from .runs import FAULT, ping, run


@pytest.mark.parametrize(("connections", "count"), [(1, 0), (2, 1), (4, 1), (5, 2), (10, 3), (1000, 300)])
def test_thirty_percent_is_rounded_half_up(connections: int, count: int) -> None:
    assert len(choose_victims(connections, 30, seed=1)) == count


def test_the_seed_decides_the_victims() -> None:
    assert choose_victims(100, 30, seed=1) == choose_victims(100, 30, seed=1)
    assert choose_victims(100, 30, seed=1) != choose_victims(100, 30, seed=2)


def test_victims_are_distinct_clients_in_ascending_order() -> None:
    victims = choose_victims(100, 30, seed=1)

    assert list(victims) == sorted(set(victims))
    assert set(victims) <= set(range(100))


def test_each_victim_has_the_gateways_stamps_and_its_own_clients_service() -> None:
    load = run(requests=[ping(0, FAULT + 1), ping(1, FAULT + 2)]).load
    stamps = {1: FaultStamps(inject=FAULT + 1, detected=FAULT + 1.5), 0: FaultStamps(inject=FAULT)}

    zero, one = join_stamps(stamps, load)

    assert (zero.client, zero.inject, zero.detected, zero.serving) == (0, FAULT, None, FAULT + 1.001)
    assert (one.client, one.inject, one.detected, one.serving) == (1, FAULT + 1, FAULT + 1.5, FAULT + 2.001)


def test_a_load_process_outlives_every_phase_of_its_run() -> None:
    settings = Settings()
    phases = settings.warm_up + settings.baseline + 2 * settings.recovery_limit + settings.after + settings.deadline

    assert settings.plan(port=1).lifetime > phases
