"""What happens to a state machine, as values to match on. See: OTP ``gen_statem`` ``event_type()``.

A call and a cast are the `Call` and `Cast` that lie in the mailbox; these are the other kinds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from regrow.actors._servers._call import Call, Cast

__all__ = [
    "EVENT_KINDS",
    "TIMEOUT_KINDS",
    "Enter",
    "Event",
    "EventTimeout",
    "Info",
    "Internal",
    "NamedTimeout",
    "StateTimeout",
    "Timeout",
]


@final
@dataclass(frozen=True, slots=True)
class Info:
    """Any other message: `Down`, `Exit` of others than the parent, plain values. See: OTP ``info``."""

    message: Any


@final
@dataclass(frozen=True, slots=True)
class Internal:
    """An event the machine inserted itself, with `NextEvent`. See: OTP ``internal``."""

    content: Any = None


@final
@dataclass(frozen=True, slots=True)
class Enter:
    """The machine enters a state; only if ``state_enter`` is set. See: OTP ``enter``, *State Enter Calls*."""

    old: Any
    """The state it comes from; the same state at the start and after `Repeat`."""


@final
@dataclass(frozen=True, slots=True)
class EventTimeout:
    """No event came in time. Any event cancels it. See: OTP ``timeout``, *Event Time-Outs*."""

    content: Any = None


@final
@dataclass(frozen=True, slots=True)
class StateTimeout:
    """The machine has been in this state for so long. A change of state cancels it. See: OTP ``state_timeout``."""

    content: Any = None


@final
@dataclass(frozen=True, slots=True)
class NamedTimeout:
    """A timeout that no event and no change of state cancels. See: OTP ``{timeout, Name}``, *Generic Time-Outs*."""

    name: Any
    """Hashable; there is one timeout of each name at a time."""
    content: Any = None


Timeout = EventTimeout | StateTimeout | NamedTimeout
"""An event that a timer brings."""

Event = Call | Cast | Info | Internal | Enter | Timeout
"""What a state is given to handle."""

TIMEOUT_KINDS = frozenset((EventTimeout, StateTimeout, NamedTimeout))

EVENT_KINDS = frozenset((Call, Cast, Info, Internal)) | TIMEOUT_KINDS
"""The kinds of event that `NextEvent` may insert: all but `Enter`."""
