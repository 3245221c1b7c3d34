"""What a state may answer an event with: where the machine goes, and what it does on the way.

`Stop` of the servers serves machines too. See: OTP ``gen_statem`` ``event_handler_result()`` and ``action()``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from regrow.actors._servers._outcomes import Hibernate

if TYPE_CHECKING:
    from regrow.actors._processes._exit import ExitReason
    from regrow.actors._servers._call import From
    from regrow.actors._state_machines._gen_statem_events import Event, Timeout

__all__ = [
    "POSTPONE",
    "Action",
    "After",
    "CancelTimeout",
    "Keep",
    "Next",
    "NextEvent",
    "Postpone",
    "Repeat",
    "ReplyTo",
    "StopAndReply",
    "UpdateTimeout",
]


# Actions: carried out in the order given.


@final
@dataclass(frozen=True, slots=True)
class ReplyTo:
    """Answer a call, at once. See: OTP ``{reply, From, Reply}``."""

    caller: From
    value: Any


@final
class Postpone:
    """The type of `POSTPONE`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "POSTPONE"


POSTPONE = Postpone()
"""Handle this event again after the next change of state, before any event that came later. See: OTP ``postpone``."""


@final
@dataclass(frozen=True, slots=True)
class NextEvent:
    """Handle ``event`` next, before every event that waits; several come in the order given.

    See: OTP ``{next_event, EventType, EventContent}``.
    """

    event: Event


@final
@dataclass(frozen=True, slots=True)
class After:
    """Have an event come later: ``After(10, StateTimeout("lock"))``.

    It replaces the timeout of the same kind, or of the same name, that still runs; within one outcome the last
    one counts. After 0 seconds means after the events the machine has already taken, and before any it has not.

    See: OTP ``{state_timeout, Time, Content}``, ``{timeout, Time, Content}``, ``{{timeout, Name}, Time, Content}``.
    """

    seconds: float
    """Not negative; `math.inf` cancels."""
    timeout: Timeout


@final
@dataclass(frozen=True, slots=True)
class CancelTimeout:
    """Cancel the timeout of this kind, or of this name; its content does not matter. No error if none runs.

    See: OTP ``{state_timeout, cancel}`` and its like.
    """

    timeout: Timeout


@final
@dataclass(frozen=True, slots=True)
class UpdateTimeout:
    """Change what a running timeout will bring, not when. If none runs it comes at once, as after 0 seconds.

    See: OTP ``{state_timeout, update, Content}`` and its like.
    """

    timeout: Timeout


Action = ReplyTo | Postpone | NextEvent | After | CancelTimeout | UpdateTimeout | Hibernate
"""What a machine does on the way to its next state; `HIBERNATE` is an action, too."""


# Outcomes: what a state returns.


@final
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Next:
    """Go to a state. The same state is no change: nothing is entered, no postponed event comes back.

    ``init`` returns it too, with the state to begin in. See: OTP ``{next_state, State, Data, Actions}``.
    """

    state: Any
    actions: tuple[Action, ...]

    def __init__(self, state: Any, *actions: Action) -> None:
        object.__setattr__(self, "state", state)
        object.__setattr__(self, "actions", actions)

    def __repr__(self) -> str:
        return _call_text("Next", (self.state, *self.actions))


@final
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Keep:
    """Stay in the state; None does, too. See: OTP ``{keep_state_and_data, Actions}``."""

    actions: tuple[Action, ...]

    def __init__(self, *actions: Action) -> None:
        object.__setattr__(self, "actions", actions)

    def __repr__(self) -> str:
        return _call_text("Keep", self.actions)


@final
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Repeat:
    """Stay in the state and enter it once more. Postponed events and the state timeout stay as they are.

    See: OTP ``{repeat_state_and_data, Actions}``.
    """

    actions: tuple[Action, ...]

    def __init__(self, *actions: Action) -> None:
        object.__setattr__(self, "actions", actions)

    def __repr__(self) -> str:
        return _call_text("Repeat", self.actions)


@final
@dataclass(frozen=True, slots=True, init=False, repr=False)
class StopAndReply:
    """Answer calls, then run ``terminate`` and exit: unlike a server, which answers afterwards.

    See: OTP ``{stop_and_reply, Reason, Replies}``.
    """

    reason: ExitReason
    replies: tuple[ReplyTo, ...]

    def __init__(self, reason: ExitReason, *replies: ReplyTo) -> None:
        object.__setattr__(self, "reason", reason)
        object.__setattr__(self, "replies", replies)

    def __repr__(self) -> str:
        return _call_text("StopAndReply", (self.reason, *self.replies))


def _call_text(name: str, arguments: tuple[object, ...]) -> str:
    return f"{name}({', '.join(map(repr, arguments))})"
