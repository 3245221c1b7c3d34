"""Replies that come later than the callback which got the message, from wherever the answer is known."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, final

from ._outcomes import Error, Ok

if TYPE_CHECKING:
    from regrow.gateway._history._receipt import Receipt
    from regrow.gateway._transport._connection import Connection

    from ._joined import Joined
    from ._process import ChannelProcess

__all__ = ["ReplyRef", "reply_to"]


@final
class ReplyRef:
    """A client's message that is to be answered later. Made by `Channel.reply_ref`; any process may hold it.

    See: ``Phoenix.Channel.socket_ref/1``.
    """

    __slots__ = ("_channel", "_joined", "_ref")

    def __init__(self, channel: ChannelProcess, joined: Joined, ref: str) -> None:
        self._channel = channel
        self._joined: Joined | None = joined
        self._ref = ref

    def __repr__(self) -> str:
        return f"<ReplyRef {self._ref}>"

    def answer(self, outcome: Ok | Error) -> None:
        """Write the reply, once, if the client still is in the join that the message belongs to."""
        receipt = self._channel._receipt
        if receipt is not None:  # the channel has just broadcast what is not stored yet
            receipt.when_settled(partial(self._answer_stored, outcome))
        else:
            self._answer(outcome)

    def _answer_stored(self, outcome: Ok | Error, receipt: Receipt) -> None:
        self._answer(outcome if receipt.refusal is None else Error({"reason": receipt.refusal}))

    def _answer(self, outcome: Ok | Error) -> None:
        joined, self._joined = self._joined, None
        connection = self._channel.connection
        if joined is not None and connection.session.joined.get(joined.topic) is joined:
            push_reply(connection, joined.join.join_ref, self._ref, joined.topic, outcome)


def reply_to(ref: ReplyRef, outcome: Ok | Error) -> None:
    """Answer a message whose `ReplyRef` was kept.

    Never blocks, and may be called by any process of the node. Only the first reply counts. It is swallowed if the
    channel has ended or the client has joined again since: the client would not know what it answers. After a rejoin
    by the server it still counts.

    Raises:
        TypeError: it is neither `Ok` nor `Error`, or the response has no form in what the client speaks.

    See: ``Phoenix.Channel.reply/2``.
    """
    if not isinstance(outcome, (Ok, Error)):  # pyright: ignore[reportUnnecessaryIsInstance] - not all run a checker
        raise TypeError(f"a reply is Ok or Error, got {outcome!r}")
    ref.answer(outcome)


def push_reply(connection: Connection, join_ref: str | None, ref: str, topic: str, outcome: Any) -> None:
    """Write a ``phx_reply``; ``outcome`` is `Ok` or `Error`."""
    status = "ok" if outcome.__class__ is Ok else "error"
    connection.push(connection.dialect.reply(join_ref, ref, topic, status, outcome.response))
