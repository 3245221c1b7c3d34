"""The process that runs a channel: which callback takes a message, what its outcome does, and the two drivers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from regrow.actors import ExitProcess, StopRequest, reason_of, receive, resolved, send
from regrow.actors.sys import SystemMessage
from regrow.gateway._history._archive import UNAVAILABLE
from regrow.gateway._history._history import Ack as HistoryAck
from regrow.gateway._history._position import read_recover
from regrow.gateway._history._receipt import Receipt
from regrow.gateway._history._recovery import recovery_of

from ._backpressure import Milestone
from ._callbacks import Callbacks
from ._joined import Mail
from ._messages import INVALID_MESSAGE, Broadcast, Message
from ._outcomes import DUPLICATE_JOIN, ENDED, JOINED, LEFT, REFUSED, Error, JoinCrashed, JoinRefusedError, Ok, Stop
from ._payloads import decoder_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors import Ack, ExitReason, Pid
    from regrow.gateway._history._archive import Archive
    from regrow.gateway._history._position import RecoverRequest
    from regrow.gateway._pubsub._pubsub import PubSub
    from regrow.gateway._transport._connection import Connection

    from ._joined import Joined
    from ._messages import Payload
    from ._payloads import PayloadDecoder

__all__ = ["ChannelProcess"]


class ChannelProcess(Callbacks):
    """The rules of a channel, and its drivers. See: ``Phoenix.Channel.Server``."""

    pid: Pid
    """This process."""
    topic: str
    connection: Connection
    """The client's connection."""
    join_ref: str | None

    _ref: str | None = None
    """What the reply to the message that is being handled is to carry."""
    _asked: RecoverRequest | None = None
    """What the client wants of the history, while it joins."""
    _receipt: Receipt | None = None
    """For what the callback that runs has broadcast and is not stored yet."""

    @property
    def _pubsub(self) -> PubSub:
        return self.connection.port.pubsub

    # The rules: which callback runs, and what its outcome does.

    def _route(self, message: object) -> tuple[Callable[..., Any], tuple[Any, ...], Callable[..., Stop | None]]:
        """The callback for a message, its arguments, and what carries out its outcome."""
        if not isinstance(message, Message):
            return self._route_other(message)
        event, payload = message.event, message.payload
        is_json = payload.__class__ is msgspec.Raw
        decoder = self._decoders.get(event, _ANY) if is_json else decoder_of(self.events.get(event, Any), payload)
        self._ref = message.ref
        if decoder is None:
            return self.handle_in, (event, payload), self._settle
        if event == "phx_join":
            params = _params(decoder, payload)
            if self.history is not None:
                self._asked = _asked(params)
            return self.join, (params,), self._settle_join
        if event == "phx_leave":
            return Stop, (LEFT, Ok()), self._settle
        try:
            return self.handle_in, (event, decoder.decode(payload)), self._settle
        except INVALID_MESSAGE as error:
            return Error, ({"reason": "invalid payload", "detail": str(error)},), self._settle

    def _route_other(self, message: object) -> tuple[Callable[..., Any], tuple[Any, ...], Callable[..., Stop | None]]:
        """The same for what no client said."""
        self._ref = None
        if message is JOINED:
            return self.joined, (), self._settle
        if isinstance(message, Mail):
            return (self._take if self._inline else self._take_async), (message,), _as_it_is
        if isinstance(message, Broadcast) and message.topic == self.topic and message.event in self._intercepts:
            return self.handle_out, (message.event, _payload_of(message)), self._settle
        if isinstance(message, StopRequest):
            return Stop, (message.reason,), self._settle
        if isinstance(message, Milestone):
            return message.reached, (), self._settle
        if isinstance(message, SystemMessage):  # it answers none, like any process that is no behaviour
            return _nothing, (), self._settle
        return self.handle_info, (message,), self._settle

    def _take(self, mail: Mail) -> Stop | None:
        """Handle the next message of a channel that the server rejoins."""
        message = mail.take()
        callback, args, settle = self._route(message)
        stop = settle(message, callback(*args))
        mail.done()
        return stop

    async def _take_async(self, mail: Mail) -> Stop | None:
        message = mail.take()
        callback, args, settle = self._route(message)
        stop = settle(message, await resolved(callback(*args)))
        mail.done()
        return stop

    def _settle(self, message: object, outcome: Any) -> Stop | None:
        if self._receipt is not None:
            outcome = self._reply_once_stored(message, outcome)
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
            # The client has joined again or is gone. What it said in between is for a channel that never was joined.
            return Stop(ENDED if joined is None else DUPLICATE_JOIN)
        archive = self.connection.port.archive
        if archive is None or self.history is None:
            self._enter(joined)
            self._reply(message, Ok({} if response is None else response))
        else:
            self._settle_join_with_history(archive, joined, message, response)
        return JOINED if self._welcomes else None

    def _enter(self, joined: Joined) -> None:
        """From now on the client hears what is broadcast, and the room knows it."""
        if self._intercepts:
            self._pubsub.subscribe(self.topic, self.connection, self._intercepts, self._asking(joined))
        else:
            self._pubsub.subscribe(self.topic, self.connection)
        if self.room is not None:
            self.connection.port.rooms.enter(self.room, self)

    def _asking(self, joined: Joined) -> Callable[[Any], None]:
        """Where intercepted broadcasts go."""
        return partial(send, self.pid) if joined.mail is None else joined.mail.append

    # The history: see `regrow.gateway._history`.

    def _settle_join_with_history(self, archive: Archive, joined: Joined, message: object, response: Any) -> None:
        """Let the client in, and tell it what it missed."""
        self._receipt = None
        missed = archive.missed(self.topic, self._asked)
        if missed is None:
            raise JoinRefusedError(reason=UNAVAILABLE)
        asked, self._asked = self._asked, None
        connection = self.connection
        written = [one for one in missed.messages if one.event not in self._intercepts]
        recovery = recovery_of(
            missed._replace(messages=written),
            asked,
            connection.dialect.broadcast,
            connection.port.settings.outbox_limit,
        )
        self._enter(joined)
        self._reply(message, Ok(recovery.told(response)))
        for frame in recovery.frames:
            connection.push(frame)
        if self._intercepts and recovery.recovered:
            ask = self._asking(joined)
            for one in missed.messages:
                if one.event in self._intercepts:
                    ask(one)

    def _may_go_now(self, message: Broadcast, sender: Connection | None) -> bool:
        """Whether a message may be broadcast at once; if not, it is when it is stored, and the reply waits for it."""
        history, archive = self.history, self.connection.port.archive
        assert history is not None
        if archive is None or history.ack is not HistoryAck.DURABLE or message.event not in history.events:
            return True
        receipt = self._receipt
        if receipt is None:
            receipt = self._receipt = Receipt()
        archive.keep_for(receipt, self.topic, message, sender)
        return False

    def _reply_once_stored(self, message: object, outcome: Any) -> Any:
        """Let the reply wait until what the callback has broadcast is stored. What is left of the outcome."""
        receipt, self._receipt = self._receipt, None
        assert receipt is not None
        if not isinstance(message, Message):
            return outcome
        reply: Any = outcome.reply if isinstance(outcome, Stop) else outcome
        if message.ref is not None and (reply is None or isinstance(reply, Ok | Error)):
            receipt.when_settled(partial(self._reply_stored, message, reply))
        if isinstance(outcome, Stop):
            return Stop(outcome.reason)
        return None if isinstance(outcome, Ok | Error) else outcome

    def _reply_stored(self, message: Message, reply: Ok | Error | None, receipt: Receipt) -> None:
        if receipt.refusal is not None:
            reply = Error({"reason": receipt.refusal})
        if reply is not None:
            self._reply(message, reply)

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
            message = _inside(message)
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
                message = _inside(message)
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


_ANY: PayloadDecoder = msgspec.json.Decoder()


def _asked(params: Any) -> RecoverRequest | None:
    try:
        return read_recover(params)
    except msgspec.ValidationError as error:
        raise JoinRefusedError(
            reason="invalid recover",
            detail=str(error),
            expected='{"epoch": string, "offset": number} or {"last": number}',
        ) from None


def _payload_of(message: Broadcast) -> Any:
    """What was broadcast; of a message that is kept there is only the JSON."""
    payload = message.payload
    is_kept = message.position is not None and isinstance(payload, msgspec.Raw)
    return _ANY.decode(payload) if is_kept else payload


def _inside(message: object) -> object:
    """What was being handled when something was raised."""
    return message.current if isinstance(message, Mail) else message


def _reason(message: object, error: BaseException) -> ExitReason:
    reason = reason_of(error)
    return JoinCrashed(reason) if _is_join(message) else reason


def _is_join(message: object) -> bool:
    return isinstance(message, Message) and message.event == "phx_join"


def _as_it_is(_mail: object, stop: Stop | None) -> Stop | None:
    """What carries out the outcome of a message that was carried out already."""
    return stop


def _params(decoder: PayloadDecoder, payload: Payload) -> Any:
    """What a client joins with; what cannot be decoded is the client's fault, and no crash."""
    try:
        return decoder.decode(payload)
    except INVALID_MESSAGE as error:
        raise JoinRefusedError(reason="invalid payload", detail=str(error)) from error


def _nothing() -> None:
    """What a channel does with a system message."""
