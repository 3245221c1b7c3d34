"""Sending a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regrow.actors._errors import UnknownNameError
from regrow.actors._processes._alias import Alias
from regrow.actors._processes._context import current_node
from regrow.actors._processes._names import Via, find
from regrow.actors._processes._pid import Pid

if TYPE_CHECKING:
    from regrow.actors._processes._process import Process

__all__ = ["Destination", "resolve", "send"]

Destination = Pid | str | Via
"""Where a message can go: a process, or the name it is registered under."""


def send(to: Destination | Alias, message: object) -> None:
    """Put a message into a process's mailbox. Never blocks; a dead pid swallows it silently (rule P-3).

    So does an `Alias` that was taken back (rule M-5).

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
    if isinstance(to, Alias):
        to.deliver(message)
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
