"""A state machine under observation: its messages, transitions and replies as events of `sys`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from regrow.actors._servers._call import Call, Cast
from regrow.actors._state_machines._gen_statem_events import TIMEOUT_KINDS, Enter, Info
from regrow.actors._state_machines._gen_statem_machine import BEGINNING
from regrow.actors._state_machines._gen_statem_outcomes import POSTPONE, NextEvent, ReplyTo, StopAndReply
from regrow.actors._system._system_events import Event, In, Out

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors._state_machines._gen_statem_callbacks import StatemCallbacks

__all__ = ["Transition", "observed_arrival", "observed_settling"]

_TOLD = frozenset((Call, Cast, Info)) | TIMEOUT_KINDS


@final
@dataclass(frozen=True, slots=True)
class Transition(Event):
    """A state machine has handled an event. See: OTP ``{consume | postpone, Event, State, NextState}`` of `sys`."""

    event: Any
    old: Any
    new: Any
    """The next state; the same if none was changed."""
    is_postponed: bool

    def __str__(self) -> str:
        what = "postpones" if self.is_postponed else "consumes"
        return f"{what} {self.event!r} in state {self.old!r} => {self.new!r}"


def observed_arrival(arrived: Callable[[object], Any], tell: Callable[[Event], None], message: object) -> Any:
    """The event that a message is, and tell that it came."""
    event = arrived(message)
    if event.__class__ in _TOLD:
        tell(In(event))
    return event


def observed_settling(
    settle: Callable[[Any, Any], Any], tell: Callable[[Event], None], statem: StatemCallbacks, event: Any, outcome: Any
) -> Any:
    """Carry out an outcome, and tell what it led to."""
    machine = statem._machine
    old = machine.acting
    following = settle(event, outcome)
    actions: tuple[Any, ...] = getattr(outcome, "replies" if type(outcome) is StopAndReply else "actions", ())
    for action in actions:
        if type(action) is ReplyTo:
            tell(Out(action.value, action.caller))
        elif type(action) is NextEvent:
            tell(In(action.event))
    if event is not BEGINNING and type(event) is not Enter:
        tell(Transition(event, old, machine.acting, POSTPONE in actions))
    return following
