"""Debugging a process from outside: trace, log and count its events, or have a function called with each.

Events are what a behaviour does with ordinary messages; system messages are none (rule Y-6). A process that is not
being debugged pays nothing for it.

Functions wait and raise as those of `_sys_control` do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

from regrow.actors._system._sys_control import request
from regrow.actors._system._system_events import Event, Hook, Install, Log, Option, Statistics, Totals, Trace
from regrow.actors._system._system_messages import AddOption, DropOption, GetLog, GetStatistics, NoDebug, RemoveHook

if TYPE_CHECKING:
    from collections.abc import Awaitable, Hashable

    from regrow.actors._processes._send import Destination

__all__ = [
    "get_log",
    "get_statistics",
    "install",
    "log",
    "no_debug",
    "remove",
    "statistics",
    "trace",
]


def trace(to: Destination, *, on: bool = True, file: TextIO | None = None, timeout: float = 5.0) -> Awaitable[None]:
    """Print each event to ``file``, or to `sys.stdout` if it is None; or cease to. See: OTP ``sys:trace/3``."""
    return _switch(to, Trace(file), on=on, timeout=timeout)


def log(to: Destination, *, on: bool = True, size: int = 10, timeout: float = 5.0) -> Awaitable[None]:
    """Keep the last ``size`` events for `get_log`, or cease to. See: OTP ``sys:log/3``."""
    if size < 1:
        raise ValueError(f"the size of a log is positive, got {size!r}")
    return _switch(to, Log(size), on=on, timeout=timeout)


def get_log(to: Destination, *, timeout: float = 5.0) -> Awaitable[tuple[Event, ...]]:
    """The last events, oldest first; none if they are not kept. See: OTP ``sys:log(Name, get)``."""
    return request(to, GetLog(), timeout)


def statistics(to: Destination, *, on: bool = True, timeout: float = 5.0) -> Awaitable[None]:
    """Count messages for `get_statistics`, or cease to. See: OTP ``sys:statistics/3``."""
    return _switch(to, Statistics(), on=on, timeout=timeout)


def get_statistics(to: Destination, *, timeout: float = 5.0) -> Awaitable[Totals | None]:
    """What was counted so far; None if nothing is. See: OTP ``sys:statistics(Name, get)``."""
    return request(to, GetStatistics(), timeout)


def install(
    to: Destination,
    hook: Hook,
    state: Any = None,
    *,
    key: Hashable = None,
    timeout: float = 5.0,
) -> Awaitable[None]:
    """Call ``hook(state, event)`` with each event, as the process; it returns its next state, or `DONE` to be removed.

    A hook that raises is removed too. A hook that is installed already stays as it is; ``key`` tells two apart that are
    the same function.

    See: OTP ``sys:install/3``.
    """
    return request(to, AddOption(Install(hook, state, key)), timeout)


def remove(to: Destination, key: Hashable, *, timeout: float = 5.0) -> Awaitable[None]:
    """Remove a hook, by its ``key`` or by itself. No error if there is none. See: OTP ``sys:remove/3``."""
    return request(to, RemoveHook(key), timeout)


def no_debug(to: Destination, *, timeout: float = 5.0) -> Awaitable[None]:
    """Cease all of it. See: OTP ``sys:no_debug/2``."""
    return request(to, NoDebug(), timeout)


def _switch(to: Destination, option: Option, *, on: bool, timeout: float) -> Awaitable[None]:
    return request(to, AddOption(option) if on else DropOption(type(option)), timeout)
