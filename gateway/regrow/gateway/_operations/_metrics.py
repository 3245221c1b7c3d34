"""What the gateway counts: plain integers on the hot path, read when someone scrapes."""

from __future__ import annotations

import enum
from typing import Final, final

from ._histogram import Histogram

__all__ = ["Metrics", "Refusal", "refusal_of"]


@final
class Refusal(enum.StrEnum):
    """Why a connection was not let in. The label ``reason`` of a metric is one of these, never what a client said."""

    FULL = "full"
    """`Settings.max_connections` were open."""
    ADDRESS = "address"
    """Too many connections of one address."""
    RATE = "rate"
    """Connections came faster than they are taken."""
    HANDSHAKE = "handshake"
    """What came was no request, or no WebSocket handshake."""
    TIMEOUT = "timeout"
    """The request was not complete in time."""
    ORIGIN = "origin"
    """The page it came from may not open a WebSocket here."""
    VERSION = "version"
    """The version of the channel protocol is not spoken."""
    TOKEN = "token"  # noqa: S105 - the word, not one
    """Its token proves nothing."""
    FORBIDDEN = "forbidden"
    """`Handler.connect` said no."""
    NOT_FOUND = "not_found"
    """There is nothing at the path, or it is not read with this method."""
    DRAINING = "draining"
    """The gateway is stopping."""
    DESCRIPTORS = "descriptors"
    """There was no file descriptor left."""
    ERROR = "error"
    """The code that judges or answers raised."""
    OTHER = "other"


_BY_STATUS: Final = {
    400: Refusal.HANDSHAKE,
    403: Refusal.FORBIDDEN,
    404: Refusal.NOT_FOUND,
    405: Refusal.NOT_FOUND,
    413: Refusal.HANDSHAKE,
    426: Refusal.HANDSHAKE,
    429: Refusal.ADDRESS,
    431: Refusal.HANDSHAKE,
    401: Refusal.TOKEN,
    500: Refusal.ERROR,
    503: Refusal.FULL,
    505: Refusal.HANDSHAKE,
}


def refusal_of(status: int) -> Refusal:
    """What a status says about why it was answered, if whoever answered says no more."""
    return _BY_STATUS.get(status, Refusal.OTHER)


_TICK_BOUNDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_LAG_BOUNDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

_COUNTERS: Final = (
    "accepted",
    "batched",
    "bytes_received",
    "bytes_sent",
    "channel_crashes",
    "corked",
    "crashed",
    "deliveries",
    "dirtied_by_batches",
    "given_up",
    "idle",
    "joins_refused",
    "lost",
    "opened",
    "overrun",
    "received",
    "refused",
    "silent",
    "slow_consumers",
    "stalled",
    "violations",
    "volatile_dropped",
    "writes",
)


@final
class Metrics:
    """The counters of one gateway. All only grow."""

    __slots__ = (*_COUNTERS, "closes", "lag", "refusals", "ticks")

    accepted: int
    """TCP connections accepted."""
    bytes_received: int
    """Bytes read from sockets."""
    bytes_sent: int
    """Bytes that sockets took."""
    channel_crashes: int
    """Channel processes that crashed."""
    opened: int
    """WebSocket handshakes completed."""
    received: int
    """Messages read from clients."""
    deliveries: int
    """Broadcasts, times the connections each was for."""
    batched: int
    """Those of `deliveries` that shared a batch; the others were pushed one by one."""
    writes: int
    """Connections that had something to write at the end of a tick, added up over the ticks."""
    dirtied_by_batches: int
    """Those of `writes` whose outbox began with a batch of broadcasts and not with a frame of their own."""
    corked: int
    """Frames pushed behind others, to an outbox that was not empty."""
    refused: int
    """Connections refused, whatever the reason."""
    crashed: int
    """Connection actors that crashed and were to be restarted."""
    given_up: int
    """Connections closed because their actor crashed too often."""
    joins_refused: int
    """Joins refused because their client was over its rate, or had joined enough topics."""
    lost: int
    """Connections that broke without a close frame."""
    overrun: int
    """Messages refused because their client was over its rate."""
    slow_consumers: int
    """Connections closed because their client read too slowly."""
    violations: int
    """Connections closed because their client broke the protocol or went on above its rate."""
    volatile_dropped: int
    """Frames of volatile events dropped because their client read too slowly."""
    silent: int
    """Connections closed because their client did not answer a ping."""
    idle: int
    """Connections closed because their client sent no message for too long."""
    stalled: int
    """Connections reset because their client took nothing for too long."""

    def __init__(self) -> None:
        for name in _COUNTERS:
            setattr(self, name, 0)
        self.refusals = dict.fromkeys(Refusal, 0)
        """Those of `refused` whose reason is known."""
        self.closes: dict[int | None, int] = {}
        """Connections that were open, by the code they ended with."""
        self.ticks = Histogram(_TICK_BOUNDS)
        """Seconds that ticks took."""
        self.lag = Histogram(_LAG_BOUNDS)
        """Seconds by which the event loop was late."""

    @property
    def sent(self) -> int:
        """Frames for clients: replies, pushes, broadcasts, pongs, goodbyes, and answers to plain requests.

        Counted where most of them cost nothing: the first frame of a tick puts its connection among those that
        are written at its end, and those are counted together; a broadcast is counted with its members.
        """
        return self.writes - self.dirtied_by_batches + self.corked + self.batched

    def refuse(self, why: Refusal) -> None:
        """Count a connection that is not let in."""
        self.refused += 1
        self.refusals[why] += 1

    def closed(self, code: int | None) -> None:
        """Count an open connection that ends."""
        self.closes[code] = self.closes.get(code, 0) + 1
