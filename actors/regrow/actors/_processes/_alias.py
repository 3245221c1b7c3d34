"""Aliases: an address of one's own that can be taken back, so that an answer that comes late goes nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from regrow.actors._processes._context import current
from regrow.actors._processes._pid import Ref

if TYPE_CHECKING:
    from regrow.actors._processes._pid import Pid

__all__ = ["Alias", "alias", "unalias"]


@final
class Alias(Ref):
    """A second address of the process that made it, for `send` only. Made by `alias`.

    It keeps nothing of the process alive, and goes nowhere once the process is dead.
    """

    __slots__ = ("_once", "_owner")

    def __init__(self, owner: Pid, *, once: bool) -> None:
        self._owner: Pid | None = owner
        self._once = once

    def deliver(self, message: object) -> None:
        """Put a message into the mailbox of the process; dropped if the alias is not active."""
        owner = self._owner
        if owner is None:
            return
        if self._once:
            self._owner = None
        if owner.process is not None:
            owner.process.post(message)

    def deactivate(self, pid: Pid) -> bool:
        """Go nowhere from now on, if ``pid`` made it; whether it was active until now."""
        if self._owner is not pid:
            return False
        self._owner = None
        return True


def alias(*, once: bool = False) -> Alias:
    """Make an address of the running process that `unalias` takes back; with ``once``, so does the first message.

    A message sent to it afterwards is dropped before the mailbox; what is in the mailbox by then stays. Only
    `send` takes an alias: a timer, a monitor, a link or a call wants a pid or a name.

    Raises:
        NotAProcessError: the caller is not a process.

    See: Erlang ``alias/1``, whose ``[reply]`` is ``once`` (rule M-5).
    """
    return Alias(current().pid, once=once)


def unalias(address: Alias) -> bool:
    """Let an alias go nowhere from now on. Whether it was an active alias of the running process.

    Only the process that made it can do so.

    See: Erlang ``unalias/1`` (rule M-5).
    """
    return address.deactivate(current().pid)
