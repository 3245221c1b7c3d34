"""A gateway on the loopback for the length of a test, watched by a bystander."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from trio.testing import wait_all_tasks_blocked

from regrow.actors import Node, open_node
from regrow.gateway import Echo, Gateway, Handler, RunningGateway, Settings, Tcp, open_gateway
from tests.support.raw_client import RawClient

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from regrow.gateway import Address, Metrics, TransportName, View

__all__ = ["CHOSEN", "Served", "serving"]

CHOSEN: dict[str, TransportName] = {}
"""``transport``: what gateways are served on, if it is not the default. See the fixture ``each_transport``."""


class Served:
    """A running gateway and its clients."""

    def __init__(self, node: Node, running: RunningGateway) -> None:
        self.node = node
        self.running = running
        self._clients: list[RawClient] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.running.port

    @property
    def metrics(self) -> Metrics:
        """What it counts."""
        return self.running.metrics

    async def connect(self, *, source: str = "127.0.0.1", receive_buffer: int | None = None) -> RawClient:
        """Make a TCP connection."""
        client = await RawClient.connect(self.port, source=source, receive_buffer=receive_buffer)
        self._clients.append(client)
        return client

    async def client(self, path: str = "/echo", *, receive_buffer: int | None = None) -> RawClient:
        """Make a WebSocket connection."""
        client = await self.connect(receive_buffer=receive_buffer)
        await client.upgrade(path)
        return client

    async def settle(self) -> None:
        """Wait until whatever is on its way has arrived and been dealt with."""
        await wait_all_tasks_blocked(0.01)

    async def leave(self) -> None:
        """Break the connections that are still open."""
        for client in self._clients:
            await client.reset()


@asynccontextmanager
async def serving(
    routes: Mapping[str, type[Handler]] | None = None,
    settings: Settings | None = None,
    views: Mapping[str, View] | None = None,
    listen: Sequence[Address] = (),
    budget: float = 1.0,
    **more: Any,
) -> AsyncGenerator[Served]:
    """Serve ``/echo`` and what else a test needs, with a bystander connected to ``/echo``.

    It listens on a port of the loopback, and behind that on ``listen``. A process that runs longer than ``budget``
    real seconds is interrupted. ``more`` are fields of the `Gateway`.

    When the block ends the bystander must have noticed nothing, and the listener must still accept. Behind the
    gateway nothing may be left: no socket, no process.
    """
    gateway = Gateway(
        routes={"/echo": Echo, **(routes or {})}, settings=settings or Settings(), views=views or {}, **more
    )
    async with open_node(budget=budget) as node:
        before = len(node.processes)
        addresses = (Tcp("127.0.0.1", 0), *listen)
        async with open_gateway(gateway, listen=addresses, transport=CHOSEN.get("transport")) as running:
            served = Served(node, running)
            try:
                bystander = await served.client()
                yield served
                assert await bystander.echoes()
                assert await (await served.client()).echoes()
            finally:
                await served.leave()
        assert running.transport.connections == {}
        assert len(node.processes) == before
