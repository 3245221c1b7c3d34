"""Sending a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._context import current_node
from ._errors import UnknownNameError
from ._names import Via, find
from ._pid import Pid

if TYPE_CHECKING:
    from ._process import Process

__all__ = ["Destination", "resolve", "send"]

Destination = Pid | str | Via
"""Where a message can go: a process, or the name it is registered under."""


def send(to: Destination, message: object) -> None:
    """Put a message into a process's mailbox. Never blocks; a dead pid swallows it silently (rule P-3).

    Messages of one sender to one receiver arrive in the order they were sent; nothing is promised across
    senders (rule P-1). The message is shared, not copied: send frozen values.

    Raises:
        UnknownNameError: ``to`` is a name nobody holds.

    See: Erlang ``!``.
    """
    if type(to) is Pid:
        process = to.process
        if process is not None:
            process.post(message)
        return
    found = resolve(to)
    if found is None:
        raise UnknownNameError(f"no process is registered as {to!r}")
    found.post(message)


def resolve(to: Destination) -> Process | None:
    """The living process a destination stands for."""
    if isinstance(to, Pid):
        return to.process
    return find(current_node(), to)
