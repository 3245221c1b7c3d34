"""The transport in memory: a gateway's sockets without a kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, final

import trio

from regrow.gateway._transport._transport import Transport

from ._pipe import Pipe

if TYPE_CHECKING:
    import socket

    from regrow.actors import Node
    from regrow.gateway._settings._settings import Settings
    from regrow.gateway._transport._connection import Connection

__all__ = ["MemoryTransport"]

ADDRESS = "memory"
"""Where its clients come from."""


@final
class MemoryTransport(Transport):
    """A `regrow.actors.Port` whose connections are `Pipe` values. All else is as it is over sockets."""

    def __init__(self, node: Node, settings: Settings) -> None:
        super().__init__(node, settings)
        self._bell = trio.Event()

    def connect(self) -> Pipe:
        """A client connects; what it says first is a request."""
        pipe = Pipe(self._ring)
        self.accepted(cast("socket.socket", pipe), ADDRESS)
        return pipe

    def _ring(self) -> None:
        self._bell.set()

    def _readable(self) -> list[Connection]:
        return [
            connection
            for connection in self.connections.values()
            if not connection.paused and cast("Pipe", connection.sock).is_readable
        ]

    async def wait(self) -> None:
        """Return as soon as a client has said something, or at once if something was said to one."""
        if self.dirty or self._readable():
            await trio.lowlevel.checkpoint()
            return
        self._bell = trio.Event()
        await self._bell.wait()

    def poll(self) -> bool:
        """Read what the clients said."""
        readable = self._readable()
        for connection in readable:
            self._reader.read(connection)
        return bool(readable)

    def stop_listening(self) -> None:
        """Nobody connects but by `connect`."""

    def retry_listening(self) -> None:
        """Nothing ever ran out."""

    def watch(self, connection: Connection) -> None:  # noqa: ARG002 - all are looked at
        """See what may be read."""
        self._ring()
