"""Which timeouts of a state machine run, and which are due at once. It starts real timers only through `Alarm`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol, final

from regrow.actors._state_machines._gen_statem_events import EventTimeout, NamedTimeout, StateTimeout
from regrow.actors._state_machines._gen_statem_outcomes import After, UpdateTimeout

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regrow.actors._state_machines._gen_statem_events import Timeout
    from regrow.actors._state_machines._gen_statem_outcomes import CancelTimeout

__all__ = ["Alarm", "Timeouts", "Wake"]


class Wake(Protocol):
    """A timer that was set."""

    def cancel(self) -> object:
        """Do not ring."""


class Alarm(Protocol):
    """Sets timers: when one rings, the machine is told its key and the timer itself."""

    def __call__(self, seconds: float, key: object, /) -> Wake:
        """Set a timer of more than 0 seconds."""
        ...


def _key(timeout: Timeout) -> object:
    """What two timeouts share of which one replaces the other: their kind, or their name."""
    if type(timeout) is NamedTimeout:
        return (NamedTimeout, timeout.name)
    return type(timeout)


@final
class Timeouts:
    """The timeouts of one machine.

    Invariant: no key is both in ``running`` and in ``due``.
    """

    __slots__ = ("_alarm", "due", "running")

    running: dict[object, tuple[Wake, Timeout]]
    """Those that wait for the clock."""
    due: dict[object, Timeout]
    """Those of 0 seconds, in order: they come when the machine has no event left."""

    def __init__(self, alarm: Alarm) -> None:
        self._alarm = alarm
        self.running = {}
        self.due = {}

    def event_handled(self) -> None:
        """Any event cancels the event timeout."""
        self._cancel(EventTimeout)

    def state_changed(self) -> None:
        """A change of state cancels the state timeout."""
        self._cancel(StateTimeout)

    def apply(self, actions: Iterable[After | CancelTimeout | UpdateTimeout]) -> None:
        """Carry out what one transition asks for: of each key the last, in the order of those."""
        last: dict[object, After | CancelTimeout | UpdateTimeout] = {}
        for action in actions:
            key = _key(action.timeout)
            last.pop(key, None)
            last[key] = action
        for key, action in last.items():
            if type(action) is UpdateTimeout:
                self._update(key, action.timeout)
                continue
            self._cancel(key)
            if type(action) is After and action.seconds < math.inf:
                self._start(key, action)

    def rang(self, key: object, wake: Wake) -> Timeout | None:
        """A timer rang: the event it brings, or None if it was cancelled when it was already ringing."""
        found = self.running.get(key)
        if found is None or found[0] is not wake:
            return None
        del self.running[key]
        return found[1]

    def take_due(self) -> Timeout | None:
        """Remove and return the first timeout that is due at once."""
        for key in self.due:
            return self.due.pop(key)
        return None

    def _start(self, key: object, action: After) -> None:
        if action.seconds:
            self.running[key] = (self._alarm(action.seconds, key), action.timeout)
        else:
            self.due[key] = action.timeout

    def _update(self, key: object, timeout: Any) -> None:
        found = self.running.get(key)
        if found is not None:
            self.running[key] = (found[0], timeout)
        else:
            self.due[key] = timeout  # keeps its place if it was due, or comes last

    def _cancel(self, key: object) -> None:
        found = self.running.pop(key, None)
        if found is not None:
            found[0].cancel()
        else:
            self.due.pop(key, None)
