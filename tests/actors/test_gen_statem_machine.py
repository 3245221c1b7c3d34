"""The event queue of a state machine, without processes and clocks, against a model that follows OTP's text.

What the model leaves out, timeouts and enter calls, is compared with a real BEAM in ``tests/conformance/statem``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.actors import (
    POSTPONE,
    After,
    CancelTimeout,
    EventTimeout,
    Internal,
    Keep,
    NamedTimeout,
    Next,
    NextEvent,
    StateTimeout,
    UpdateTimeout,
)
from regrow.actors._state_machines._gen_statem_machine import Machine, RefusedError
from regrow.actors._state_machines._gen_statem_timeouts import Timeouts


@dataclass
class Clock:
    """Alarms that ring when they are told to."""

    cancelled: list[object] = field(default_factory=list[object])

    def __call__(self, _seconds: float, key: object) -> Wake:
        return Wake(self, key)


@dataclass(eq=False)
class Wake:
    clock: Clock
    key: object

    def cancel(self) -> None:
        self.clock.cancelled.append(self.key)


steps = st.tuples(
    st.sampled_from("abc"),  # the state to go to
    st.booleans(),  # whether to postpone
    st.lists(st.integers(100, 200), max_size=2),  # what to insert
)


@given(st.lists(steps, max_size=30))
def test_inserted_events_come_first_then_postponed_ones_and_only_then_the_mailbox(
    plan: list[tuple[str, bool, list[int]]],
) -> None:
    machine = Machine("a", Clock(), enters=False)
    state, queue, postponed = "a", list[Any](), list[Any]()
    mailbox = 0
    event: Any = None
    for target, postpones, inserted in plan:
        if event is None:
            event = Internal(mailbox)
            mailbox += 1
        actions = [NextEvent(Internal(number)) for number in inserted]
        following = machine.settle(event, Next(target, *actions, *([POSTPONE] if postpones else [])))

        postponed += [event] if postpones else []
        if target != state:
            state, queue, postponed = target, postponed + queue, []
        queue = [Internal(number) for number in inserted] + queue
        expected = queue.pop(0) if queue else None
        assert following == expected
        assert machine.state == state
        assert machine.postponed == postponed
        event = following


def test_what_came_before_a_refused_action_is_done_and_the_state_stays() -> None:
    machine = Machine("a", Clock(), enters=False)

    with pytest.raises(RefusedError):
        machine.settle(Internal(), Next("b", After(-1, StateTimeout())))

    assert machine.state == "a"
    assert machine.acting == "b"


def test_due_timeouts_come_in_the_order_they_were_asked_for_last() -> None:
    timeouts = Timeouts(Clock())

    timeouts.apply([After(0, StateTimeout(1)), After(0, EventTimeout(2)), After(0, StateTimeout(3))])

    assert [timeouts.take_due() for _ in range(3)] == [EventTimeout(2), StateTimeout(3), None]


def test_a_due_timeout_can_be_cancelled_updated_and_put_off() -> None:
    timeouts = Timeouts(Clock())

    timeouts.apply([After(0, NamedTimeout(name, "old")) for name in "abc"])
    timeouts.apply(
        [
            CancelTimeout(NamedTimeout("a")),
            UpdateTimeout(NamedTimeout("b", "new")),
            After(5, NamedTimeout("c", "later")),
        ]
    )

    assert [timeouts.take_due() for _ in range(2)] == [NamedTimeout("b", "new"), None]
    assert [timeout for _, timeout in timeouts.running.values()] == [NamedTimeout("c", "later")]


def test_an_alarm_that_was_replaced_brings_nothing_when_it_rings() -> None:
    clock = Clock()
    timeouts = Timeouts(clock)
    timeouts.apply([After(5, StateTimeout("old"))])
    [(old, _)] = timeouts.running.values()
    timeouts.apply([After(5, StateTimeout("new"))])
    [(new, _)] = timeouts.running.values()

    assert clock.cancelled == [StateTimeout]
    assert timeouts.rang(StateTimeout, old) is None
    assert timeouts.rang(StateTimeout, new) == StateTimeout("new")
    assert timeouts.rang(StateTimeout, new) is None


def test_keep_and_none_complete_a_transition_alike() -> None:
    for outcome in (Keep(), None):
        machine = Machine("a", Clock(), enters=False)
        machine.settle(Internal(1), Keep(POSTPONE, NextEvent(Internal(2)), After(1, EventTimeout())))
        assert machine.settle(Internal(2), outcome) is None
        assert machine.postponed == [Internal(1)]
        assert not machine.timeouts.running
