"""Members: the clients in a room, as the room sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regrow.actors import Pid
    from regrow.gateway._transport._connection import Connection

__all__ = ["Member"]


@final
class Member:
    """One client in a room: one channel process. Who joins again is another member. Compared by identity."""

    __slots__ = ("_join_ref", "connection", "pid", "topic")

    def __init__(self, pid: Pid, connection: Connection, topic: str, join_ref: str | None) -> None:
        self.pid = pid
        """The channel process."""
        self.connection = connection
        """The client's connection."""
        self.topic = topic
        self._join_ref = join_ref

    def __repr__(self) -> str:
        return f"<Member {self.pid} of {self.topic}>"

    @property
    def assigns(self) -> Mapping[str, Any]:
        """What `Socket.connect` has assigned to the connection. Empty once the connection is gone."""
        assigns: Mapping[str, Any] = self.connection.session.assigns
        return assigns

    def push(self, event: str, payload: Any) -> None:
        """Send this client an event, as its channel would. A member that has left is sent nothing."""
        if self.pid.is_alive:
            connection = self.connection
            connection.push(connection.dialect.push(self._join_ref, None, self.topic, event, payload))
