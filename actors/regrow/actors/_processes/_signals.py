"""The messages the runtime itself puts into mailboxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from regrow.actors._processes._exit import ExitReason
    from regrow.actors._processes._pid import Pid, Ref
    from regrow.actors._processes._send import Destination

__all__ = ["Down", "Exit", "Signal", "TimerFired"]


class Signal:
    """A message of the runtime's own making, which a bounded mailbox neither counts nor drops."""

    __slots__ = ()


@final
@dataclass(frozen=True, slots=True)
class Exit(Signal):
    """An exit signal, as a process that traps exits receives it. See: Erlang ``{'EXIT', From, Reason}``."""

    pid: Pid
    """The linked process that died, or the process that called `exit_signal`."""
    reason: ExitReason


@final
@dataclass(frozen=True, slots=True)
class Down(Signal):
    """A monitored process is gone: exactly one per monitor. See: Erlang ``{'DOWN', Ref, process, Object, Reason}``."""

    ref: Ref
    """What `monitor` returned."""
    target: Destination
    """The pid that was monitored, or the name if it was monitored by name."""
    reason: ExitReason
    """Its exit reason, or `NOPROC` if it was dead already."""


@final
@dataclass(frozen=True, slots=True)
class TimerFired(Signal):
    """A timer of `start_timer` ran out. See: Erlang ``{timeout, TimerRef, Msg}``."""

    ref: Ref
    """The `Timer.ref` of the timer."""
    message: object
