"""Channel: what a user writes to serve one topic for one client, and the process that runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from regrow.actors import ExitProcess, StopRequest, are_plain, reason_of, receive, resolved
from regrow.actors.sys import SystemMessage
from regrow.gateway._transport._outbound import State

from ._messages import INVALID_MESSAGE, Broadcast, Message
from ._outcomes import JOINED, LEFT, REFUSED, Error, JoinCrashed, JoinRefusedError, Ok, Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from regrow.actors import Ack, ExitReason, Pid
    from regrow.gateway._presence._presence import NewMeta
    from regrow.gateway._pubsub._pubsub import PubSub
    from regrow.gateway._transport._connection import Connection

__all__ = ["Channel"]


class Channel:
    """One client in one topic, served by a process of its own. Instance attributes are its state.

    Subclass it and define the callbacks. If all are plain functions the process is inline; if any is ``async
    def`` it is a trio task. A callback that raises ends the channel, not the connection: the client gets
    ``phx_error`` and, if it is a Phoenix client, joins again.

    See: ``Phoenix.Channel``.
    """

    events: ClassVar[Mapping[str, Any]] = {}
    """The type of an event's payload, ``{"new_msg": NewMsg, "ping": msgspec.Raw}``; any JSON if it is not here.

    A payload that does not fit is answered with an error reply and not handed to `handle_in`.
    """

    pid: Pid
    """This process."""
    topic: str
    connection: Connection
    """The client's connection."""
    join_ref: str | None

    _decoders: ClassVar[dict[str, msgspec.json.Decoder[Any] | None]] = {}
    _inline: ClassVar[bool] = True
    _welcomes: ClassVar[bool] = False
    """Whether `joined` does anything."""

    def __init_subclass__(cls) -> None:
        """Choose the driver, and make a decoder for each event."""
        super().__init_subclass__()
        cls._inline = are_plain(cls, _CALLBACKS)
        cls._welcomes = cls.joined is not Channel.joined
        cls._decoders = {
            event: None if kind is msgspec.Raw else msgspec.json.Decoder(kind) for event, kind in cls.events.items()
        }

    @classmethod
    def is_inline(cls) -> bool:
        """Whether every callback is a plain function, so that the process runs inside the tick."""
        return cls._inline

    def join(self, params: Any) -> Any:
        """The client joins. What it returns is the response of the ok reply; None for an empty one.

        Raises:
            JoinRefusedError: the client gets an error reply.
        """

    def joined(self) -> Any:
        """The client has its ok reply and is subscribed. None or `Stop`. Runs before any `handle_in`.

        The place to `track` it and to `push_presences`. What it raises is a crash of the channel, not of the join.
        See: the ``:after_join`` that channels of Phoenix send themselves.
        """

    def handle_in(self, event: str, payload: Any) -> Any:  # noqa: ARG002 - overridden
        """The client sent a message. `Ok`, `Error`, `Stop`, or None for no reply."""
        return Error({"reason": f"unmatched event: {event}"})

    def handle_info(self, message: Any) -> Any:
        """Another process sent a message. None or `Stop`."""

    def terminate(self, reason: ExitReason) -> Any:
        """The channel ends: the client left, the connection closed, or a callback crashed."""

    def push(self, event: str, payload: Any) -> None:
        """Send this client an event."""
        connection = self.connection
        connection.push(connection.dialect.push(self.join_ref, None, self.topic, event, payload))

    def broadcast(self, event: str, payload: Any) -> None:
        """Send every client in the topic an event, this one included; it is encoded once for all."""
        self._pubsub.broadcast(self.topic, Broadcast(self.topic, event, payload))

    def broadcast_from(self, event: str, payload: Any) -> None:
        """Send every other client in the topic an event."""
        self._pubsub.broadcast_from(self.connection, self.topic, Broadcast(self.topic, event, payload))

    # Who is here: see `Presence`.

    def track(self, key: str, meta: Mapping[str, Any]) -> str:
        """Show this client in the topic under a key until the channel ends; see `Presence.track`."""
        return self.connection.port.presence.track(self.pid, self.topic, key, meta)

    def untrack(self, key: str) -> None:
        """Show it no more; see `Presence.untrack`."""
        self.connection.port.presence.untrack(self.pid, self.topic, key)

    def update(self, key: str, meta: NewMeta) -> str:
        """Change what is shown of it; see `Presence.update`."""
        return self.connection.port.presence.update(self.pid, self.topic, key, meta)

    def presences(self) -> dict[str, dict[str, Any]]:
        """Everyone in the topic; see `Presence.list`."""
        return self.connection.port.presence.list(self.topic)

    def push_presences(self) -> None:
        """Send this client everyone in the topic as ``presence_state``; it is sent each ``presence_diff`` anyhow.

        A client that was sent both has the server's list at the end of every tick.

        Raises:
            RuntimeError: the client is not subscribed yet, and would miss changes: call it from `joined` on.
        """
        connection = self.connection
        if connection.state is not State.OPEN:
            return
        if not self._pubsub.is_subscribed(self.topic, connection):
            raise RuntimeError(f"{self.topic} is not joined yet: call push_presences in `joined`, or later")
        connection.push(connection.port.presence.state(self.topic, connection.dialect))

    @property
    def _pubsub(self) -> PubSub:
        return self.connection.port.pubsub

    # The rules: which callback runs, and what its outcome does.

    def _route(self, message: object) -> tuple[Callable[..., Any], tuple[Any, ...], Callable[..., Stop | None]]:
        """The callback for a message, its arguments, and what carries out its outcome."""
        if not isinstance(message, Message):
            if message is JOINED:
                return self.joined, (), self._settle
            if isinstance(message, StopRequest):
                return Stop, (message.reason,), self._settle
            if isinstance(message, SystemMessage):  # it answers none, like any process that is no behaviour
                return _nothing, (), self._settle
            return self.handle_info, (message,), self._settle
        event, payload = message.event, message.payload
        if event == "phx_join":
            return self.join, (_ANY.decode(payload),), self._settle_join
        if event == "phx_leave":
            return Stop, (LEFT, Ok()), self._settle
        decoder = self._decoders.get(event, _ANY)
        if decoder is None:
            return self.handle_in, (event, payload), self._settle
        try:
            return self.handle_in, (event, decoder.decode(payload)), self._settle
        except INVALID_MESSAGE as error:
            return Error, ({"reason": "invalid payload", "detail": str(error)},), self._settle

    def _settle(self, message: object, outcome: Any) -> Stop | None:
        if outcome is None:
            return None
        kind = outcome.__class__
        if kind is Stop:
            if outcome.reply is not None:
                self._reply(message, outcome.reply)
            return outcome  # type: ignore[no-any-return]
        if (kind is Ok or kind is Error) and message.__class__ is Message:
            self._reply(message, outcome)
            return None
        legal = "Ok, Error, Stop or None" if message.__class__ is Message else "Stop or None"
        raise TypeError(f"a callback of {type(self).__qualname__} returns {legal}, got {outcome!r}")

    def _settle_join(self, message: object, response: Any) -> Stop | None:
        joined = self.connection.session.joined.get(self.topic)
        if joined is None or joined.pid is not self.pid:
            return None  # the client has joined again or is gone, while `join` waited for something
        self._pubsub.subscribe(self.topic, self.connection)
        self._reply(message, Ok({} if response is None else response))
        return JOINED if self._welcomes else None

    def _refused(self, message: object, error: BaseException) -> Stop | None:
        """Answer a join that was refused; anything else that was raised is a crash."""
        if not (isinstance(error, JoinRefusedError) and _is_join(message)):
            return None
        self._reply(message, Error(error.response))
        return Stop(REFUSED)

    def _reply(self, message: Any, outcome: Ok | Error) -> None:
        if message.ref is not None:
            status = "ok" if outcome.__class__ is Ok else "error"
            connection = self.connection
            connection.push(connection.dialect.reply(self.join_ref, message.ref, self.topic, status, outcome.response))

    # The drivers.

    def begin(self, *_args: Any) -> None:
        """Nothing to wait for: the join is the first message. Called by the start protocol."""

    def dispatch(self, message: object) -> None:
        """Take one message. Called by the inline driver."""
        try:
            callback, args, settle = self._route(message)
            stop = settle(message, callback(*args))
        except (Exception, ExitProcess) as error:
            stop = self._refused(message, error)
            if stop is None:
                reason = _reason(message, error)
                if not isinstance(reason, JoinCrashed):
                    self.terminate(reason)
                raise ExitProcess(reason) from error
        if stop is JOINED:
            self.dispatch(JOINED)
        elif stop is not None:
            if stop.reason is not REFUSED:
                self.terminate(stop.reason)
            raise ExitProcess(stop.reason)

    async def live(self, ack: Ack, _args: tuple[Any, ...]) -> None:
        """Take messages until the process ends. Called by the start protocol."""
        ack.ready()
        stop: Stop | None = None
        while True:
            message = await receive() if stop is None else stop
            try:
                callback, args, settle = self._route(message)
                stop = settle(message, await resolved(callback(*args)))
            except (Exception, ExitProcess) as error:
                stop = self._refused(message, error)
                if stop is None:
                    reason = _reason(message, error)
                    if not isinstance(reason, JoinCrashed):
                        await resolved(self.terminate(reason))
                    raise ExitProcess(reason) from error
            if stop is not None and stop is not JOINED:
                if stop.reason is not REFUSED:
                    await resolved(self.terminate(stop.reason))
                raise ExitProcess(stop.reason)


_CALLBACKS = ("join", "joined", "handle_in", "handle_info", "terminate")
_ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def _reason(message: object, error: BaseException) -> ExitReason:
    reason = reason_of(error)
    return JoinCrashed(reason) if _is_join(message) else reason


def _is_join(message: object) -> bool:
    return isinstance(message, Message) and message.event == "phx_join"


def _nothing() -> None:
    """What a channel does with a system message."""
