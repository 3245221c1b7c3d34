"""A gateway that runs: opened in a node, drained when its block ends."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from random import Random, SystemRandom
from typing import TYPE_CHECKING, final

import trio

from regrow.actors import current_node, self_, stop
from regrow.gateway._channels._messages import Broadcast
from regrow.gateway._channels._socket import declared_history
from regrow.gateway._history._archive import Archive
from regrow.gateway._history._writer import Writer
from regrow.gateway._operations._exposition import GatewayCollector, UserCollector, exposition
from regrow.gateway._operations._health import Health
from regrow.gateway._operations._supervision import Supervision
from regrow.gateway._pubsub._groups import DISCONNECT
from regrow.gateway._transport._addresses import Tcp
from regrow.gateway._transport._choice import open_transport

from ._drain import drain
from ._gate import Gate
from ._probes import probes
from ._tree import part_names, start_tree

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from typing import Any

    from prometheus_client.registry import Collector

    from regrow.gateway._operations._metrics import Metrics
    from regrow.gateway._presence._presence import Presence
    from regrow.gateway._transport._addresses import Address
    from regrow.gateway._transport._choice import TransportName
    from regrow.gateway._transport._transport import Transport

    from ._route import Gateway

__all__ = ["RunningGateway", "open_gateway"]


@final
@dataclass(frozen=True, slots=True)
class RunningGateway:
    """A gateway that accepts connections."""

    addresses: tuple[Address, ...]
    """What it listens on, as it was bound: host names as numbers, port 0 as the one that was picked."""
    transport: Transport
    """The sockets."""
    gate: Gate
    """Who lets connections in; it says whether the gateway is draining."""

    @property
    def metrics(self) -> Metrics:
        """What it counts."""
        return self.transport.metrics

    @property
    def presence(self) -> Presence:
        """Who is in which topic."""
        return self.transport.presence

    @property
    def is_draining(self) -> bool:
        """Whether it is stopping: it accepts nothing more, and sends away who is there."""
        return self.gate.is_draining

    @property
    def urls(self) -> tuple[str, ...]:
        """Where to find it: ``http://host:port``, with TLS ``https``, and ``unix:path``."""
        return tuple(address.url for address in self.addresses)

    @property
    def url(self) -> str:
        """The first of `urls`."""
        return self.addresses[0].url

    @property
    def host(self) -> str:
        """The host of the first TCP address.

        Raises:
            LookupError: it listens on Unix sockets only.
        """
        return self._tcp().host

    @property
    def port(self) -> int:
        """The port of the first TCP address.

        Raises:
            LookupError: it listens on Unix sockets only.
        """
        return self._tcp().port

    def _tcp(self) -> Tcp:
        for address in self.addresses:
            if isinstance(address, Tcp):
                return address
        raise LookupError(f"it listens on no TCP address: {', '.join(self.urls)}")

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

    def disconnect(self, identity: str) -> None:
        """Close every socket of an identity with 1001: one user's, if `Socket.identify` names users.

        The same as broadcasting ``disconnect`` on the topic of that name, which any process of the gateway can. A
        client that may not come back must be refused in `Socket.connect`, for it will try.

        See: Phoenix.Socket ``id/1``.
        """
        self.transport.pubsub.broadcast(identity, Broadcast(identity, DISCONNECT, {}))


@asynccontextmanager
async def open_gateway(
    gateway: Gateway,
    host: str = "127.0.0.1",
    port: int = 4000,
    *,
    listen: Sequence[Address] = (),
    transport: TransportName | None = None,
    jitter: Random | None = None,
) -> AsyncGenerator[RunningGateway]:
    """Serve a gateway while the block runs. Port 0 picks a free one.

    ``listen`` takes the place of ``host`` and ``port``: any number of `Tcp` and `Unix` addresses, each with or without
    TLS. ``transport`` is how the sockets are waited for; None chooses the best that the operating system has.

    The caller must be a process; the gateway's supervision tree is linked to it. When the block ends no more
    connections are accepted and those that are open are closed with 1012, at once if they are not more than
    `Settings.drain_batch`, else in batches spread by ``jitter``. All have `Settings.drain_timeout` seconds to be
    gone; then the tree is stopped.

    Raises:
        OSError: an address cannot be bound, or its certificate cannot be used; ``filename`` is the address. Or the
            operating system has not what the transport needs.
        NotAProcessError: the caller is not a process.
    """
    node = current_node()
    sockets = open_transport(transport, node, gateway.settings)
    sockets.presence.fetch = gateway.fetch_presences
    supervision = Supervision()
    node.reports.counters.append(supervision.count)
    collectors: list[Collector] = [
        GatewayCollector(sockets, supervision),
        UserCollector(gateway.metrics),
        *gateway.collectors,
    ]
    writer = _writer(gateway, sockets)
    health = Health(sockets, part_names(gateway.settings), lambda: gate.is_draining, gateway.checks)
    views = {**probes(health, exposition(collectors)), **gateway.views}
    gate = sockets.gate = Gate(gateway, sockets, views, SystemRandom().randint)
    try:
        wanted = listen or (Tcp(host, port),)
        addresses = tuple(bound for address in wanted for bound in sockets.listen(address))
        tree = health.tree = await start_tree(sockets, gateway.children, writer)
        try:
            yield RunningGateway(addresses, sockets, gate)
        finally:
            gate.is_draining = True
            with trio.CancelScope(shield=True):
                await drain(sockets, Random() if jitter is None else jitter)  # noqa: S311 - a crowd is spread, no secret
                if tree.is_alive:
                    await stop(tree)
                if writer is not None:
                    await writer.finish()
    finally:
        sockets.close()
        sockets.access.close()
        node.reports.counters.remove(supervision.count)


def _writer(gateway: Gateway, transport: Transport) -> Writer | None:
    """Have what is broadcast kept, if the gateway names a store."""
    if gateway.history is None:
        return None
    archive = Archive(
        gateway.history, gateway.settings, transport.pubsub, partial(declared_history, tuple(gateway.routes.values()))
    )
    transport.archive = transport.pubsub.keeper = archive
    return Writer(archive)
