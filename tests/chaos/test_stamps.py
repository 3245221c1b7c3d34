import math

import pytest

from regrow.chaos._load_protocol import Answer, Kind, Request
from regrow.chaos._stamps import SystemRecovery, Victim, first_inject, serving_since

from .runs import FAULT, ping, victim


def test_the_parts_of_a_recovery_add_up_to_it() -> None:
    crashed = victim(0)
    parts = (crashed.detection, crashed.restart, crashed.warm_up)

    assert sum(part for part in parts if part is not None) == pytest.approx(crashed.recovery)


def test_a_victim_that_was_never_served_has_no_recovery() -> None:
    assert victim(0, serving=None).recovery is None


def test_a_victim_that_was_never_detected_has_no_restart() -> None:
    assert Victim(client=0, inject=FAULT, serving=None).restart is None


def test_the_system_recovers_when_its_last_victim_does_counted_from_the_first_fault() -> None:
    early = Victim(client=0, inject=FAULT, serving=FAULT + 0.5)
    late = Victim(client=1, inject=FAULT + 1, serving=FAULT + 1.25)

    assert SystemRecovery.of([early, late]) == SystemRecovery(seconds=1.25, k=2, n=2)


def test_a_system_with_one_victim_still_down_has_not_recovered() -> None:
    assert SystemRecovery.of([victim(0), victim(1, serving=None)]) == SystemRecovery(math.inf, k=1, n=2)


def test_a_system_without_victims_has_recovered_from_nothing() -> None:
    assert SystemRecovery.of([]) == SystemRecovery(math.inf, k=0, n=0)
    assert first_inject([]) == math.inf


def test_service_is_shown_by_the_first_ok_reply_to_a_request_sent_after_the_fault() -> None:
    requests = [ping(0, FAULT + 0.3, 0.1), ping(0, FAULT + 0.1, 0.1)]

    assert serving_since(FAULT, requests) == pytest.approx(FAULT + 0.2)


def test_a_late_reply_to_a_request_sent_before_the_fault_shows_no_service() -> None:
    assert serving_since(FAULT, [ping(0, FAULT - 0.01, 0.5)]) is None


def test_an_error_reply_shows_no_service() -> None:
    refused = Request(0, Kind.PROBE, FAULT + 1, FAULT + 1, FAULT + 1.1, Answer.ERROR)

    assert serving_since(FAULT, [refused]) is None
