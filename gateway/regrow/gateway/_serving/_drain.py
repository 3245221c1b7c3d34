"""Draining: every connection is told to go somewhere else, not all at the same moment.

Clients come back at once, to another server or to the next one here, so a crowd of them is sent away in batches, in
random order. See: Phoenix.Socket.PoolDrainer.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import trio

from regrow.gateway._transport._outbound import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from regrow.gateway._settings._settings import Settings
    from regrow.gateway._transport._connection import Connection
    from regrow.gateway._transport._transport import Transport

__all__ = ["drain", "pauses"]

_SPREAD = 0.5
"""A pause differs from the average by at most this part of it."""


def pauses(connections: int, settings: Settings, jitter: Random) -> list[float]:
    """The seconds to wait behind each batch but the last; none for a server whose connections are one batch.

    Together they leave the clients of the last batch the time to answer, or half of the drain timeout if that is less.
    """
    batches = -(-connections // settings.drain_batch)
    drawn = [settings.drain_interval * jitter.uniform(1 - _SPREAD, 1 + _SPREAD) for _ in range(batches - 1)]
    timeout = settings.drain_timeout
    budget = max(timeout - settings.close_timeout, timeout / 2)
    total = sum(drawn)
    return drawn if total <= budget else [pause * (budget / total) for pause in drawn]


async def drain(transport: Transport, jitter: Random) -> None:
    """Accept nothing more and close every connection with 1012; return once all are closed or the deadline is over.

    Those that are discarded meanwhile end it sooner. Cancelled, it leaves connections open.
    """
    transport.stop_listening()
    for connection in list(transport.handshaking):
        transport.discard(connection)  # there is nothing yet to say goodbye to
    crowd = [connection for connection in transport.connections.values() if connection.state is State.OPEN]
    jitter.shuffle(crowd)
    rest = iter(crowd)
    with trio.move_on_after(transport.settings.drain_timeout):
        for pause in pauses(len(crowd), transport.settings, jitter):
            _close(islice(rest, transport.settings.drain_batch))
            with trio.move_on_after(pause):
                await transport.emptied()
        _close(rest)
        await transport.emptied()


def _close(batch: Iterator[Connection]) -> None:
    for connection in batch:
        connection.drain()
