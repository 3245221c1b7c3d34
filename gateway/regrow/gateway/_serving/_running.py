"""A gateway that runs: opened in a node, drained when its block ends."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import SystemRandom
from typing import TYPE_CHECKING, final

import trio

from regrow.actors import current_node, self_, stop
from regrow.gateway._channels._messages import Broadcast
from regrow.gateway._operations._metrics import exposition
from regrow.gateway._transport._readiness import ReadinessPort

from ._gate import Gate
from ._route import Page
from ._tree import start_tree

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from typing import Any

    from regrow.gateway._operations._metrics import Metrics
    from regrow.gateway._presence._presence import Presence

    from ._route import Gateway, View

__all__ = ["RunningGateway", "open_gateway"]

SERVICE_RESTART = 1012


@final
@dataclass(frozen=True, slots=True)
class RunningGateway:
    """A gateway that accepts connections."""

    host: str
    port: int
    """The address it listens on."""
    transport: ReadinessPort
    """The sockets."""

    @property
    def metrics(self) -> Metrics:
        """What it counts."""
        return self.transport.metrics

    @property
    def presence(self) -> Presence:
        """Who is in which topic."""
        return self.transport.presence

    @property
    def url(self) -> str:
        """Where to find it, ``http://host:port``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def broadcast(self, topic: str, event: str, payload: Any) -> None:
        """Send every client that has joined a topic an event, from any process of the node.

        See: ``Phoenix.Endpoint.broadcast/3``.

        Raises:
            TypeError: the payload has no form in what a client speaks.
        """
        self.transport.pubsub.broadcast(topic, Broadcast(topic, event, payload))

    def subscribe(self, topic: str) -> None:
        """Have the running process sent each `Broadcast` of a topic, until it dies. Twice is twice, as in Phoenix.

        See: ``Phoenix.Endpoint.subscribe/2``.

        Raises:
            NotAProcessError: the caller is not a process.
        """
        self.transport.pubsub.subscribe_process(topic, self_())

    def unsubscribe(self, topic: str) -> None:
        """Undo every `subscribe` of the running process to a topic; none is no error."""
        self.transport.pubsub.unsubscribe_process(topic, self_())


@asynccontextmanager
async def open_gateway(gateway: Gateway, host: str = "127.0.0.1", port: int = 4000) -> AsyncGenerator[RunningGateway]:
    """Serve a gateway while the block runs. Port 0 picks a free one.

    The caller must be a process; the gateway's supervision tree is linked to it. When the block ends no more
    connections are accepted and those that are open are closed with 1012 and given
    `Settings.drain_timeout` seconds to answer; then the tree is stopped.

    Raises:
        OSError: the address cannot be bound.
        NotAProcessError: the caller is not a process.
    """
    node = current_node()
    transport = ReadinessPort(node, gateway.settings)
    transport.presence.fetch = gateway.fetch_presences
    metrics = exposition(transport.metrics, lambda: _gauges(transport))
    views: dict[str, View] = {
        "/healthz": lambda _request: Page(b"ok\n"),
        "/metrics": lambda _request: Page(metrics(), "text/plain; version=0.0.4; charset=utf-8"),
        **gateway.views,
    }
    gate = transport.gate = Gate(gateway, transport, views, SystemRandom().randint)
    try:
        bound_host, bound_port = transport.listen(host, port)
        tree = await start_tree(transport)
        try:
            yield RunningGateway(bound_host, bound_port, transport)
        finally:
            gate.is_draining = True
            with trio.CancelScope(shield=True):
                await _drain(transport)
                if tree.is_alive:
                    await stop(tree)
    finally:
        transport.close()


async def _drain(transport: ReadinessPort) -> None:
    """Close every connection with 1012 and wait until all are closed, or the deadline is over."""
    transport.stop_listening()
    for connection in list(transport.connections.values()):
        connection.close(SERVICE_RESTART, "the server is stopping")
    for connection in list(transport.handshaking):
        transport.discard(connection)  # there is nothing yet to say goodbye to
    with trio.move_on_after(transport.settings.drain_timeout):
        await transport.emptied()


def _gauges(transport: ReadinessPort) -> dict[str, tuple[str, float]]:
    return {
        "connections": ("sockets open now", len(transport.connections)),
        "processes": ("living processes", len(transport.node.processes)),
        "orphans": ("open connections whose actor is being restarted", len(transport.orphans)),
    }
