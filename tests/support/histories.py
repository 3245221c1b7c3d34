"""Channels with a history, and a store that does as a test says."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar

import trio

from regrow.actors import Shutdown
from regrow.gateway import Ack, Channel, History, MemoryStore, Ok, Room, Socket, Stop
from tests.support.phoenix_client import Heard, PhoenixClient, join, message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regrow.gateway import Head, Member, Record, TopicState

__all__ = [
    "AsyncHistorySocket",
    "FaultyStore",
    "HistorySocket",
    "HostedSocket",
    "enter",
    "hear_until_beat",
    "kept",
    "say",
]


class Sent(Channel):
    """Broadcasts what it is told to; what its join says is in the params."""

    history: ClassVar[History | None] = History(events=("said",), count=5, age=100)

    def join(self, params: Any) -> Any:
        return params.get("response")

    def handle_in(self, event: str, payload: Any) -> Any:
        match event:
            case "say":
                self.broadcast("said", payload)
                return Ok()
            case "say_silently":
                self.broadcast("said", payload)
                return None
            case "say_to_others":
                self.broadcast_from("said", payload)
                return Ok()
            case "say_and_stop":
                self.broadcast("said", payload)
                return Stop(Shutdown("told to"), Ok("bye"))
            case "typing":
                self.broadcast("typing", payload)
                return Ok()
            case _:
                return Ok(payload)


class Durable(Sent):
    """The same, stored before it is broadcast."""

    history: ClassVar[History | None] = History(events=("said",), count=5, age=100, ack=Ack.DURABLE)


class Unkept(Sent):
    """The same without a history."""

    history: ClassVar[History | None] = None


class AsyncSent(Sent):
    """The same as a task."""

    async def handle_in(self, event: str, payload: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return super().handle_in(event, payload)


class AsyncDurable(Durable):
    """The same as a task."""

    async def handle_in(self, event: str, payload: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return super().handle_in(event, payload)


class HistorySocket(Socket):
    channels: ClassVar[Mapping[str, type[Channel]]] = {"sent:*": Sent, "durable:*": Durable, "unkept": Unkept}


class AsyncHistorySocket(Socket):
    channels: ClassVar[Mapping[str, type[Channel]]] = {"sent:*": AsyncSent, "durable:*": AsyncDurable}


async def enter(client: PhoenixClient, topic: str, ref: str = "1", **params: Any) -> dict[str, Any]:
    """Join a topic, which must succeed; the response."""
    heard = await client.ask(join(ref, topic, params))
    assert heard.payload["status"] == "ok", heard
    response: dict[str, Any] = heard.payload["response"]
    return response


def say(topic: str, payload: Any, ref: str | None = "s", event: str = "say") -> bytes:
    """The frame of a message that is to be broadcast."""
    return message(None, ref, topic, event, payload)


def kept(topic: str, payload: Any, epoch: str, offset: int) -> Heard:
    """A broadcast that is kept."""
    return Heard(None, None, topic, "said", payload, {"epoch": epoch, "offset": offset})


async def hear_until_beat(client: PhoenixClient) -> list[Heard]:
    """All that has come, up to now."""
    await client.send(message(None, "beat", "phoenix", "heartbeat"))
    heard: list[Heard] = []
    while True:
        one = await client.hear()
        if one.ref == "beat":
            return heard
        heard.append(one)


class Hall(Room):
    """A room that says what its members say."""

    def handle_in(self, member: Member, event: str, payload: Any) -> Ok:
        self.broadcast("said", payload)
        return Ok()


class Hosted(Durable):
    """Has the room of its topic broadcast what it is told to say."""

    room: ClassVar[type[Room] | None] = Hall

    def handle_in(self, event: str, payload: Any) -> Any:
        if event != "say":
            return super().handle_in(event, payload)
        self.hand_on(event, payload)
        return None


class HostedSocket(Socket):
    """Durable topics with rooms."""

    channels: ClassVar[Mapping[str, type[Channel]]] = {"durable:*": Hosted}


class FaultyStore:
    """A `HistoryStore` that fails, or waits, as long as a test wants it to."""

    def __init__(self) -> None:
        self.inner = MemoryStore()
        self.error: Exception | None = None
        self.is_ambiguous = False
        """Whether an append that fails has been carried out."""
        self.gate = threading.Event()
        self.gate.set()
        self.calls: list[str] = []
        self.entered = threading.Semaphore(0)
        """Released with each call that is under way."""
        self._in_use = threading.Lock()

    def _do(self, what: str) -> None:
        self.calls.append(what)
        self.entered.release()
        assert self._in_use.acquire(blocking=False), "two calls at once"
        try:
            assert self.gate.wait(20)
            if self.error is not None:
                raise self.error
        finally:
            self._in_use.release()

    def open(self) -> None:
        self._do("open")
        self.inner.open()

    def load(self, topic: str, history: History) -> TopicState:
        self._do("load")
        return self.inner.load(topic, history)

    def append(self, records: Sequence[Record], heads: Sequence[Head]) -> None:
        if self.is_ambiguous:
            self.inner.append(records, heads)
        self._do("append")
        self.inner.append(records, heads)

    def expire(self) -> None:
        self._do("expire")
        self.inner.expire()

    def close(self) -> None:
        self._do("close")
        self.inner.close()

    def abandon(self) -> None:
        self.calls.append("abandon")
        self.inner.abandon()
