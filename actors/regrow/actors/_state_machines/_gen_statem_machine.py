"""The event queue of a state machine and its transitions: which event is next, and what an outcome does.

It calls no state itself and knows no process: it is given events and outcomes, and says what to handle next.

See: OTP ``gen_statem``, *Transition Actions*, whose order this follows::

    inserted events > postponed events, if the state changed > events taken before > timeouts of 0 seconds > mailbox
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, final

from regrow.actors._servers._call import Call, From
from regrow.actors._servers._outcomes import HIBERNATE
from regrow.actors._state_machines._gen_statem_events import EVENT_KINDS, TIMEOUT_KINDS, Enter, NamedTimeout
from regrow.actors._state_machines._gen_statem_outcomes import (
    After,
    CancelTimeout,
    Keep,
    Next,
    NextEvent,
    Postpone,
    Repeat,
    ReplyTo,
    UpdateTimeout,
)
from regrow.actors._state_machines._gen_statem_timeouts import Timeouts

if TYPE_CHECKING:
    from regrow.actors._state_machines._gen_statem_events import Event
    from regrow.actors._state_machines._gen_statem_timeouts import Alarm

__all__ = ["BEGINNING", "Machine", "RefusedError", "check_reply"]

BEGINNING: Any = object()
"""Stands for the event whose outcome is what ``init`` returned."""

_OUTCOMES = frozenset((Next, Keep, Repeat))
_TIMEOUT_ACTIONS = frozenset((After, CancelTimeout, UpdateTimeout))


@final
class RefusedError(Exception):
    """An outcome is outside the contract; its text says what would be right."""


@final
class Machine:
    """The state of one machine, and the events it has taken from the mailbox or made itself."""

    __slots__ = (
        "_inserted",
        "_postpones",
        "_timeouts",
        "acting",
        "enters",
        "hibernates",
        "postponed",
        "queue",
        "state",
        "timeouts",
    )

    state: Any
    """The state the machine is in. While a state is entered, the state it comes from."""
    acting: Any
    """The state whose code handles the event: while a state is entered, that one."""
    enters: bool
    """Whether states are given `Enter`."""
    hibernates: bool
    """Whether the last event was answered with `HIBERNATE`."""
    queue: list[Event]
    """Events to be handled before the mailbox is looked at, the next one last."""
    postponed: list[Event]
    """Events to be handled again after the next change of state, in order."""

    def __init__(self, state: Any, alarm: Alarm, *, enters: bool) -> None:
        self.state = state
        self.acting = state
        self.queue = []
        self.postponed = []
        self.timeouts = Timeouts(alarm)
        self.enters = enters
        self.hibernates = False
        # What the transition that is under way collects; None while there is nothing, because a list costs 56 bytes.
        self._inserted: list[Event] | None = None
        self._postpones: Event | None = None
        self._timeouts: list[After | CancelTimeout | UpdateTimeout] | None = None

    def settle(self, event: Any, outcome: Any) -> Event | None:
        """Carry out the outcome of an event; what to handle next, or None to look at the mailbox.

        Raises:
            RefusedError: the outcome is none that this event may have. What came before it in order is done.
        """
        kind = outcome.__class__
        entering = type(event) is Enter
        if not entering:
            self.hibernates = False
        if outcome is None:
            if type(event) is Call:
                raise RefusedError("an outcome for a call, like Keep(ReplyTo(caller, value)), or Keep() to reply later")
            return self._arrive(event, enter=False)
        if kind not in _OUTCOMES:
            raise RefusedError("None, Next, Keep, Repeat, Stop or StopAndReply")
        enter = kind is Repeat
        if kind is Next and outcome.state != self.acting:
            if entering:
                raise RefusedError("an enter call may not change the state: Keep, Repeat or Stop")
            self.acting = outcome.state
            enter = True
        for action in outcome.actions:
            self._collect(event, action, entering=entering)
        return self._arrive(event, enter=enter or event is BEGINNING)

    def _collect(self, event: Any, action: Any, *, entering: bool) -> None:
        kind = action.__class__
        if kind is ReplyTo:
            check_reply(action)
            action.caller.answer(action.value)
        elif kind in _TIMEOUT_ACTIONS:
            _check_timeout(action)
            self._timeouts = [*(self._timeouts or ()), action]
        elif kind is NextEvent:
            if entering:
                raise RefusedError("an enter call may not insert events: no NextEvent")
            if type(action.event) not in EVENT_KINDS:
                raise RefusedError(f"NextEvent of an event, like Internal or Cast, got {action.event!r}")
            self._inserted = [*(self._inserted or ()), action.event]
        elif kind is Postpone:
            if entering:
                raise RefusedError("an enter call has no event to postpone: no POSTPONE")
            if event is not BEGINNING:
                self._postpones = event
        elif action is HIBERNATE:
            self.hibernates = True
        else:
            known = "ReplyTo, POSTPONE, NextEvent, After, CancelTimeout, UpdateTimeout and HIBERNATE"
            raise RefusedError(f"actions are {known}, got {action!r}")

    def _arrive(self, event: Any, *, enter: bool) -> Event | None:
        """Enter the state if that is wanted; otherwise the transition is complete."""
        if enter and self.enters:
            return Enter(self.state)
        timeouts = self.timeouts
        if event is not BEGINNING:
            timeouts.event_handled()
        if self._postpones is not None:
            self.postponed.append(self._postpones)
            self._postpones = None
        if self.state != self.acting:
            self.state = self.acting
            timeouts.state_changed()
            self.queue.extend(reversed(self.postponed))
            self.postponed.clear()
        if self._timeouts:
            timeouts.apply(self._timeouts)
            self._timeouts = None
        if self._inserted:
            self.queue.extend(reversed(self._inserted))
            self._inserted = None
        if self.queue:
            return self.queue.pop()
        return timeouts.take_due() if timeouts.due else None


def check_reply(action: Any) -> None:
    """Refuse what does not reply to a call."""
    if action.__class__ is not ReplyTo or not isinstance(action.caller, From):
        raise RefusedError(f"a reply is ReplyTo(caller, value) with the caller of a Call, got {action!r}")


def _check_timeout(action: Any) -> None:
    if type(action.timeout) not in TIMEOUT_KINDS:
        raise RefusedError(f"a timeout is an EventTimeout, StateTimeout or NamedTimeout, got {action.timeout!r}")
    if type(action.timeout) is NamedTimeout and not isinstance(action.timeout.name, Hashable):
        raise RefusedError(f"the name of a timeout is hashable, got {action.timeout.name!r}")
    if type(action) is After and not _is_duration(action.seconds):
        raise RefusedError(f"a timeout's seconds are a number, not negative, got {action.seconds!r}")


def _is_duration(seconds: Any) -> bool:
    return isinstance(seconds, int | float) and seconds >= 0
