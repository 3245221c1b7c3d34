"""Socket: a handler that speaks Phoenix Channels V2, each joined topic a channel process of its own.

The rules are those of ``Phoenix.Socket``: a channel that crashes never ends the socket, and the end of the
connection ends all its channels. What is joined is kept in the connection's session, so that it survives a
crash of the socket's process: the channels go on, and the next process takes them over.
"""

from __future__ import annotations

import re
from functools import partial
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from regrow.actors import Down, StopRequest, monitor, send
from regrow.gateway._handlers._handler import Handler, RefuseError
from regrow.gateway._operations._metrics import Refusal
from regrow.gateway._transport._rate import refill
from regrow.gateway._wire._decoder import INVALID_DATA

from ._backpressure import caught_up, look
from ._joined import Joined
from ._json import json_serializer
from ._messages import INVALID_MESSAGE, MAX_FIELD, Message, UnspokenFrameError
from ._msgpack import MSGPACK, msgpack_serializer
from ._outcomes import DRAINING, DUPLICATE_JOIN, ENDED, REFUSED, JoinCrashed
from ._patterns import Pattern, first_match, patterns_of
from ._starting import give_up, refuse_join, start_channel_soon

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from regrow.actors import ExitReason, Pid
    from regrow.gateway._history._history import History
    from regrow.gateway._http._request import Request
    from regrow.gateway._transport._connection import Connection
    from regrow.gateway._wire._decoder import Frame
    from regrow.gateway._wire._framing import Framing

    from ._channel import Channel
    from ._serializer import Serializer

__all__ = ["Session", "Socket", "declared_history"]

_UNSUPPORTED_DATA = 1003
_POLICY_VIOLATION = 1008
_VERSION = "2.0.0"
_INVALID = f"a message is [join_ref, ref, topic, event, payload], the first four of at most {MAX_FIELD} characters"
_SPOKEN = re.compile(r"2\.0\.(0|[1-9]\d*)")
"""What ``~> 2.0.0`` means in Elixir."""
_ONLY_VERSION: Mapping[str, str] = MappingProxyType({"vsn": _VERSION})
"""The parameters of most clients: one value for all of them, instead of 300 bytes each."""


class Session:
    """What outlives the process of a socket. Derive from it to keep more than `assign` does."""

    __slots__ = ("_assigns", "join_allowance", "join_stamp", "joined", "params")

    def __init__(self, params: Mapping[str, str]) -> None:
        self.params = params
        """The parameters of the URL."""
        self.joined: dict[str, Joined] = {}
        self._assigns: dict[str, Any] | None = None
        self.join_allowance = inf
        """Joins the client may ask for before it is over its rate, as of `join_stamp`; the burst caps it."""
        self.join_stamp = 0.0

    @property
    def assigns(self) -> Mapping[str, Any]:
        """What was assigned, read-only."""
        return _NO_ASSIGNS if self._assigns is None else MappingProxyType(self._assigns)

    def assign(self, **values: Any) -> None:
        """Set values that every channel of the connection finds as `Channel.assigns`. For `Socket.connect`.

        See: ``Phoenix.Socket.assign/3``.
        """
        if self._assigns is None:
            self._assigns = {}
        self._assigns.update(values)


_NO_ASSIGNS: Mapping[str, Any] = MappingProxyType({})


class Socket(Handler):
    """Subclass it and name the channels; `connect` may judge the client first, calling ``super().connect``.

    ::

        class ChatSocket(Socket):
            channels = {"room:lobby": LobbyChannel, "room:*": RoomChannel}

            @classmethod
            def connect(cls, request):
                session = super().connect(request)
                session.assign(user=user_of(request.params.get("token")))
                return session

    See: ``Phoenix.Socket``.
    """

    subprotocols: ClassVar[tuple[str, ...]] = (MSGPACK, "phoenix")
    """``regrow.msgpack``, or JSON as ``phoenix``: a browser wants an answer if it offers that beside a token."""
    has_heartbeats: ClassVar[bool] = True
    """A Phoenix client sends one every 30 seconds."""

    channels: ClassVar[Mapping[str, type[Channel]]] = {}
    """Channel classes by topic pattern: a topic, or a prefix with ``*`` behind it. The first that matches decides."""

    _patterns: ClassVar[tuple[Pattern, ...]] = ()

    def __init_subclass__(cls) -> None:
        """Read the patterns.

        Raises:
            ValueError: one has a ``*`` that is not its end, or is never reached.
        """
        super().__init_subclass__()
        cls._patterns = patterns_of(cls.__qualname__, cls.channels)

    @classmethod
    def connect(cls, request: Request, /) -> Any:
        """Accept protocol version 2 only. The session of a socket is a `Session`.

        Raises:
            RefuseError: 403, as Phoenix answers a version it does not speak. None at all means 1.0.0 to it.
            BadRequestError: 400, the client's ``authToken`` is malformed.
        """
        params = request.params
        if _SPOKEN.fullmatch(params.get("vsn", "1.0.0")) is None:
            reason = f"Only version {_VERSION} of the channel protocol is spoken: add ?vsn={_VERSION}."
            raise RefuseError(403, reason, why=Refusal.VERSION)
        _ = request.auth_token
        return Session(_ONLY_VERSION if params == _ONLY_VERSION else params)

    @classmethod
    def identify(cls, session: Any, /) -> str | None:  # noqa: ARG003 - overridden
        """The topic on which ``disconnect`` closes this client's sockets with 1001; None if there is none.

        ``session`` is what `connect` returned. ``f"users:{id}"`` makes `RunningGateway.disconnect` close whatever
        sockets a user has.

        See: Phoenix.Socket ``id/1``.
        """
        return None

    @classmethod
    def dialect(cls, framing: Framing, subprotocol: str | None) -> Serializer:
        """Messages are msgpack if the client asked for it, else JSON."""
        return msgpack_serializer(framing) if subprotocol == MSGPACK else json_serializer(framing)

    @classmethod
    def ended(cls, connection: Connection) -> None:
        """Stop every channel of a connection that is gone; `Settings.channel_shutdown` later it is killed."""
        cls._stop_channels(connection, ENDED)

    @classmethod
    def drain(cls, connection: Connection) -> None:
        """Stop every channel. The client hears of it by the close with 1012 alone, so that it joins again elsewhere.

        See: ``phx_drain`` in ``Phoenix.Channel.Server``.
        """
        cls._stop_channels(connection, DRAINING)

    @classmethod
    def _stop_channels(cls, connection: Connection, reason: ExitReason) -> None:
        session: Session = connection.session
        for joined in session.joined.values():
            if joined.pid is not None:
                cls._stop_channel(joined.topic, joined.pid, reason, connection)
        session.joined.clear()

    @classmethod
    def _stop_channel(cls, topic: str, pid: Pid, reason: ExitReason, connection: Connection) -> None:
        """Ask a channel to stop, and kill it if it does not."""
        send(pid, StopRequest(reason))
        kind = cls.channel_for(topic)
        if kind is None or not kind.is_inline():  # what is inline does not wait for anything
            connection.port.stopping[pid] = connection.port.now()

    @classmethod
    def channel_for(cls, topic: str) -> type[Channel] | None:
        """The channel class that serves a topic."""
        pattern = first_match(cls._patterns, topic)
        return None if pattern is None else pattern.channel

    @classmethod
    def subtopic(cls, topic: str) -> str:
        """What the ``*`` of its pattern stands for in a topic; empty if there is none."""
        pattern = first_match(cls._patterns, topic)
        return "" if pattern is None else pattern.rest(topic)

    def open(self) -> Any:
        """Take over the channels that were joined before a crash."""
        identity = self.identify(self.session)
        if identity is not None:
            self.connection.port.pubsub.identify(identity, self.connection)
        for joined in self.session.joined.values():
            for pid in (joined.pid, joined.earlier):
                if pid is not None:
                    monitor(pid)

    def recovered(self, frame: Frame | None) -> Any:
        """Tell the client which message the process before this one died of, if it wants a reply."""
        if frame is not None:
            self._refuse(frame, "socket crashed")

    def overrun(self, frame: Frame) -> Any:
        """Refuse a message that is over the client's rate."""
        self._refuse(frame, "rate limited")

    def _refuse(self, frame: Frame, reason: str) -> None:
        try:
            message = self.connection.dialect.decode(frame)
        except INVALID_MESSAGE:
            return  # it is no message, so nobody waits for a reply
        if message.ref is not None:
            self._reply_error(message, reason)

    def receive(self, frame: Frame) -> Any:
        """Route a message to the channel of its topic."""
        connection = self.connection
        try:
            message = connection.dialect.decode(frame)
        except UnspokenFrameError as error:
            self.stop(_UNSUPPORTED_DATA, str(error))
            return
        except INVALID_MESSAGE:
            self.stop(INVALID_DATA, _INVALID)
            return
        joined = self.session.joined.get(message.topic)
        if joined is None or message.event == "phx_join":
            self._outside(message, joined)
        elif message.join_ref is not None and message.join_ref != joined.join.join_ref:
            pass  # of an earlier join: Phoenix drops it too
        else:
            if joined.waiting is not None:
                joined.waiting.append(message)
            elif joined.pid is not None:
                send(joined.pid, message)
            joined.lead -= 1
            if not joined.lead:
                look(joined, connection)

    def _outside(self, message: Message, joined: Joined | None) -> None:
        """A message that no joined channel takes."""
        if message.event == "phx_join":
            self._join(message, joined)
        elif message.topic == "phoenix" and message.event == "heartbeat":
            self._reply(None, message.ref, "phoenix", "ok", {})
        elif message.event == "phx_leave":
            self._reply(message.join_ref, message.ref, message.topic, "ok", {})
        else:
            self._reply_unmatched(message)

    def _may_join(self, message: Message) -> bool:
        """Whether a join is within the client's rate; one that is not is refused, a client that goes on is closed."""
        port, session = self.connection.port, self.session
        settings = port.settings
        if settings.join_rate == inf:
            return True
        now = port.now()
        left = refill(session.join_allowance, now - session.join_stamp, settings.join_rate, settings.join_burst) - 1
        session.join_stamp, session.join_allowance = now, left
        if left >= 0:
            return True
        port.metrics.joins_refused += 1
        self._reply_error(message, "too many joins")
        if left < -settings.join_burst:
            port.metrics.violations += 1
            self.stop(_POLICY_VIOLATION, "too many joins")
        return False

    def _join(self, message: Message, earlier: Joined | None) -> None:
        if not self._may_join(message):
            return
        if self.channel_for(message.topic) is None:
            self._reply_unmatched(message)
            return
        joined = self.session.joined
        if earlier is not None:
            self._leave_earlier(earlier)
        elif len(joined) >= self.connection.port.settings.max_channels:
            self.connection.port.metrics.joins_refused += 1
            self._reply_error(message, "too many channels joined")
            return
        entry = joined[message.topic] = Joined(message, self.connection.port.settings.mailbox_limit)
        if earlier is not None:
            entry.earlier = earlier.pid or earlier.earlier
            if entry.earlier is not None and entry.earlier.is_alive:
                return  # its end starts the new one
        self._start(entry)

    def _start(self, joined: Joined) -> None:
        """Have the process of a join started."""
        joined.earlier = None
        channel = self.channel_for(joined.topic)
        assert channel is not None
        connection = self.connection
        archive = connection.port.archive
        if archive is None or channel.history is None or archive.is_loaded(joined.topic):
            start_channel_soon(channel, connection, joined)
        else:  # what the client says to the topic meanwhile waits in its entry
            archive.load(
                joined.topic,
                channel.history,
                partial(start_channel_soon, channel, connection, joined),
                partial(refuse_join, connection, joined),
            )

    def _leave_earlier(self, earlier: Joined) -> None:
        """A second join of a topic ends the first, which has `Settings.channel_shutdown` to stop."""
        del self.session.joined[earlier.topic]
        caught_up(earlier)
        self.connection.port.pubsub.unsubscribe(earlier.topic, self.connection)
        if earlier.pid is not None:
            self._stop_channel(earlier.topic, earlier.pid, DUPLICATE_JOIN, self.connection)
        self._push_end(earlier, "phx_close", {})

    def close(self, code: int | None, reason: str) -> Any:  # noqa: ARG002 - whatever ended it
        """Stop the channels: the client may take its time to answer our goodbye, but it hears nothing more."""
        self.ended(self.connection)

    def info(self, message: Any) -> Any:
        """A channel was started, or has ended."""
        if isinstance(message, Joined):
            if message.pid is not None:
                monitor(message.pid)
        elif isinstance(message, Down):
            self._channel_ended(message)

    def _channel_ended(self, down: Down) -> None:
        session: Session = self.session
        joined = next((one for one in session.joined.values() if down.target in (one.pid, one.earlier)), None)
        if joined is None:  # it may be a supervisor
            self._supervisor_ended(down)
            return
        if joined.pid is None:  # it made way for a second join
            self._start(joined)
            return
        mail, reason = joined.mail, down.reason if joined.reason is None else joined.reason
        if mail is not None:
            if mail.reason is None:  # its supervisor starts it again, or calls `give_up`, or dies
                assert mail.supervisor is not None
                mail.watch = monitor(mail.supervisor)
                return
            reason = mail.reason
            mail.give_up()
        is_rejoin = mail is not None and mail.has_joined
        del session.joined[joined.topic]
        caught_up(joined)
        self.connection.port.pubsub.unsubscribe(joined.topic, self.connection)
        if isinstance(reason, JoinCrashed) and not is_rejoin:
            self.connection.port.metrics.channel_crashes += 1
            self._reply_error(joined.join, "join crashed")
        elif reason == REFUSED and not is_rejoin:
            pass  # the channel has said so itself
        elif reason.is_abnormal or reason == REFUSED:
            self.connection.port.metrics.channel_crashes += reason.is_abnormal
            self._push_end(joined, "phx_error", {"reason": "channel_crash"})
        else:
            self._push_end(joined, "phx_close", {})

    def _supervisor_ended(self, down: Down) -> None:
        """Nobody is left to start the channels that it was to start again."""
        for joined in list(self.session.joined.values()):
            if joined.mail is not None and joined.mail.watch is down.ref:
                give_up(self.connection, joined)

    def _push_end(self, joined: Joined, event: str, payload: dict[str, str]) -> None:
        join_ref = joined.join.join_ref
        connection = self.connection
        connection.push(connection.dialect.push(join_ref, join_ref, joined.topic, event, payload))

    def _reply_error(self, message: Message, reason: str) -> None:
        self._reply(message.join_ref, message.ref, message.topic, "error", {"reason": reason})

    def _reply(self, join_ref: str | None, ref: str | None, topic: str, status: str, response: Any) -> None:
        connection = self.connection
        connection.push(connection.dialect.reply(join_ref, ref, topic, status, response))

    def _reply_unmatched(self, message: Message) -> None:
        # Phoenix leaves the join_ref out of this one.
        self._reply(None, message.ref, message.topic, "error", {"reason": "unmatched topic"})


def declared_history(handlers: Iterable[type[Handler]], topic: str) -> History | None:
    """What the channel class that serves a topic says about its history; the first of the sockets that has one."""
    for handler in handlers:
        if issubclass(handler, Socket):
            channel = handler.channel_for(topic)
            if channel is not None and channel.history is not None:
                return channel.history
    return None
