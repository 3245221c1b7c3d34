"""One client's side of the Phoenix Channels protocol V2, without its socket or its clock."""

from typing import Any, NamedTuple

import msgspec

from ._load_protocol import Answer, ChannelEvent, Delivery, Kind, Request

JOIN_REF = "1"

_Frame = tuple[str | None, str | None, str, str, msgspec.Raw]


class _Reply(msgspec.Struct):
    status: str
    response: msgspec.Raw


class _RoomMessage(msgspec.Struct):
    sender: int | None = None
    sequence: int | None = None


class _Asked(NamedTuple):
    kind: Kind
    intended: float
    sent: float


_decode_frame = msgspec.json.Decoder(_Frame).decode
_decode_reply = msgspec.json.Decoder(_Reply).decode
_decode_room_message = msgspec.json.Decoder(_RoomMessage).decode


class JoinRefusedError(Exception):
    """The gateway answered a join with anything but ok; the text is its answer."""


class Conversation:
    """What one client has asked and not yet been told.

    Each method that makes a frame returns its text, to be sent by the caller. The client is a plain one: it
    does not join again after ``phx_error``, so what the gateway gave up on stays given up in the record.
    """

    def __init__(self, client: int, topic: str) -> None:
        self._client = client
        self._topic = topic
        self._last_ref = int(JOIN_REF)
        self._last_sequence = 0
        self._asked: dict[str, _Asked] = {}

    def join(self) -> str:
        """Make the frame that joins the client's topic."""
        return self._frame(JOIN_REF, "phx_join", {})

    def joined(self, text: str | bytes) -> bool:
        """Return whether `text` is the reply that ends the join; other frames may come before it.

        Raises:
            JoinRefusedError: it is, and it says no.
        """
        _, ref, topic, event, payload = _decode_frame(text)
        if (ref, topic, event) != (JOIN_REF, self._topic, "phx_reply"):
            return False
        reply = _decode_reply(payload)
        if reply.status != Answer.OK:
            raise JoinRefusedError(f"join of {self._topic} answered {reply.status}: {bytes(reply.response).decode()}")
        return True

    def ping(self, kind: Kind, *, intended: float, now: float) -> str:
        """Make a request; it is pending until `receive` sees its reply."""
        ref = self._next_ref()
        self._asked[ref] = _Asked(kind, intended, now)
        return self._frame(ref, "ping", {"n": int(ref)})

    def broadcast(self) -> tuple[int, str]:
        """Make a room message; return its sequence number and its frame."""
        self._last_sequence += 1
        payload = {
            "body": f"message {self._last_sequence} of {self._client}",
            "sender": self._client,
            "sequence": self._last_sequence,
        }
        return self._last_sequence, self._frame(self._next_ref(), "new_msg", payload)

    def receive(self, text: str | bytes, *, now: float) -> Request | Delivery | ChannelEvent | None:
        """Say what a frame is to the record: an answered request, a delivery, the channel's end, or nothing.

        Replies that nobody waits for, presence, and what no client of the load has sent mean nothing.

        Raises:
            msgspec.DecodeError: the frame is not Phoenix V2 JSON.
        """
        _, ref, topic, event, payload = _decode_frame(text)
        match event:
            case "phx_reply" if ref in self._asked:
                kind, intended, sent = self._asked.pop(ref)
                answer = Answer.OK if _decode_reply(payload).status == "ok" else Answer.ERROR
                return Request(self._client, kind, intended, sent, now, answer)
            case "new_msg":
                message = _decode_room_message(payload)
                if message.sender is None or message.sequence is None:
                    return None
                return Delivery(self._client, message.sender, message.sequence)
            case "phx_error" | "phx_close" if topic == self._topic:
                return ChannelEvent(self._client, now, event)
            case _:
                return None

    def unanswered(self) -> list[Request]:
        """Return the requests still pending, as they are to be recorded when the run ends."""
        return [
            Request(self._client, kind, intended, sent, None, Answer.NONE)
            for kind, intended, sent in self._asked.values()
        ]

    def _next_ref(self) -> str:
        self._last_ref += 1
        return str(self._last_ref)

    def _frame(self, ref: str, event: str, payload: dict[str, Any]) -> str:
        return msgspec.json.encode((JOIN_REF, ref, self._topic, event, payload)).decode()
