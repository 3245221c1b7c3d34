"""The readiness transport: all sockets of a gateway behind one epoll, read and written inside the tick.

trio waits for the epoll's own file descriptor; everything else happens in `poll` and `flush`, without a task per
connection. Needs `select.epoll`, which Linux has.
"""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, final

import trio

from ._listener import Listener, OutOfDescriptorsError
from ._outbound import State
from ._reserve import Reserve
from ._transport import Transport

if TYPE_CHECKING:
    from regrow.actors import Node
    from regrow.gateway._settings._settings import Settings

    from ._connection import Connection

__all__ = ["ReadinessPort"]

_EVENTS = 512
"""Sockets served in one tick."""

_IN, _OUT = 0x001, 0x004
"""EPOLLIN and EPOLLOUT."""


@final
class ReadinessPort(Transport):
    """A `regrow.actors.Port`."""

    def __init__(self, node: Node, settings: Settings) -> None:
        super().__init__(node, settings)
        self._epoll = select.epoll()
        self._listeners: dict[int, Listener] = {}
        self._resting: list[Listener] = []
        self._reserve = Reserve()

    # Listening.

    def listen(self, host: str, port: int) -> tuple[str, int]:
        """Accept connections on an address; port 0 picks a free one. Host and port that were bound.

        Raises:
            OSError: the address cannot be bound.
        """
        listener = Listener(host, port)
        self._listeners[listener.fileno()] = listener
        self._epoll.register(listener, _IN)
        return listener.address

    def stop_listening(self) -> None:
        """Accept nothing more."""
        for listener in self._listeners.values():
            listener.close()
        self._listeners.clear()
        self._resting.clear()

    def _accept(self, listener: Listener) -> None:
        try:
            for sock, address in listener.accept():
                self.accepted(sock, address)
                self._epoll.register(sock, _IN)
        except OutOfDescriptorsError:
            turned, is_stuck = self._reserve.turn_away(listener._socket, self.gate.busy())
            self.metrics.refused += turned
            self.metrics.refusals["descriptors"] += turned
            if is_stuck and not turned:
                # The listener stays readable: without a rest every tick would fail on it again.
                self._epoll.unregister(listener)
                self._resting.append(listener)

    # The tick: `regrow.actors.Port`.

    async def wait(self) -> None:
        """Return as soon as a socket is ready, or at once if something was said while nobody served this port."""
        if self.has_spoken:
            await trio.lowlevel.checkpoint()
            return
        await trio.lowlevel.wait_readable(self._epoll.fileno())

    def poll(self) -> bool:
        """Read every socket that is ready and hand what it said to its process."""
        events = self._epoll.poll(0, _EVENTS)
        connections = self.connections
        read = self._reader.read
        for fd, event in events:
            connection = connections.get(fd)
            if connection is None:
                listener = self._listeners.get(fd)
                if listener is not None:
                    self._accept(listener)
                continue
            if event & _OUT:
                connection.writable()
            if event & ~_OUT:
                read(connection)
        return bool(events)

    # Readiness.

    def retry_listening(self) -> None:
        """Let listeners that ran out of descriptors try again."""
        resting, self._resting = self._resting, []
        for listener in resting:
            self._epoll.register(listener, _IN)

    def watch(self, connection: Connection) -> None:
        """Ask the kernel for what the connection waits for now."""
        if connection.state is not State.CLOSED:
            wanted = (0 if connection.paused else _IN) | (_OUT if connection.is_blocked else 0)
            self._epoll.modify(connection.sock, wanted)

    def close(self) -> None:
        """Close every socket, and what polls them. The port must not be served any more."""
        super().close()
        self._reserve.close()
        self._epoll.close()
