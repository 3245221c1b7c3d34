"""Running a gateway as a process of its own, until a signal says to stop."""

from __future__ import annotations

import gc
import logging
import math
import signal
from functools import partial
from typing import TYPE_CHECKING

import trio

from regrow.actors import open_node, spawn
from regrow.gateway._transport._descriptors import room_for

from ._running import open_gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from regrow.gateway._transport._addresses import Address
    from regrow.gateway._transport._choice import TransportName

    from ._route import Gateway
    from ._running import RunningGateway

__all__ = ["serve"]

logger = logging.getLogger("regrow.gateway")

_YOUNG = 50_000
"""Objects made between two collections of the youngest generation: the default would collect many times a tick."""


def serve(
    gateway: Gateway,
    host: str,
    port: int,
    ready: Callable[[RunningGateway], None],
    *,
    listen: Sequence[Address] = (),
    transport: TransportName | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; then drain: close every connection with 1012, within the drain timeout.

    Before that it raises the process's limit of open files to what `Settings.max_connections` needs, as far as that
    goes, and warns if it is not enough.

    ``ready`` is called once the gateway accepts connections. A second signal breaks the connections that are left.
    ``listen`` and ``transport`` are those of `open_gateway`.

    Raises:
        OSError: an address cannot be bound, or its certificate cannot be used; ``filename`` is the address.
    """
    wanted = gateway.settings.max_connections
    room = room_for(wanted)
    if room < wanted < math.inf:
        logger.warning("the limit of open files leaves room for %d connections, max_connections is %d", room, wanted)
    opened = partial(open_gateway, gateway, host, port, listen=listen, transport=transport)
    trio.run(_serve, opened, ready)


async def _serve(
    opened: Callable[[], AbstractAsyncContextManager[RunningGateway]], ready: Callable[[RunningGateway], None]
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with open_node(), opened() as running:
            # What was imported lives as long as the process: let the collector never look at it again.
            gc.freeze()
            gc.set_threshold(_YOUNG)
            ready(running)
            await anext(signals)
            spawn(_impatient, signals, running)


async def _impatient(signals: AsyncIterator[int], running: RunningGateway) -> None:
    """A second signal: whoever sent it does not want to wait."""
    await anext(signals)
    running.transport.disconnect()
