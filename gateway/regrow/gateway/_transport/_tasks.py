"""The tasks transport: trio waits for every socket. It runs wherever trio does.

A task a connection waits until its socket is readable, a second one, only while the socket is full, until it takes
bytes again. They touch no socket themselves: they note that it is ready and stir the tick, which reads and writes
exactly as that of the readiness transport does. A task costs memory and turns of trio, so this one is for systems
without epoll and kqueue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import trio

from ._listener import OutOfDescriptorsError
from ._outbound import State
from ._tls_socket import TlsSocket
from ._transport import Transport

if TYPE_CHECKING:
    from regrow.actors import Node
    from regrow.gateway._settings._settings import Settings

    from ._connection import Connection
    from ._listener import Listener

__all__ = ["TaskPort"]


@final
class TaskPort(Transport):
    """A `regrow.actors.Port`."""

    def __init__(self, node: Node, settings: Settings) -> None:
        super().__init__(node, settings)
        self._nursery: trio.Nursery | None = None
        """Where the tasks run; None while nobody runs this transport."""
        self._listeners: list[Listener] = []
        self._readable: list[Connection] = []
        self._writable: list[Connection] = []
        self._ringing: list[Listener] = []
        """Listeners on which somebody waits."""
        self._parked: dict[Connection | Listener, trio.Event] = {}
        """Tasks that wait until reading may go on, each with what sets it free."""
        self._full: dict[Connection, trio.Event] = {}
        """Connections with a task that waits for room. The event is set once the outbox has been tried again."""
        self._stirred = trio.Event()

    async def run(self) -> None:
        """Wait for the sockets until cancelled. They are kept when that happens; running it again goes on."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for listener in self._listeners:
                nursery.start_soon(self._await_clients, listener)
            for connection in self.connections.values():
                nursery.start_soon(self._await_bytes, connection)
                self._await_room_if_full(connection)
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None  # before it is closed: a tick may run while the tasks unwind

    # Listening.

    def heed(self, listener: Listener) -> None:
        """Accept what comes on a listener."""
        self._listeners.append(listener)
        if self._nursery is not None:
            self._nursery.start_soon(self._await_clients, listener)

    def stop_listening(self) -> None:
        """Accept nothing more."""
        self.is_listening = False
        listeners, self._listeners = self._listeners, []
        self._ringing.clear()
        for listener in listeners:
            trio.lowlevel.notify_closing(listener.fileno())
            listener.close()
            self._unpark(listener)

    def retry_listening(self) -> None:
        """Let listeners that ran out of descriptors try again."""
        self.is_exhausted = False
        for listener in self._listeners:
            self._unpark(listener)

    def _accept(self, listener: Listener) -> None:
        try:
            for sock, address in listener.accept():
                connection = self.accepted(sock, address)
                if self._nursery is not None:
                    self._nursery.start_soon(self._await_bytes, connection)
                self.gate.came(connection)
        except OutOfDescriptorsError:
            if self.must_rest(listener):
                return  # it stays parked: see `retry_listening`
        self._unpark(listener)

    # The tick: `regrow.actors.Port`.

    async def wait(self) -> None:
        """Return as soon as a socket is ready, or at once if something was said while nobody served this port."""
        if not (self.has_spoken or self._readable or self._writable or self._ringing):
            self._stirred = trio.Event()
            await self._stirred.wait()
        else:
            await trio.lowlevel.checkpoint()

    def poll(self) -> bool:
        """Read every socket that is ready and hand what it said to its process."""
        ringing, self._ringing = self._ringing, []
        for listener in ringing:
            self._accept(listener)
        writable, self._writable = self._writable, []
        for connection in writable:
            tried = self._full.get(connection)
            if tried is not None:
                connection.writable()
                tried.set()
        readable, self._readable = self._readable, []
        read = self._reader.read
        for connection in readable:
            if connection.state is not State.CLOSED:
                read(connection)
                if not connection.paused:
                    self._unpark(connection)
        # After this tick one more: its flush may have told processes of connections that ended.
        return bool(ringing or writable or readable)

    # Readiness.

    def watch(self, connection: Connection) -> None:
        """Have tasks wait for what the connection waits for now."""
        if connection.state is State.CLOSED:
            return
        if not connection.paused:
            self._unpark(connection)
        self._await_room_if_full(connection)

    def discard(self, connection: Connection) -> None:
        """Close the socket and forget the connection; its tasks end."""
        if connection.state is not State.CLOSED:
            trio.lowlevel.notify_closing(connection.sock.fileno())
        super().discard(connection)
        self._unpark(connection)
        tried = self._full.pop(connection, None)
        if tried is not None:
            tried.set()

    # The tasks.

    async def _await_clients(self, listener: Listener) -> None:
        try:
            while listener in self._listeners:
                await trio.lowlevel.wait_readable(listener.fileno())
                self._ringing.append(listener)
                await self._park(listener)
        except trio.ClosedResourceError:
            pass

    async def _await_bytes(self, connection: Connection) -> None:
        try:
            while connection.state is not State.CLOSED:
                if not connection.paused:
                    await trio.lowlevel.wait_readable(connection.sock.fileno())
                    self._readable.append(connection)
                await self._park(connection)
        except trio.ClosedResourceError:
            pass

    def _await_room_if_full(self, connection: Connection) -> None:
        if self._nursery is not None and connection not in self._full and _is_full(connection):
            self._full[connection] = trio.Event()
            self._nursery.start_soon(self._await_room, connection)

    async def _await_room(self, connection: Connection) -> None:
        try:
            while _is_full(connection):
                await trio.lowlevel.wait_writable(connection.sock.fileno())
                tried = self._full[connection] = trio.Event()
                self._writable.append(connection)
                self._stirred.set()
                await tried.wait()
        except trio.ClosedResourceError:
            pass
        finally:
            self._full.pop(connection, None)

    async def _park(self, what: Connection | Listener) -> None:
        """Let the tick do its part, and wait until it has."""
        self._stirred.set()
        event = self._parked[what] = trio.Event()
        try:
            await event.wait()
        finally:
            if self._parked.get(what) is event:
                del self._parked[what]

    def _unpark(self, what: Connection | Listener) -> None:
        event = self._parked.pop(what, None)
        if event is not None:
            event.set()


def _is_full(connection: Connection) -> bool:
    if connection.state is State.CLOSED:
        return False
    sock = connection.sock
    return connection.is_blocked or (isinstance(sock, TlsSocket) and sock.is_stuck)
