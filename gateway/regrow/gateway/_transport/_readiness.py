"""The readiness transport: all sockets of a gateway behind one epoll or kqueue, read and written inside the tick.

trio waits for the poller's own file descriptor; everything else happens in `poll` and `flush`, without a task per
connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import trio

from regrow.gateway._operations._metrics import Refusal

from ._listener import OutOfDescriptorsError
from ._outbound import State
from ._poller import IN, OUT, open_poller
from ._tls_socket import TlsSocket
from ._transport import Transport

if TYPE_CHECKING:
    from regrow.actors import Node
    from regrow.gateway._settings._settings import Settings

    from ._connection import Connection
    from ._listener import Listener
    from ._poller import Poller

__all__ = ["ReadinessPort"]

_EVENTS = 512
"""Sockets served in one tick."""


@final
class ReadinessPort(Transport):
    """A `regrow.actors.Port`.

    Raises:
        OSError: the operating system has neither epoll nor kqueue, or no descriptor is left.
    """

    def __init__(self, node: Node, settings: Settings, poller: Poller | None = None) -> None:
        super().__init__(node, settings)
        self._poller = poller or open_poller()
        self._listeners: dict[int, Listener] = {}
        self._resting: list[Listener] = []

    # Listening.

    def heed(self, listener: Listener) -> None:
        """Accept what comes on a listener."""
        self._listeners[listener.fileno()] = listener
        self._poller.register(listener.fileno(), IN)

    def stop_listening(self) -> None:
        """Accept nothing more."""
        for listener in self._listeners.values():
            listener.close()
        self.is_listening = False
        self._listeners.clear()
        self._resting.clear()

    def _accept(self, listener: Listener) -> None:
        try:
            for sock, address in listener.accept():
                connection = self.accepted(sock, address)
                try:
                    self._poller.register(sock.fileno(), IN)
                except OSError:  # the kernel watches as many as it can
                    self.metrics.refuse(Refusal.DESCRIPTORS)
                    self.discard(connection)
                else:
                    self.gate.came(connection)
        except OutOfDescriptorsError:
            if self.must_rest(listener):
                # It stays readable: without a rest every tick would fail on it again.
                self._poller.unregister(listener.fileno())
                self._resting.append(listener)

    # The tick: `regrow.actors.Port`.

    async def wait(self) -> None:
        """Return as soon as a socket is ready, or at once if something was said while nobody served this port."""
        if self.has_spoken:
            await trio.lowlevel.checkpoint()
            return
        await trio.lowlevel.wait_readable(self._poller.fileno())

    def poll(self) -> bool:
        """Read every socket that is ready and hand what it said to its process."""
        events = self._poller.poll(0, _EVENTS)
        connections = self.connections
        read = self._reader.read
        for fd, event in events:
            connection = connections.get(fd)
            if connection is None:
                listener = self._listeners.get(fd)
                if listener is not None:
                    self._accept(listener)
                continue
            if event & OUT:
                connection.writable()
            if event & ~OUT:
                read(connection)
        return bool(events)

    # Readiness.

    def retry_listening(self) -> None:
        """Let listeners that ran out of descriptors try again."""
        resting, self._resting = self._resting, []
        self.is_exhausted = False
        for listener in resting:
            self._poller.register(listener.fileno(), IN)

    def watch(self, connection: Connection) -> None:
        """Ask the kernel for what the connection waits for now."""
        if connection.state is not State.CLOSED:
            sock = connection.sock
            waits = connection.is_blocked or (isinstance(sock, TlsSocket) and sock.is_stuck)
            self._poller.modify(sock.fileno(), (0 if connection.paused else IN) | (OUT if waits else 0))

    def close(self) -> None:
        """Close every socket, and what polls them. The port must not be served any more."""
        super().close()
        self._poller.close()
