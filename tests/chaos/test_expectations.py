from dataclasses import replace

import pytest

from regrow.chaos._expectations import Outcome, judge, outcome_of
from regrow.chaos._figures import Figures, measure
from regrow.chaos._stamps import SystemRecovery
from regrow.chaos._statistics import Proportion, Spread

from .runs import good_run

GOOD = measure(good_run())
LOSS = Proportion(1, 1000)


def outcome(figures: Figures) -> Outcome:
    return outcome_of(judge(figures))


def test_a_run_that_meets_every_expectation_held() -> None:
    assert outcome(GOOD) is Outcome.HELD


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        (replace(GOOD, system=SystemRecovery(1.0, k=2, n=3)), Outcome.DEVIATED),
        (replace(GOOD, dropped=LOSS), Outcome.DEVIATED),
        (replace(GOOD, bystander_failures=LOSS), Outcome.DEVIATED),
        (replace(GOOD, lost=LOSS), Outcome.BROKEN),
        (replace(GOOD, duplicated=1), Outcome.BROKEN),
        (replace(GOOD, failures_before=LOSS), Outcome.NOT_STEADY),
        (replace(GOOD, harmed=0, selected=0), Outcome.INCONCLUSIVE),
        (replace(GOOD, harmed=2, selected=3), Outcome.INCONCLUSIVE),
        (replace(GOOD, slips=Proportion(11, 1000)), Outcome.INCONCLUSIVE),
        (replace(GOOD, slips=Proportion(0, 0)), Outcome.INCONCLUSIVE),
        (replace(GOOD, lost=Proportion(0, 0)), Outcome.INCONCLUSIVE),
        (replace(GOOD, latency_before=Spread.of([])), Outcome.INCONCLUSIVE),
    ],
)
def test_each_breach_names_the_run(figures: Figures, expected: Outcome) -> None:
    assert outcome(figures) is expected


def test_a_generator_may_miss_one_percent_of_its_schedule() -> None:
    assert outcome(replace(GOOD, slips=Proportion(10, 1000))) is Outcome.HELD


def test_a_run_that_proves_nothing_proves_no_fault_either() -> None:
    assert outcome(replace(GOOD, dropped=LOSS, lost=LOSS, harmed=0)) is Outcome.INCONCLUSIVE


def test_a_broken_invariant_outweighs_a_deviation() -> None:
    assert outcome(replace(GOOD, dropped=LOSS, lost=LOSS)) is Outcome.BROKEN


def test_only_a_run_that_held_exits_with_zero() -> None:
    assert [result for result in Outcome if result.value == 0] == [Outcome.HELD]
