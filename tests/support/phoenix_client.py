"""A client of Phoenix Channels V2 that sends what its test says and judges nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.wire import CLOSE, TEXT, ServerFrame, client_frame

if TYPE_CHECKING:
    from tests.support.raw_client import RawClient
    from tests.support.serving import Served

__all__ = ["PATH", "Heard", "PhoenixClient", "closed", "error", "errored", "join", "message", "ok"]

PATH = "/socket/websocket?vsn=2.0.0"


@dataclass(frozen=True)
class Heard:
    """A message of the server."""

    join_ref: str | None
    ref: str | None
    topic: str
    event: str
    payload: Any


def message(join_ref: str | None, ref: str | None, topic: str, event: str, payload: Any = None) -> bytes:
    """The frame of a message of a client."""
    text = json.dumps([join_ref, ref, topic, event, {} if payload is None else payload])
    return client_frame(TEXT, text.encode())


def join(ref: str | None, topic: str, params: Any = None) -> bytes:
    """The frame of a join; its ref is its join_ref."""
    return message(ref, ref, topic, "phx_join", params)


def ok(join_ref: str | None, ref: str | None, topic: str, response: Any = None) -> Heard:
    """A reply with status ``ok``."""
    return Heard(join_ref, ref, topic, "phx_reply", {"status": "ok", "response": {} if response is None else response})


def error(join_ref: str | None, ref: str | None, topic: str, reason: str, **more: Any) -> Heard:
    """A reply with status ``error``."""
    return Heard(join_ref, ref, topic, "phx_reply", {"status": "error", "response": {"reason": reason, **more}})


def closed(join_ref: str | None, topic: str) -> Heard:
    """The server's word that a channel has ended in peace."""
    return Heard(join_ref, join_ref, topic, "phx_close", {})


def errored(join_ref: str | None, topic: str) -> Heard:
    """The server's word that a channel has crashed."""
    return Heard(join_ref, join_ref, topic, "phx_error", {"reason": "channel_crash"})


class PhoenixClient:
    """One socket."""

    def __init__(self, raw: RawClient) -> None:
        self.raw = raw

    @classmethod
    async def open(cls, served: Served, path: str = PATH) -> PhoenixClient:
        """Connect."""
        return cls(await served.client(path))

    async def send(self, *frames: bytes) -> None:
        """Send messages in one write."""
        await self.raw.send(*frames)

    async def hear(self) -> Heard:
        """The next message."""
        return Heard(*json.loads(await self.raw.text()))

    async def ask(self, *frames: bytes) -> Heard:
        """Send messages; the next message that comes."""
        await self.send(*frames)
        return await self.hear()

    async def joined(self, topic: str, ref: str = "1", params: Any = None) -> None:
        """Join a topic, which must succeed with an empty response."""
        assert await self.ask(join(ref, topic, params)) == ok(ref, ref, topic)

    async def hears_nothing_more(self) -> bool:
        """Whether nothing has come that was not heard yet."""
        beat = await self.ask(message(None, "beat", "phoenix", "heartbeat"))
        return beat == ok(None, "beat", "phoenix")

    async def goodbye(self) -> ServerFrame:
        """The close frame, which must be the next."""
        frame = await self.raw.frame()
        assert frame.opcode == CLOSE, frame
        return frame
