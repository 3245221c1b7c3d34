"""What sys shows of a process that is being debugged: its events, and what may be done with them."""

from __future__ import annotations

import datetime
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TextIO, final

from regrow.actors._processes._exit import CRASHES
from regrow.actors._processes._printing import printed

if TYPE_CHECKING:
    from collections.abc import Hashable

    from regrow.actors._processes._pid import Pid
    from regrow.actors._servers._call import From

__all__ = [
    "DONE",
    "Debugging",
    "Event",
    "Hook",
    "In",
    "Install",
    "Log",
    "NoReply",
    "Option",
    "Out",
    "Statistics",
    "Totals",
    "Trace",
]


class Event:
    """Something a process did that is being debugged. See: OTP ``sys:system_event()``."""

    __slots__ = ()


@final
@dataclass(frozen=True, slots=True)
class In(Event):
    """It took a message. See: OTP ``{in, Msg}``."""

    message: Any
    """As it lay in the mailbox: a call is a `Call`, a cast a `Cast`."""

    def __str__(self) -> str:
        return f"got {printed(self.message)}"


@final
@dataclass(frozen=True, slots=True)
class Out(Event):
    """It answered a call by what its callback returned. See: OTP ``{out, Msg, To, State}``."""

    reply: Any
    to: From

    def __str__(self) -> str:
        return f"sent {printed(self.reply)} to {self.to!r}"


@final
@dataclass(frozen=True, slots=True)
class NoReply(Event):
    """It dealt with a message and answered nobody. See: OTP ``{noreply, State}``."""

    def __str__(self) -> str:
        return "carries on"


class _Done:
    """The type of `DONE`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "DONE"


DONE: Any = _Done()
"""What a hook returns to be removed."""

Hook = Callable[[Any, Event], Any]
"""What `install` takes: called with its own state and an `Event`, it returns its new state, or `DONE`."""


class Option:
    """One thing to do with the events of a process; also what the option ``debug`` of a start function lists."""

    __slots__ = ()


@final
@dataclass(frozen=True, slots=True)
class Trace(Option):
    """Print each event."""

    file: TextIO | None = None
    """Where to; None for what `sys.stdout` is when an event happens."""


@final
@dataclass(frozen=True, slots=True)
class Log(Option):
    """Keep the last events."""

    size: int = 10


@final
@dataclass(frozen=True, slots=True)
class Statistics(Option):
    """Count messages."""


@final
@dataclass(frozen=True, slots=True)
class Install(Option):
    """Call a hook with each event."""

    hook: Hook
    state: Any = None
    key: Hashable = None
    """What `remove` names it by; None for the hook itself."""


@final
@dataclass(frozen=True, slots=True)
class Totals:
    """What was counted. System messages are not. See: OTP ``sys:statistics/2`` (rule Y-6)."""

    start_time: datetime.datetime
    """When counting began, in local time."""
    current_time: datetime.datetime
    messages_in: int
    messages_out: int
    """Calls answered by what a callback returned."""


@dataclass(slots=True)
class _Counting:
    start_time: datetime.datetime = field(default_factory=lambda: datetime.datetime.now().astimezone())
    messages_in: int = 0
    messages_out: int = 0


@dataclass(slots=True)
class _Installed:
    hook: Hook
    state: Any


class _Debugged(Protocol):
    pid: Pid


@final
class Debugging:
    """What is being done with the events of one process. It exists only while something is."""

    __slots__ = ("_counting", "_debugged", "_hooks", "_log", "_trace")

    def __init__(self, debugged: _Debugged) -> None:
        self._debugged = debugged
        self._trace: Trace | None = None
        self._log: deque[Event] | None = None
        self._counting: _Counting | None = None
        self._hooks: dict[Hashable, _Installed] = {}

    def tell(self, event: Event) -> None:
        """An event happened. A hook that raises is removed, as in OTP."""
        if self._trace is not None:
            stream = sys.stdout if self._trace.file is None else self._trace.file
            stream.write(f"*DBG* {self._debugged.pid} {event}\n")
        if self._log is not None:
            self._log.append(event)
        if self._counting is not None:
            self._counting.messages_in += isinstance(event, In)
            self._counting.messages_out += isinstance(event, Out)
        for key, installed in list(self._hooks.items()):
            try:
                installed.state = installed.hook(installed.state, event)
            except CRASHES:
                installed.state = DONE
            if installed.state is DONE:
                self._hooks.pop(key, None)

    def add(self, option: Option) -> None:
        """Begin with something; what is done already goes on, but for a log's size."""
        match option:
            case Trace():
                self._trace = option
            case Log(size):
                self._log = deque(self._log or (), size)
            case Statistics():
                self._counting = self._counting or _Counting()
            case Install(hook, state, key):
                self._hooks.setdefault(hook if key is None else key, _Installed(hook, state))
            case _:
                raise TypeError(f"a debug option is Trace, Log, Statistics or Install, got {option!r}")

    def drop(self, kind: type[Option]) -> None:
        """Do it no more."""
        if kind is Trace:
            self._trace = None
        elif kind is Log:
            self._log = None
        elif kind is Statistics:
            self._counting = None

    def remove(self, key: Hashable) -> None:
        """Call a hook no more; no error if there is none."""
        self._hooks.pop(key, None)

    @property
    def log(self) -> tuple[Event, ...]:
        """The last events, oldest first; empty if they are not kept."""
        return tuple(self._log or ())

    @property
    def totals(self) -> Totals | None:
        """What was counted so far; None if nothing is."""
        counting = self._counting
        if counting is None:
            return None
        now = datetime.datetime.now().astimezone()
        return Totals(counting.start_time, now, counting.messages_in, counting.messages_out)

    @property
    def options(self) -> tuple[str, ...]:
        """The names of what is being done."""
        doing = {"trace": self._trace, "log": self._log, "statistics": self._counting}
        return (
            *(name for name, what in doing.items() if what is not None),
            *(f"install {key!r}" for key in self._hooks),
        )
