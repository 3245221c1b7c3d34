"""Clients of a gateway in memory: what a test says and claims as one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast, final
from unittest.mock import ANY

import msgspec
from trio.testing import wait_all_tasks_blocked

from regrow.gateway._wire._frames import CLOSE, TEXT, close_frame

from ._claims import Received, refute, take
from ._pipe import client_frame, server_frames

if TYPE_CHECKING:
    from regrow.actors import Pid

    from ._gateway import ChannelGateway
    from ._pipe import Pipe

__all__ = ["ChannelClient", "JoinError", "JoinedChannel"]

_MASK = 0x80


@final
class JoinError(Exception):
    """A join was answered with an error."""

    def __init__(self, topic: str, response: Any) -> None:
        super().__init__(f"joining {topic!r} was answered with an error: {response!r}")
        self.response = response
        """The response of the error reply."""


@final
class ChannelClient:
    """One client, connected. Made by `connected` and `ChannelGateway.connect`."""

    def __init__(self, gateway: ChannelGateway, pipe: Pipe) -> None:
        self.gateway = gateway
        self.received: list[Received] = []
        """Messages of the server that no claim has taken, in order."""
        self.close_code: int | None = None
        """The code with which the server has closed the connection, if it has."""
        self._pipe = pipe
        self._rest = b""
        self._last_ref = 0

    async def join(self, topic: str, params: Any = None) -> JoinedChannel:
        """Join a topic, and subscribe to it so that `JoinedChannel.assert_broadcast` sees what is broadcast there.

        Raises:
            AssertionError: the join was not answered.
            JoinError: it was answered with an error.

        See: ``Phoenix.ChannelTest.subscribe_and_join/4``.
        """
        self.gateway.listen(topic)
        ref = self.next_ref()
        self.send(ref, ref, topic, "phx_join", params)
        await self.settle()
        reply = take(self.received, f"a reply to the join of {topic!r}", lambda one: one.ref == ref)
        if reply.payload["status"] != "ok":
            raise JoinError(topic, reply.payload["response"])
        return JoinedChannel(self, topic, ref, reply.payload["response"])

    async def close(self) -> None:
        """Close the connection, as a browser does that leaves the page, and wait until all is quiet."""
        frame = close_frame(1000)
        self._pipe.feed(bytes((frame[0], frame[1] | _MASK)) + bytes(4) + frame[2:])
        await self.settle()

    async def drop(self) -> None:
        """Break the connection without a word, and wait until all is quiet."""
        self._pipe.hang_up()
        await self.settle()

    def next_ref(self) -> str:
        """A ref that was not used yet."""
        self._last_ref += 1
        return str(self._last_ref)

    def send(self, join_ref: str | None, ref: str | None, topic: str, event: str, payload: Any = None) -> None:
        """Say anything, legal or not."""
        content: Any = {} if payload is None else payload
        self._pipe.feed(client_frame(msgspec.json.encode((join_ref, ref, topic, event, content))))

    def channel_pid(self, topic: str) -> Pid:
        """The process of a channel.

        Raises:
            LookupError: this client is not in the topic.
        """
        for connection in self.gateway.transport.connections.values():
            if cast("object", connection.sock) is self._pipe:
                joined = connection.session.joined.get(topic)
                if joined is not None and joined.pid is not None:
                    pid: Pid = joined.pid
                    return pid
        raise LookupError(f"this client is not in {topic!r}")

    async def settle(self) -> None:
        """Wait until no process has anything to do, and take what the server said."""
        await wait_all_tasks_blocked()
        frames, self._rest = server_frames(self._rest + self._pipe.drain())
        for opcode, payload in frames:
            if opcode == TEXT:
                self.received.append(Received(*msgspec.json.decode(payload)))
            elif opcode == CLOSE:
                self.close_code = int.from_bytes(payload[:2]) if payload else 1005


@final
class JoinedChannel:
    """One topic a client has joined.

    Every claim waits until no process has anything to do: no time passes. A callback that waits for time to pass is
    quiet too, so let it pass: with `trio.testing.MockClock.jump`. What a claim finds it takes, so that two equal
    messages take two claims. Payloads are compared as JSON has them; `unittest.mock.ANY` stands for any part of one.
    """

    def __init__(self, client: ChannelClient, topic: str, join_ref: str, response: Any) -> None:
        self.client = client
        self.topic = topic
        self.join_ref = join_ref
        self.response = response
        """What the join was answered with."""

    @property
    def pid(self) -> Pid:
        """The channel's process.

        Raises:
            LookupError: the client is not in the topic any more.
        """
        return self.client.channel_pid(self.topic)

    def push(self, event: str, payload: Any = None) -> str:
        """Send the channel a message; the ref its reply will carry."""
        ref = self.client.next_ref()
        self.client.send(self.join_ref, ref, self.topic, event, payload)
        return ref

    def leave(self) -> str:
        """Leave the topic; the ref its reply will carry."""
        return self.push("phx_leave")

    async def assert_reply(self, ref: str, status: Literal["ok", "error"], response: Any = ANY) -> Any:
        """Claim that a message was answered; the response.

        Raises:
            AssertionError: it was not, or otherwise; it lists what was received.
        """
        await self.client.settle()
        wanted = {"status": status, "response": response}
        what = f"reply to {ref} on {self.topic!r}: {status} {_shown(response)}"
        reply = take(
            self.client.received,
            what,
            lambda one: one.event == "phx_reply" and one.ref == ref and one.payload == wanted,
        )
        return reply.payload["response"]

    async def assert_push(self, event: str, payload: Any = ANY) -> Any:
        """Claim that the client was sent an event of this topic, by a push or a broadcast; its payload.

        ``phx_close`` and ``phx_error`` are events too.

        Raises:
            AssertionError: it was not; it lists what was received.
        """
        await self.client.settle()
        what = f"{event!r} on {self.topic!r}: {_shown(payload)}"
        return take(self.client.received, what, lambda one: self._is(one, event, payload)).payload

    async def assert_broadcast(self, event: str, payload: Any = ANY) -> Any:
        """Claim that an event was broadcast in the topic, whether or not this client was sent it; its payload.

        Raises:
            AssertionError: it was not; it lists what was broadcast.
        """
        await self.client.settle()
        what = f"broadcast {event!r} on {self.topic!r}: {_shown(payload)}"
        return take(self.client.gateway.broadcasts, what, lambda one: self._is(one, event, payload)).payload

    async def refute_reply(self, ref: str) -> None:
        """Claim that a message was not answered."""
        await self.client.settle()
        refute(self.client.received, f"reply to {ref}", lambda one: one.event == "phx_reply" and one.ref == ref)

    async def refute_push(self, event: str, payload: Any = ANY) -> None:
        """Claim that the client was not sent an event of this topic."""
        await self.client.settle()
        what = f"{event!r} on {self.topic!r}: {_shown(payload)}"
        refute(self.client.received, what, lambda one: self._is(one, event, payload))

    async def refute_broadcast(self, event: str, payload: Any = ANY) -> None:
        """Claim that an event was not broadcast in the topic."""
        await self.client.settle()
        what = f"broadcast {event!r} on {self.topic!r}: {_shown(payload)}"
        refute(self.client.gateway.broadcasts, what, lambda one: self._is(one, event, payload))

    def _is(self, one: Received, event: str, payload: Any) -> bool:
        is_ours = one.topic == self.topic and one.join_ref in (None, self.join_ref)
        return is_ours and one.event == event and bool(one.payload == payload)


def _shown(payload: Any) -> str:
    return "anything" if payload is ANY else repr(payload)
