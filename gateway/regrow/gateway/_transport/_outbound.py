"""The writing half of a connection: corked until the tick flushes, bounded when the client reads too slowly."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from regrow.gateway._wire._frames import end_of_frame, ping_frame, pong_frame

from ._outbox import Batch, Outbox, Part, Volatile, after, joined, unsent

if TYPE_CHECKING:
    from ._client_socket import ClientSocket
    from ._transport import Transport

__all__ = ["Outbound", "State"]

_TRY_AGAIN_LATER = 1013


class State(enum.IntEnum):
    """What may still happen on a connection."""

    HANDSHAKE = 0
    """The request is not complete."""
    OPEN = 1
    """Messages flow both ways."""
    CLOSING = 2
    """We said close; what the client still says is thrown away."""
    CLOSED = 3
    """The socket is gone."""


class Outbound:
    """A socket that is written once a tick."""

    __slots__ = ("_backlog", "_sent", "flows", "outbox", "port", "sock", "state")

    state: State
    flows: bool
    """Whether it is open and its socket takes what it is given. Invariant: ``flows <= (state is State.OPEN)``."""
    outbox: Outbox
    """What is to be written. While the socket is full, a list of bytes that begins with what it took a part of."""

    def __init__(self, port: Transport, sock: ClientSocket) -> None:
        self.port = port
        self.sock = sock
        self.state = State.HANDSHAKE
        self.flows = False
        self.outbox = None
        self._backlog = 0
        self._sent = 0

    def close(self, code: int | None, reason: str = "") -> None:
        """Say goodbye behind everything pushed before."""
        raise NotImplementedError

    def broken(self) -> None:
        """The socket refused a write: the client is gone."""
        raise NotImplementedError

    def stalled(self) -> None:
        """Its full socket has taken nothing for `Settings.write_timeout`."""
        raise NotImplementedError

    def written(self) -> None:
        """The last thing it had to say is out."""
        raise NotImplementedError

    def rewatch(self) -> None:
        """Whether its socket is full has changed."""
        raise NotImplementedError

    def retry(self) -> None:
        """Its socket takes bytes, and the outbox has none that wait."""
        raise NotImplementedError

    @property
    def is_blocked(self) -> bool:
        """Whether its socket did not take all it was given."""
        return self._backlog > 0

    @property
    def backlog(self) -> int:
        """Bytes that wait until its socket takes them; 0 unless it is blocked."""
        return self._backlog

    def push(self, frame: bytes) -> None:
        """Write a frame at the end of this tick. A connection that is closing swallows it.

        A client that reads too slowly for `Settings.outbox_limit` or `Settings.outbox_messages` is closed with 1013.
        """
        if not self.flows:
            self._push_blocked(frame)
        elif self.outbox is None:
            self.outbox = frame
            dirty = self.port.dirty
            if not dirty:
                self.port.node.wake()
            dirty.append(self)
        else:
            self.outbox = after(self.outbox, frame)
            self.port.metrics.corked += 1

    def push_volatile(self, frame: bytes) -> None:
        """Like `push`, but while the client reads too slowly the oldest such frames are dropped to make room."""
        if self.flows:
            self.push(frame)
        else:
            self._push_blocked(Volatile(frame))

    def ping(self, payload: bytes) -> None:
        """Ask the client whether it is there."""
        self.push(ping_frame(payload))

    def pong(self, payload: bytes) -> None:
        """Answer a ping."""
        self.push(pong_frame(payload))

    def push_batch(self, batch: Batch) -> None:
        """Write a batch, and what is still added to it this tick, behind what the outbox holds. It must flow."""
        if isinstance(self.outbox, list):
            self.outbox.append(batch)
        elif self.outbox is not None:
            self.outbox = [self.outbox, batch]

    def _push_blocked(self, frame: bytes) -> None:
        if self.state is not State.OPEN:
            return
        outbox = self.outbox
        assert isinstance(outbox, list)
        outbox.append(frame)
        self._backlog += len(frame)
        self.port.metrics.corked += 1
        while self._is_over(outbox):
            oldest = next((at for at in range(1, len(outbox)) if isinstance(outbox[at], Volatile)), None)
            if oldest is None:
                self._cut_off()
                return
            dropped = outbox.pop(oldest)
            assert isinstance(dropped, bytes)
            self._backlog -= len(dropped)
            self.port.metrics.volatile_dropped += 1

    def _is_over(self, outbox: list[Part]) -> bool:
        """Whether more waits than may; what the socket took a part of is no message that waits."""
        settings = self.port.settings
        return self._backlog > settings.outbox_limit or len(outbox) - 1 > settings.outbox_messages

    def flush(self) -> None:
        """Write what the outbox holds; what the socket does not take waits until it is writable."""
        outbox = self.outbox
        if outbox is None:
            return
        data = outbox if isinstance(outbox, bytes) else joined(outbox)
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.broken()
            return
        self.port.metrics.bytes_sent += sent
        if sent < len(data):
            self.block(data, sent)
            return
        self.outbox = None
        if not self.flows:
            self.written()

    def block(self, data: bytes, sent: int) -> None:
        """The socket is full. The rest waits; more waits behind it, up to the limit."""
        self.flows = False
        self.outbox = [data]
        self._sent = sent
        self._backlog = len(data) - sent
        self.port.blocked[self] = self.port.now()
        self.rewatch()
        if self._backlog > self.port.settings.outbox_limit and self.state is State.OPEN:
            self._cut_off()

    def writable(self) -> None:
        """The socket takes bytes again."""
        outbox = self.outbox
        if not isinstance(outbox, list):
            self.retry()  # a handshake of TLS waits, or the kernel spoke of a descriptor that has a new owner since
            return
        data = joined(outbox)
        try:
            sent = self._sent + self.sock.send(memoryview(data)[self._sent :])
        except BlockingIOError:
            return
        except OSError:
            self.broken()
            return
        self.port.metrics.bytes_sent += sent - self._sent
        blocked = self.port.blocked
        if sent < len(data):
            if sent > self._sent:
                blocked.pop(self, None)
                blocked[self] = self.port.now()  # behind the others: those that took nothing for longest come first
            self._sent = unsent(outbox, sent)
            self._backlog = len(data) - sent
            return
        blocked.pop(self, None)
        self.outbox = None
        self._sent = self._backlog = 0
        self.rewatch()
        if self.state is State.OPEN:
            self.flows = True
        else:
            self.written()

    def _cut_off(self) -> None:
        """A slow consumer: drop what it has not read but for the frame it is in the middle of, and say 1013."""
        outbox = self.outbox
        assert isinstance(outbox, list)
        first = outbox[0]
        assert isinstance(first, bytes)
        begun = first[: end_of_frame(first, self._sent)]
        self.outbox = [begun]
        self._backlog = len(begun) - self._sent
        self.port.metrics.slow_consumers += 1
        self.close(_TRY_AGAIN_LATER, "you read too slowly")
