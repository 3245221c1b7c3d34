"""The transport: every socket of one gateway, from accept to close, whatever tells it that a socket is ready.

A transport is a port of its node. What is specific to an operating system's way of waiting is in the classes derived
from it: which sockets are ready, and what a full socket is asked to report.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TypeVar

import trio

from regrow.actors import KILL, exit_signal
from regrow.gateway._http._request import RequestParser
from regrow.gateway._operations._access_log import AccessLog
from regrow.gateway._operations._metrics import Metrics, Refusal
from regrow.gateway._operations._secrets import ParameterFilter
from regrow.gateway._presence._presence import Presence
from regrow.gateway._pubsub._cork import Cork
from regrow.gateway._pubsub._pubsub import PubSub
from regrow.gateway._rooms._rooms import Rooms

from ._connection import ABNORMAL, Connection
from ._keepalive import Keepalive
from ._listener import bind
from ._outbound import Outbound, State
from ._outbox import Batch
from ._peers import PeerCounts
from ._reader import Reader
from ._reserve import Reserve
from ._tls_socket import TlsSocket

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors import Node, Pid
    from regrow.gateway._history._archive import Archive
    from regrow.gateway._settings._settings import Settings

    from ._addresses import Address
    from ._client_socket import ClientSocket
    from ._listener import Listener

__all__ = ["Gate", "Transport"]

T = TypeVar("T")

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER without time: closing the socket resets the connection."""


class Gate(Protocol):
    """Who decides what becomes of a connection: answers its request, and starts the process that serves it."""

    def came(self, connection: Connection, /) -> None:
        """A client has connected and has said nothing yet."""
        ...

    def heard(self, connection: Connection, data: bytes, /) -> None:
        """Bytes came on a connection whose handshake is not done."""
        ...

    def left(self, connection: Connection, /) -> None:
        """A connection ended whose handshake was not done."""
        ...

    def busy(self) -> bytes:
        """The answer to a client for whom there is no descriptor."""
        ...


class Transport:
    """Owns the listeners and the sockets of one gateway. A `regrow.actors.Port`."""

    def __init__(self, node: Node, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.access = AccessLog(ParameterFilter(settings.filter_parameters), node, trio.current_time)
        cork = Cork(self)
        self.pubsub = PubSub(cork)
        """The topics of channels."""
        self.raw_pubsub = PubSub(cork)
        """The topics of raw handlers; they share no name with those of channels."""
        self.presence = Presence(self)
        """Who is in which topic of channels."""
        self.rooms = Rooms()
        """The rooms of the topics of channels."""
        self.archive: Archive | None = None
        """The histories of channels, if the gateway keeps any."""
        self.now = trio.current_time
        self.gate: Gate
        self.connections: dict[int, Connection] = {}
        self.is_listening = False
        """Whether it accepts connections."""
        self.is_exhausted = False
        """Whether the last connection could not be accepted because there was no file descriptor left."""
        self.per_address = PeerCounts()
        self.handshaking: dict[Connection, float] = {}
        """Connections whose request is not complete, with the time they came, oldest first."""
        self.closing: dict[Connection, float] = {}
        """Connections we said goodbye to, with the time, oldest first."""
        self.orphans: dict[Connection, float] = {}
        """Open connections without a process, which is on its way, with the time, oldest first."""
        self.stopping: dict[Pid, float] = {}
        """Channels that were told to stop, with the time, oldest first."""
        self.blocked: dict[Outbound, float] = {}
        """Connections whose socket is full, with the time it last took something, longest ago first."""
        self.node = node
        self.dirty: list[Outbound] = []
        """Connections with something to write at the end of this tick."""
        self._before_flush: list[Callable[[], None]] = []
        self._emptied: trio.Event | None = None
        self._reader = Reader(self)
        self._reserve = Reserve()
        self._keepalive = Keepalive(self)

    # What the derived classes know.

    async def wait(self) -> None:
        """Return as soon as a socket is ready, or at once if something was said while nobody served this port."""
        raise NotImplementedError

    def poll(self) -> bool:
        """Hand what the ready sockets said to their processes; whether there were any."""
        raise NotImplementedError

    async def run(self) -> None:
        """Do what `wait` depends on, for as long as it takes. Cancelling it makes the transport deaf, not broken."""

    def heed(self, listener: Listener) -> None:
        """Accept what comes on a listener."""
        raise NotImplementedError

    def stop_listening(self) -> None:
        """Accept nothing more."""
        raise NotImplementedError

    def retry_listening(self) -> None:
        """Let listeners that ran out of descriptors try again."""
        raise NotImplementedError

    def watch(self, connection: Connection) -> None:
        """Ask for what the connection waits for now: something to read unless it is paused, room if it is blocked."""
        raise NotImplementedError

    # Beginning.

    def listen(self, address: Address) -> tuple[Address, ...]:
        """Accept connections on an address; what was bound, one for each address that its host has.

        Raises:
            OSError: it cannot be bound, or its certificate cannot be used. ``filename`` is the address as text.
        """
        listeners = bind(address)
        for listener in listeners:
            self.heed(listener)
        self.is_listening = True
        return tuple(listener.address for listener in listeners)

    def must_rest(self, listener: Listener) -> bool:
        """Turn away who waits on a listener for want of descriptors; whether that is impossible too."""
        turned, is_stuck = listener.turn_away(self._reserve, self.gate.busy())
        self.metrics.refused += turned
        self.metrics.refusals[Refusal.DESCRIPTORS] += turned
        self.is_exhausted = True
        return is_stuck and not turned

    def accepted(self, sock: ClientSocket, address: str) -> Connection:
        """A client has connected."""
        connection = Connection(self, sock, address)
        connection.parser = RequestParser(self.settings)
        self.connections[sock.fileno()] = connection
        self.per_address.arrived(address)
        self.handshaking[connection] = self.now()
        self.metrics.accepted += 1
        return connection

    def comes_from(self, connection: Connection, address: str) -> None:
        """A trusted proxy says where its client is: that address counts from now on, not the proxy's."""
        self.per_address.left(connection.address)
        connection.address = address
        self.per_address.arrived(address)

    def opened(self, connection: Connection, response: bytes, leftover: bytes) -> None:
        """The handshake is done: ``response`` says so; ``leftover`` came behind the request."""
        connection.state = State.OPEN
        connection.flows = True
        connection.parser = None
        self.handshaking.pop(connection, None)
        self.metrics.opened += 1
        connection.allowance = self.settings.message_burst
        connection.opened_at = connection.stamp = self.orphans[connection] = self.now()
        # Written now, not with the tick: a slow reader is cut off between frames, so its outbox must begin with one.
        connection.outbox = response
        connection.flush()
        if leftover and connection.state is State.OPEN:
            self._reader.decode(connection, leftover)

    # The end of the tick.

    def flush(self) -> None:
        """Write what this tick said: one send a connection, however much was said to it."""
        while self.dirty or self._before_flush:
            while self._before_flush:  # what speaks here may have batches to close, or others something to say
                finished, self._before_flush = self._before_flush, []
                for finish in finished:
                    finish()
            dirty, self.dirty = self.dirty, []
            written = 0
            for connection in dirty:
                outbox = connection.outbox
                if isinstance(outbox, Batch):
                    outbox = outbox.data()
                if isinstance(outbox, bytes) and connection.flows:  # one frame or one batch: what most have to say
                    try:
                        sent = connection.sock.send(outbox)
                    except OSError:
                        pass  # nothing was written: flush meets the same error and deals with it
                    else:
                        written += sent
                        if sent == len(outbox):
                            connection.outbox = None
                        else:
                            connection.block(outbox, sent)
                        continue
                connection.flush()
            self.metrics.writes += len(dirty)
            self.metrics.bytes_sent += written

    def before_flush(self, finish: Callable[[], None]) -> None:
        """Call ``finish`` before this tick's writes go out, those of what it says included.

        Whoever speaks while they do is written after them.
        """
        self._before_flush.append(finish)

    @property
    def has_spoken(self) -> bool:
        """Whether there is something to write."""
        return bool(self.dirty or self._before_flush)

    # TLS.

    def stalled(self, connection: Connection) -> None:
        """Nothing could be read before the request was complete: a handshake of TLS may wait for room to write."""
        if isinstance(connection.sock, TlsSocket):
            self.watch(connection)

    def retry(self, connection: Connection) -> None:
        """There is room to write, and nothing that waits for it but perhaps a handshake of TLS."""
        if connection.state is State.HANDSHAKE:
            self._reader.read(connection)

    # Ending.

    def said_goodbye(self, connection: Connection) -> None:
        """Our close frame is out. If the client closed first that was the last word."""
        ending = connection.ending
        if ending is None:
            return
        if not ending.is_violation:
            self.discard(connection)
            return
        try:
            # Closing with unread bytes would reset the connection, and the client might never see our code.
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.discard(connection)

    def lost(self, connection: Connection) -> None:
        """The client is gone."""
        if connection.state is State.OPEN:
            self.metrics.lost += 1
            connection.tell_closed(ABNORMAL, "the connection broke")
        elif isinstance(connection.sock, TlsSocket) and connection.sock.has_failed:
            self.metrics.refused += 1
        self.discard(connection)

    def discard(self, connection: Connection) -> None:
        """Close the socket and forget the connection; what was not written is dropped."""
        if connection.state is State.CLOSED:
            return
        if connection.state is State.HANDSHAKE:
            self.gate.left(connection)
        connection.state = State.CLOSED
        connection.flows = False
        connection.outbox = None
        connection.parser = None
        connection.unread = None
        for waiting in (self.handshaking, self.closing, self.orphans):
            waiting.pop(connection, None)
        self.blocked.pop(connection, None)
        del self.connections[connection.sock.fileno()]
        self.per_address.left(connection.address)
        connection.sock.close()
        for group in connection.groups:
            group.remove(connection)
        if connection.route is not None:
            connection.route.ended(connection)
        if self._emptied is not None and not self.connections:
            self._emptied.set()

    async def emptied(self) -> None:
        """Return as soon as there is no connection left."""
        while self.connections:
            self._emptied = trio.Event()
            await self._emptied.wait()

    def abort(self, connection: Connection) -> None:
        """Reset the connection: the client did not answer our goodbye in time."""
        with suppress(OSError):  # some systems refuse it once the client is gone
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.discard(connection)

    def sweep(self) -> None:
        """End what has waited too long, and let listeners that rested try again. To be called about every second."""
        now = self.now()
        settings = self.settings
        for connection in _overdue(self.handshaking, now - settings.handshake_timeout):
            self.metrics.refuse(Refusal.TIMEOUT)
            self.discard(connection)
        for connection in _overdue(self.closing, now - settings.close_timeout):
            self.abort(connection)
        for connection in _overdue(self.orphans, now - settings.close_timeout):
            connection.given_up()
        for channel in _overdue(self.stopping, now - settings.channel_shutdown):
            del self.stopping[channel]
            exit_signal(channel, KILL)
        for outbound in _overdue(self.blocked, now - settings.write_timeout):
            outbound.stalled()
        self._keepalive.walk()
        self.retry_listening()

    def disconnect(self) -> None:
        """Close every socket at once."""
        self.stop_listening()
        for connection in list(self.connections.values()):
            self.discard(connection)

    def close(self) -> None:
        """Close every socket, and what polls them. The transport must not be served any more."""
        self.disconnect()
        self._reserve.close()


def _overdue(waiting: dict[T, float], before: float) -> list[T]:
    """Those that have waited since ``before`` or longer; ``waiting`` is ordered by time."""
    overdue: list[T] = []
    for one, since in waiting.items():
        if since > before:
            break
        overdue.append(one)
    return overdue
