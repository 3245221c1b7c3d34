"""A gateway in memory for the length of a test: real processes under a real supervision tree, and no sockets."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, final
from urllib.parse import urlencode

import msgspec
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import KILL, NotAProcessError, current_node, exit_signal, open_node, self_, start_inline, stop
from regrow.gateway._channels._messages import Broadcast
from regrow.gateway._channels._socket import Socket
from regrow.gateway._serving._gate import Gate
from regrow.gateway._serving._route import Gateway
from regrow.gateway._serving._tree import start_tree
from regrow.gateway._settings._settings import Settings

from ._claims import Received
from ._client import ChannelClient, JoinedChannel
from ._memory import MemoryTransport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from regrow.actors import Pid
    from regrow.gateway._channels._channel import Channel

__all__ = ["ChannelGateway", "ConnectError", "channel_gateway", "connected", "joined"]

_PATH = "/socket/websocket"
_SWITCHING = b" 101 "


@final
class ConnectError(Exception):
    """A client was refused, by `Socket.connect` or by a limit."""

    def __init__(self, answer: bytes) -> None:
        head, _, body = answer.partition(b"\r\n\r\n")
        self.status = int(head.split()[1])
        """The HTTP status."""
        self.reason = body.decode().strip()
        super().__init__(f"refused with {self.status}: {self.reason}")


@final
class _Witness:
    """The process that hears what is broadcast."""

    pid: Pid

    def __init__(self, heard: list[Received]) -> None:
        self._heard = heard

    def begin(self, *_args: Any) -> None:
        """Nothing to begin with."""

    def dispatch(self, message: object) -> None:
        """Keep a broadcast, as JSON has it."""
        if isinstance(message, Broadcast):
            payload = msgspec.json.decode(msgspec.json.encode(message.payload))
            self._heard.append(Received(None, None, message.topic, message.event, payload))


@final
class ChannelGateway:
    """Serves one socket class to the clients of a test. Made by `channel_gateway`."""

    def __init__(self, transport: MemoryTransport) -> None:
        self.transport = transport
        self.broadcasts: list[Received] = []
        """What was broadcast in topics that were joined or listened to, and no claim has taken, in order."""
        self._witness = _Witness(self.broadcasts)
        self._topics: set[str] = set()
        start_inline(self._witness, linked=False)

    async def connect(
        self, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> ChannelClient:
        """Connect a client with these parameters in its URL, ``vsn`` beside them.

        Raises:
            ConnectError: it was refused.

        See: ``Phoenix.ChannelTest.connect/3``.
        """
        query = urlencode({"vsn": "2.0.0", **(params or {})})
        lines = [
            f"GET {_PATH}?{query} HTTP/1.1",
            "Host: memory",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            *(f"{name}: {value}" for name, value in (headers or {}).items()),
        ]
        pipe = self.transport.connect()
        pipe.feed("\r\n".join((*lines, "", "")).encode())
        await wait_all_tasks_blocked()
        answer = pipe.drain()
        if _SWITCHING not in answer.partition(b"\r\n")[0]:
            raise ConnectError(answer)
        return ChannelClient(self, pipe)

    def broadcast(self, topic: str, event: str, payload: Any) -> None:
        """Broadcast from the server's side, as `RunningGateway.broadcast` does."""
        self.transport.pubsub.broadcast(topic, Broadcast(topic, event, payload))

    def listen(self, topic: str) -> None:
        """Keep what is broadcast in a topic from now on."""
        if topic not in self._topics:
            self._topics.add(topic)
            self.transport.pubsub.subscribe_process(topic, self._witness.pid)

    def end(self) -> None:
        """Listen no more."""
        exit_signal(self._witness.pid, KILL)


@asynccontextmanager
async def channel_gateway(socket: type[Socket], settings: Settings | None = None) -> AsyncGenerator[ChannelGateway]:
    """Serve a socket class to any number of clients while the block runs, in the caller's node or one of its own.

    All is as it is behind a real gateway, limits and supervisors included, but for the kernel. Needs trio; works with
    and without a `trio.testing.MockClock`.
    """
    async with AsyncExitStack() as stack:
        try:
            self_()
        except NotAProcessError:
            await stack.enter_async_context(open_node())
        settings = settings or Settings()
        transport = MemoryTransport(current_node(), settings)
        transport.gate = Gate(
            Gateway(routes={_PATH: socket}, settings=settings), transport, {}, lambda _lowest, highest: highest
        )
        tree = await start_tree(transport)
        gateway = ChannelGateway(transport)
        try:
            yield gateway
        finally:
            gateway.end()
            transport.close()
            with trio.CancelScope(shield=True):
                if tree.is_alive:
                    await stop(tree)


@asynccontextmanager
async def connected(
    socket: type[Socket], params: Mapping[str, str] | None = None, settings: Settings | None = None
) -> AsyncGenerator[ChannelClient]:
    """Serve a socket class to one client while the block runs.

    Raises:
        ConnectError: it was refused.
    """
    async with channel_gateway(socket, settings) as gateway:
        yield await gateway.connect(params)


@asynccontextmanager
async def joined(
    channel: type[Channel], topic: str, params: Any = None, assigns: Mapping[str, Any] | None = None
) -> AsyncGenerator[JoinedChannel]:
    """Serve one channel class to one client that has joined a topic, while the block runs.

    ``assigns`` are what the channel finds as `Channel.assigns`. The whole topic counts as the `Channel.subtopic`.

    Raises:
        JoinError: the join was answered with an error.
    """

    class OneChannel(Socket):
        channels = {"*": channel}  # noqa: RUF012 - as users write it

        @classmethod
        def connect(cls, request: Any, /) -> Any:
            session = super().connect(request)
            session.assign(**(assigns or {}))
            return session

    async with connected(OneChannel) as client:
        yield await client.join(topic, params)
