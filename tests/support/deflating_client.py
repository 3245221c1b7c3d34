"""A client whose compression was written by others: the ``websockets`` package, without its sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame
from websockets.protocol import State
from websockets.uri import parse_uri

if TYPE_CHECKING:
    from websockets.extensions import ClientExtensionFactory

    from tests.support.raw_client import RawClient
    from tests.support.serving import Served

__all__ = ["DeflatingClient"]


class DeflatingClient:
    """One WebSocket connection that offers permessage-deflate."""

    def __init__(self, raw: RawClient, protocol: ClientProtocol) -> None:
        self.raw = raw
        self.protocol = protocol
        self.wire = 0
        """Bytes that came."""
        self._frames: list[Frame] = []

    @classmethod
    async def open(
        cls, served: Served, path: str = "/echo", offers: tuple[ClientExtensionFactory, ...] | None = None
    ) -> DeflatingClient:
        """Connect with some offers."""
        uri = parse_uri(f"ws://127.0.0.1:{served.port}{path}")
        extensions = (ClientPerMessageDeflateFactory(),) if offers is None else offers
        client = cls(await served.connect(), ClientProtocol(uri, extensions=extensions, max_size=2**26))
        client.protocol.send_request(client.protocol.connect())
        await client.flush()
        while client.protocol.state is State.CONNECTING:
            await client._receive()
        client.wire = 0
        return client

    @property
    def is_compressed(self) -> bool:
        """Whether the server took an offer."""
        return bool(self.protocol.extensions)

    async def flush(self) -> None:
        """Send what the protocol has to say."""
        await self.raw.send(*self.protocol.data_to_send())

    async def _receive(self) -> bool:
        data = await self.raw.stream.receive_some()
        self.wire += len(data)
        if data:
            self.protocol.receive_data(data)
        else:
            self.protocol.receive_eof()
        self._frames += [event for event in self.protocol.events_received() if isinstance(event, Frame)]
        return bool(data)

    async def send(self, message: str | bytes) -> None:
        """Send a message."""
        if isinstance(message, str):
            self.protocol.send_text(message.encode())
        else:
            self.protocol.send_binary(message)
        await self.flush()

    async def frame(self) -> Frame:
        """The next frame, decompressed."""
        while not self._frames:
            assert await self._receive(), "ended within a frame"
        return self._frames.pop(0)

    async def text(self) -> str:
        """The next message, as text."""
        return bytes((await self.frame()).data).decode()

    async def goodbye(self) -> int | None:
        """Say goodbye; the code the connection ended with."""
        self.protocol.send_close(1000)
        await self.flush()
        while self.protocol.state is not State.CLOSED:
            await self._receive()
        return self.protocol.close_code
