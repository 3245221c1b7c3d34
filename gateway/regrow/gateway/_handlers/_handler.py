"""Handler: what a user writes to serve raw WebSocket connections, and the process that runs it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, final

from regrow.actors import NORMAL, ExitProcess, InitFailedError, are_plain, receive, resolved, start_inline, start_task
from regrow.actors.sys import SystemMessage
from regrow.gateway._operations._metrics import Refusal
from regrow.gateway._transport._connection import Closed, Connection
from regrow.gateway._transport._outbound import Outbound, State

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from regrow.actors import Ack, Pid
    from regrow.gateway._http._request import Request
    from regrow.gateway._pubsub._dialect import Dialect
    from regrow.gateway._wire._decoder import Frame
    from regrow.gateway._wire._framing import Framing

__all__ = ["Handler", "RefuseError", "start_handler"]


@final
class RefuseError(Exception):
    """Raise it in `Handler.connect` to refuse a client before the socket opens; ``why`` is what the metrics count.

    Raises:
        ValueError: the status is not one of `http.HTTPStatus`.
    """

    def __init__(self, status: int, reason: str, *, why: Refusal = Refusal.FORBIDDEN) -> None:
        super().__init__(f"{status} {reason}")
        self.why = why
        self.status = HTTPStatus(status)
        self.reason = reason


class Handler:
    """One client's WebSocket, served by a process of its own. Instance attributes are its state.

    Subclass it and define the callbacks. If all are plain functions the process is inline, the fast way; if any
    is ``async def`` it is a trio task. A callback that raises ends the process, not the connection: its
    supervisor starts a new one, with fresh state, for the same socket.

    See: ``cowboy_websocket``.
    """

    subprotocols: ClassVar[tuple[str, ...]] = ()
    """What the server speaks on top of WebSocket, best first."""

    has_heartbeats: ClassVar[bool] = False
    """Whether clients send something now and then: one quiet for `Settings.idle_timeout` is closed with 1001."""

    pid: Pid
    """This process."""
    connection: Connection
    """The client's connection."""

    _inline: ClassVar[bool] = True

    def __init_subclass__(cls) -> None:
        """Choose the driver: what the callbacks are decides it."""
        super().__init_subclass__()
        cls._inline = are_plain(cls, _CALLBACKS)

    @classmethod
    def connect(cls, request: Request, /) -> Any:
        """Judge a client before its socket opens. Runs in the tick: it must not block.

        As ``async def`` it runs in a process of its own, and may wait, for a database for instance. It is cancelled
        if the client leaves, and after `Settings.handshake_timeout`.

        What it returns is kept as `session` for as long as the connection lives, whatever becomes of its process.

        Raises:
            RefuseError: answered with its status instead of 101.
            InvalidTokenError: answered with 401.

        See: Phoenix.Socket ``connect/3``.
        """

    @classmethod
    def ended(cls, connection: Connection) -> None:
        """The connection is gone for good, whether or not a process served it. Runs in the tick."""

    @classmethod
    def drain(cls, connection: Connection) -> None:
        """The gateway stops, and closes this connection with 1012 next: the moment for last words.

        Runs in the tick. See: ``Phoenix.Socket``'s ``drainer``.
        """

    @classmethod
    def dialect(cls, framing: Framing, subprotocol: str | None) -> Dialect:  # noqa: ARG003 - overridden
        """What broadcasts to a connection look like that settled on this framing and subprotocol."""
        return framing

    @property
    def session(self) -> Any:
        """What `connect` returned."""
        return self.connection.session

    def open(self) -> Any:
        """The socket is open, or a new process takes it over after a crash."""

    def receive(self, frame: Frame) -> Any:
        """The client sent a message: ``str`` for text, ``bytes`` for binary."""

    def info(self, message: Any) -> Any:
        """Another process sent a message."""

    def recovered(self, frame: Frame | None) -> Any:
        """The process before this one crashed while it handled ``frame``. Runs after `open`, before new frames."""

    def overrun(self, frame: Frame) -> Any:
        """The client is over its message rate; ``frame`` was not handed to `receive`."""

    def close(self, code: int | None, reason: str) -> Any:
        """The connection is over; the process exits with `NORMAL` when this returns."""

    def send(self, message: Frame) -> None:
        """Write a message to the client at the end of this tick. Never blocks; a closing connection swallows it."""
        connection = self.connection
        if isinstance(message, str):
            connection.push(connection.framing.text(message.encode()))
        else:
            connection.push(connection.framing.binary(message))

    def send_volatile(self, message: Frame) -> None:
        """Like `send`, for what soon means nothing: while the client reads too slowly the oldest of these are dropped.

        They make room for others, also for those that may not be dropped. The metric
        ``regrow_messages_dropped_total`` counts them.
        """
        connection = self.connection
        framing = connection.framing
        connection.push_volatile(
            framing.text(message.encode()) if isinstance(message, str) else framing.binary(message)
        )

    def subscribe(self, topic: str) -> None:
        """Have the client written whatever is broadcast on a topic, until the connection ends."""
        self.connection.port.raw_pubsub.subscribe(topic, self.connection)

    def unsubscribe(self, topic: str) -> None:
        """Undo `subscribe`."""
        self.connection.port.raw_pubsub.unsubscribe(topic, self.connection)

    def broadcast(self, topic: str, message: Frame) -> None:
        """Write a message to every client subscribed to a topic; it is encoded once for all."""
        self.connection.port.raw_pubsub.broadcast(topic, message)

    def broadcast_volatile(self, topic: str, message: Frame) -> None:
        """Like `broadcast`; for those that read too slowly it is as with `send_volatile`."""
        self.connection.port.raw_pubsub.broadcast(topic, message, Outbound.push_volatile)

    def stop(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection behind everything sent so far."""
        self.connection.close(code, reason)

    # The drivers.

    def begin(self, *_args: Any) -> None:
        """Run `open`. Called by the start protocol."""
        self.open()
        if self.connection.recovering:
            self.recovered(self.connection.recover())

    def dispatch(self, message: object) -> None:
        """Take one message. Called by the inline driver."""
        connection = self.connection
        if message is connection:
            for frame in connection.unread or ():
                self.receive(frame)
            connection.frames, connection.unread = (), None
            if connection.has_remarks:
                for frame in connection.take_refused():
                    self.overrun(frame)
                connection.remark()
        elif isinstance(message, Closed):
            self.close(message.code, message.reason)
            raise ExitProcess(NORMAL)
        elif message.__class__ is not SystemMessage:  # it answers none, like any process that is no behaviour
            self.info(message)

    async def live(self, ack: Ack, _args: tuple[Any, ...]) -> None:
        """Run `open`, then serve. Called by the start protocol."""
        connection = self.connection
        is_recovering = connection.recovering
        # Before `open`, which may take its time: what the client says meanwhile waits in the mailbox, and the
        # supervisor goes on with its other children.
        connection.attach(self.pid)
        ack.ready()
        await resolved(self.open())
        if is_recovering:
            await resolved(self.recovered(connection.recover()))
        while True:
            message = await receive()
            if message is connection:
                for frame in connection.unread or ():
                    await resolved(self.receive(frame))
                connection.frames, connection.unread = (), None
                if connection.has_remarks:
                    for frame in connection.take_refused():
                        await resolved(self.overrun(frame))
                    connection.remark()
            elif isinstance(message, Closed):
                await resolved(self.close(message.code, message.reason))
                return
            elif message.__class__ is not SystemMessage:
                await resolved(self.info(message))


_CALLBACKS = ("open", "receive", "info", "recovered", "overrun", "close")


def start_handler(connection: Connection) -> Pid | Awaitable[Pid | None] | None:
    """Start the process of a connection, as its supervisor does, again after each crash.

    None, as if it had returned ``IGNORE``, if the connection ended in the meantime.
    """
    if connection.state is not State.OPEN:
        return None
    assert connection.route is not None
    handler = connection.route.handler()
    handler.connection = connection
    if not handler._inline:
        return start_task(handler, linked=True, port=connection)
    try:
        pid = start_inline(handler, linked=True, port=connection)
    except InitFailedError:
        connection.start_failed()
        raise
    if pid is not None:
        connection.attach(pid)
    return pid
