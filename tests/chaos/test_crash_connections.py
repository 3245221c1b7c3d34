"""Whole runs, small ones, over real sockets and a real load process, on a server that misbehaves."""

from dataclasses import replace

import pytest
import trio

from regrow.chaos._clock import MonotonicClock
from regrow.chaos._crash_connections import Phase, crash_connections
from regrow.chaos._errors import NotSteadyError
from regrow.chaos._expectations import Outcome, judge, outcome_of
from regrow.chaos._figures import Figures, measure
from regrow.chaos._run import Run, Settings, choose_victims
from tests.support.phoenix_server import PhoenixServer

SMALL = Settings(
    connections=20,
    rate=200,
    deadline=0.5,
    warm_up=0.1,
    baseline=1.0,
    recovery_limit=2.0,
    after=0.4,
)
VICTIMS = choose_victims(20, 30, SMALL.seed)
BYSTANDERS = [client for client in range(20) if client not in VICTIMS]


def crash(server: PhoenixServer, settings: Settings = SMALL, phases: list[Phase] | None = None) -> Run:
    async def main() -> Run:
        return await crash_connections(
            name="crash-30-connections",
            percent=30,
            target=server,
            settings=settings,
            watch=lambda phase, _: None if phases is None else phases.append(phase),
        )

    return trio.run(main, clock=MonotonicClock())


def breaches(figures: Figures) -> set[str]:
    """The expectations that did not hold, save for the schedule: a busy test machine may break that."""
    return {verdict.text for verdict in judge(figures) if not verdict.held and "schedule" not in verdict.text}


def test_a_gateway_that_comes_back_holds_every_expectation() -> None:
    phases: list[Phase] = []

    run = crash(PhoenixServer(downtime=0.05), phases=phases)

    assert breaches(measure(run)) == set()
    assert list(dict.fromkeys(phases)) == list(Phase)
    assert tuple(victim.client for victim in run.victims) == run.selected == VICTIMS
    for victim in run.victims:
        assert victim.restarted is not None
        assert victim.serving is not None
        assert victim.inject < victim.restarted < victim.serving


def test_a_gateway_that_loses_a_victim_a_connection_and_room_messages_is_told_so() -> None:
    gone, cut, deaf = VICTIMS[0], BYSTANDERS[0], BYSTANDERS[1]
    server = PhoenixServer(never_back=[gone], hangs_up_on=[cut], deaf_to_rooms=[deaf])

    figures = measure(crash(server, replace(SMALL, recovery_limit=0.5)))

    assert (figures.system.k, figures.system.n) == (len(VICTIMS) - 1, len(VICTIMS))
    assert (figures.dropped.count, figures.close_codes) == (1, {1011: 1})
    assert figures.lost.count > 0
    assert figures.bystander_failures.count > 0
    assert breaches(figures) >= {
        "every victim recovers",
        "no connection is dropped",
        "no message between bystanders is lost",
    }


def test_a_fault_that_did_not_act_on_every_victim_makes_the_run_inconclusive() -> None:
    figures = measure(crash(PhoenixServer(immune=[VICTIMS[0]])))

    assert figures.harmed == len(VICTIMS) - 1
    assert outcome_of(judge(figures)) is Outcome.INCONCLUSIVE


def test_a_client_that_may_not_join_stops_the_experiment_before_any_fault() -> None:
    unsteady = pytest.RaisesExc(NotSteadyError, match="client 3 of 20 could not join: .*unmatched topic")
    with pytest.RaisesGroup(unsteady, flatten_subgroups=True):
        crash(PhoenixServer(refuses=[3]))


def test_probes_unanswered_in_the_rehearsal_stop_the_experiment_before_any_fault() -> None:
    server = PhoenixServer(mute=[VICTIMS[0]])

    with pytest.RaisesGroup(NotSteadyError, flatten_subgroups=True):
        crash(server, replace(SMALL, recovery_limit=0.3))

    assert server.stamps() == {}
