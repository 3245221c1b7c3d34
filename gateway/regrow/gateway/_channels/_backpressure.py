"""Back-pressure from channels: a client is not read while one of its channels is far behind.

The socket's process only forwards what the client says, so it is never behind itself. Whether a channel is, is looked
at not for each message but when as many were forwarded as there was room for at the last look. Nothing is looked at to
learn that it has caught up: a `Milestone` waits in its mailbox behind the messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from regrow.actors import send

if TYPE_CHECKING:
    from regrow.gateway._transport._connection import Connection

    from ._joined import Joined

__all__ = ["Milestone", "caught_up", "look"]

_NEVER = -1
"""A number that counting down does not bring to zero."""


@final
class Milestone:
    """A message to a channel process that is behind. When it takes it, it has taken all that came before."""

    __slots__ = ("_joined", "connection")

    def __init__(self, joined: Joined, connection: Connection) -> None:
        self._joined = joined
        self.connection = connection

    def reached(self) -> None:
        """The channel process has taken it."""
        caught_up(self._joined)


def look(joined: Joined, connection: Connection) -> None:
    """Stop reading the client if more than half of what may wait for the channel does. Otherwise look again later."""
    kept = joined.waiting
    process = None if joined.pid is None else joined.pid.process
    if kept is None and process is None:
        return  # it is dead: what was sent to it is gone
    limit = connection.port.settings.mailbox_limit
    waiting = len(kept) if kept is not None else process.pending() if process is not None else 0
    if waiting * 2 <= limit:
        joined.lead = limit - waiting
        return
    joined.lead = _NEVER
    milestone = joined.milestone = Milestone(joined, connection)
    connection.hold()
    if kept is not None:
        kept.append(milestone)
    elif joined.pid is not None:
        send(joined.pid, milestone)


def caught_up(joined: Joined) -> None:
    """The channel has taken what waited, or is no more: read on."""
    milestone, joined.milestone = joined.milestone, None
    if milestone is not None:
        connection = milestone.connection
        joined.lead = connection.port.settings.mailbox_limit
        connection.release()
