"""A client of Phoenix Channels V2 that sends what its test says and judges nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.packing import pack, unpack
from tests.support.raw_client import upgrade_request
from tests.support.wire import BINARY, CLOSE, TEXT, ServerFrame, client_frame

if TYPE_CHECKING:
    from tests.support.raw_client import RawClient
    from tests.support.serving import Served

__all__ = [
    "PATH",
    "Heard",
    "MsgpackClient",
    "PhoenixClient",
    "binary_message",
    "closed",
    "error",
    "errored",
    "join",
    "message",
    "ok",
    "packed",
]

PATH = "/socket/websocket?vsn=2.0.0"


@dataclass(frozen=True)
class Heard:
    """A message of the server."""

    join_ref: str | None
    ref: str | None
    topic: str
    event: str
    payload: Any
    position: Any = None
    """What a message that is kept has behind its payload."""


def message(join_ref: str | None, ref: str | None, topic: str, event: str, payload: Any = None) -> bytes:
    """The frame of a message of a client."""
    text = json.dumps([join_ref, ref, topic, event, {} if payload is None else payload])
    return client_frame(TEXT, text.encode())


def join(ref: str | None, topic: str, params: Any = None) -> bytes:
    """The frame of a join; its ref is its join_ref."""
    return message(ref, ref, topic, "phx_join", params)


def binary_message(join_ref: str, ref: str, topic: str, event: str, data: bytes) -> bytes:
    """The frame of a client's message whose payload is bytes."""
    fields = [text.encode() for text in (join_ref, ref, topic, event)]
    return client_frame(BINARY, bytes((0, *map(len, fields))) + b"".join(fields) + data)


def packed(join_ref: str | None, ref: str | None, topic: str, event: str, payload: Any = None) -> bytes:
    """The frame of a client's message as msgpack."""
    whole: list[Any] = [join_ref, ref, topic, event, {} if payload is None else payload]
    return client_frame(BINARY, pack(whole))


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
        frame = await self.raw.frame()
        if frame.opcode == BINARY:
            return _heard_binary(frame.payload)
        assert frame.opcode == TEXT, frame
        return Heard(*json.loads(frame.payload))

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


class MsgpackClient(PhoenixClient):
    """One socket that speaks msgpack, by a library that is not the server's."""

    @classmethod
    async def open(cls, served: Served, path: str = PATH) -> MsgpackClient:
        """Connect; the server must agree to the subprotocol."""
        raw = await served.connect()
        await raw.send(upgrade_request(path, {"Sec-WebSocket-Protocol": "regrow.msgpack"}))
        head = await raw.head()
        assert head.startswith("HTTP/1.1 101 ")
        assert "sec-websocket-protocol: regrow.msgpack" in head.lower()
        return cls(raw)

    async def hear(self) -> Heard:
        """The next message."""
        frame = await self.raw.frame()
        assert frame.opcode == BINARY, frame
        return Heard(*unpack(frame.payload))

    async def joined(self, topic: str, ref: str = "1", params: Any = None) -> None:
        """Join a topic, which must succeed with an empty response."""
        assert await self.ask(packed(ref, ref, topic, "phx_join", params)) == ok(ref, ref, topic)

    async def hears_nothing_more(self) -> bool:
        """Whether nothing has come that was not heard yet."""
        return await self.ask(packed(None, "beat", "phoenix", "heartbeat")) == ok(None, "beat", "phoenix")


def _heard_binary(data: bytes) -> Heard:
    """Read a binary message of the server, as phoenix.js does."""
    kind = data[0]
    count = {0: 3, 1: 4, 2: 2}[kind]
    at = 1 + count
    fields: list[str] = []
    for size in data[1 : 1 + count]:
        fields.append(data[at : at + size].decode())
        at += size
    payload = data[at:]
    match kind:
        case 0:
            return Heard(fields[0], None, fields[1], fields[2], payload)
        case 1:
            return Heard(fields[0], fields[1], fields[2], "phx_reply", {"status": fields[3], "response": payload})
        case _:
            return Heard(None, None, fields[0], fields[1], payload)
