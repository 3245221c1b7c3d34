import math

import pytest

from regrow.chaos._figures import measure
from regrow.chaos._load_protocol import Answer, Broadcast, ChannelEvent, Delivery, Drop, Kind, Request
from regrow.chaos._statistics import Proportion

from .runs import FAULT, good_run, ping, run, victim

SENT = Broadcast(1, 1, FAULT, FAULT)


def test_recovery_is_told_in_its_parts_with_k_of_n() -> None:
    figures = measure(run(victims=[victim(0), victim(1, serving=None)], selected=(0, 1)))

    assert figures.detection.p50 == pytest.approx(0.01)
    assert figures.restart.p50 == pytest.approx(0.02)
    assert figures.restarted.max == pytest.approx(0.03)
    assert figures.recovery.p50 == pytest.approx(0.05)
    assert figures.recovery.max == math.inf
    assert (figures.recovery.k, figures.recovery.n) == (1, 2)


def test_a_victim_selected_but_never_crashed_is_not_harmed() -> None:
    figures = measure(run(victims=[victim(0)], selected=(0, 1)))

    assert (figures.harmed, figures.selected) == (1, 2)


def test_the_floor_is_the_rehearsed_probes_counted_from_the_first_of_them() -> None:
    rehearsal = [ping(0, FAULT - 6, 0.01, kind=Kind.PROBE), ping(1, FAULT - 5.9, 0.01, kind=Kind.PROBE)]
    at_fault = [ping(0, FAULT + 0.001, 0.5, kind=Kind.PROBE)]

    figures = measure(run(requests=rehearsal + at_fault, selected=(0, 1)))

    assert figures.floor.k == 2
    assert figures.floor.p50 == pytest.approx(0.01)
    assert figures.floor.max == pytest.approx(0.11)


def test_a_connection_dropped_is_counted_once_with_its_code() -> None:
    figures = measure(run(drops=[Drop(2, FAULT, 1011)], channel_events=[ChannelEvent(0, FAULT, "phx_error")]))

    assert figures.dropped == Proportion(1, 4)
    assert figures.close_codes == {1011: 1}
    assert figures.channel_events == {"phx_error": 1}


def test_a_delivery_that_never_came_is_lost() -> None:
    figures = measure(run(broadcasts=[SENT], deliveries=[Delivery(2, 1, 1)]))

    assert figures.lost == Proportion(1, 2)


def test_a_delivery_to_a_victim_counts_apart_from_those_to_bystanders() -> None:
    figures = measure(run(broadcasts=[SENT], deliveries=[Delivery(2, 1, 1), Delivery(3, 1, 1)]))

    assert figures.lost == Proportion(0, 2)
    assert figures.victim_lost == Proportion(1, 1)


def test_messages_of_victims_are_owed_to_nobody() -> None:
    assert measure(run(broadcasts=[Broadcast(0, 1, FAULT, FAULT)])).lost == Proportion(0, 0)


def test_a_dropped_client_is_owed_nothing() -> None:
    figures = measure(run(broadcasts=[SENT], deliveries=[Delivery(2, 1, 1)], drops=[Drop(3, FAULT, 1006)]))

    assert figures.lost == Proportion(0, 1)


def test_whether_a_sender_hears_itself_does_not_matter() -> None:
    everyone_else = [Delivery(2, 1, 1), Delivery(3, 1, 1)]

    assert measure(run(broadcasts=[SENT], deliveries=everyone_else)).lost.count == 0
    assert measure(run(broadcasts=[SENT], deliveries=[*everyone_else, Delivery(1, 1, 1)])).lost.n == 2


def test_a_delivery_that_came_twice_is_one_duplicate() -> None:
    figures = measure(run(broadcasts=[SENT], deliveries=[Delivery(2, 1, 1)] * 2 + [Delivery(3, 1, 1)]))

    assert figures.duplicated == 1


def test_failures_of_bystanders_victims_and_the_baseline_are_told_apart() -> None:
    figures = measure(
        run(
            requests=[
                ping(1, FAULT - 2, None),
                ping(0, FAULT + 1, None),
                ping(2, FAULT + 1, None),
                ping(3, FAULT + 1, 0.1),
            ]
        )
    )

    assert figures.failures_before == Proportion(1, 1)
    assert figures.victim_failures == Proportion(1, 1)
    assert figures.bystander_failures == Proportion(1, 2)


def test_a_ping_within_its_deadline_when_the_fault_strikes_is_exposed_to_it() -> None:
    figures = measure(run(requests=[ping(0, FAULT - 0.9, None), ping(0, FAULT - 1.1, 0.1)]))

    assert figures.failures_before == Proportion(0, 1)
    assert figures.victim_failures == Proportion(1, 1)


def test_what_came_before_the_baseline_is_not_part_of_it() -> None:
    assert measure(run(requests=[ping(1, FAULT - 5.1, None)])).failures_before == Proportion(0, 0)


def test_latency_during_the_fault_is_that_of_bystanders_until_the_recovery_and_for_a_second_at_least() -> None:
    requests = [ping(0, FAULT + 0.1, 0.5), ping(1, FAULT + 0.9, 0.2), ping(1, FAULT + 1.1, 0.3)]

    figures = measure(run(requests=requests))

    assert figures.latency_during.n == 1
    assert figures.latency_during.max == pytest.approx(0.2)


def test_what_was_sent_50_ms_late_has_slipped_but_probes_have_no_schedule() -> None:
    late = FAULT + 0.051
    requests = [
        ping(1, FAULT),
        Request(1, Kind.PING, FAULT, late, late, Answer.OK),
        Request(1, Kind.PROBE, FAULT, late, late, Answer.OK),
    ]

    figures = measure(run(requests=requests, broadcasts=[Broadcast(1, 1, FAULT, late)]))

    assert figures.slips == Proportion(2, 3)


def test_a_run_without_victims_has_figures_too() -> None:
    figures = measure(run(victims=[], selected=(), requests=[ping(1, FAULT)]))

    assert (figures.harmed, figures.latency_before.n) == (0, 0)


def test_a_good_run_has_nothing_to_report_but_its_recovery() -> None:
    figures = measure(good_run())

    assert (figures.dropped.count, figures.lost.count, figures.bystander_failures.count) == (0, 0, 0)
    assert figures.system.seconds == pytest.approx(0.05)
    assert (figures.system.k, figures.system.n) == (1, 1)
