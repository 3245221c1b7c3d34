"""Every limit and timeout of the gateway in one frozen value."""

import math
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias, final, get_args

from regrow.gateway._http._forwarded import TrustedProxies
from regrow.gateway._http._origin import OriginPolicy, SameHost

ProxyHeader: TypeAlias = Literal["x-forwarded-for", "forwarded"]
"""Which header a proxy writes the address of its client into."""

_COUNTS: Final = (
    "max_message_size",
    "max_fragments",
    "max_header_size",
    "max_header_count",
    "compression_threshold",
    "outbox_limit",
    "outbox_messages",
    "mailbox_limit",
    "drain_batch",
    "max_connections",
    "max_connections_per_address",
    "accept_burst",
    "retry_after",
    "message_burst",
    "max_channels",
    "join_burst",
    "partitions",
    "connection_restart_period",
    "channel_restart_period",
    "room_restart_period",
    "history_queue",
    "history_topics",
)
_POSITIVE: Final = (
    "handshake_timeout",
    "close_timeout",
    "ping_interval",
    "ping_timeout",
    "idle_timeout",
    "write_timeout",
    "accept_rate",
    "channel_shutdown",
    "message_rate",
    "join_rate",
    "drain_interval",
    "drain_timeout",
    "history_flush_interval",
)
_RESTARTS: Final = ("connection_restarts", "channel_restarts", "room_restarts")


_HARDEST: Final = 9


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the gateway allows and how long it waits.

    Sizes are bytes on the wire, times are seconds. A `float` may be `math.inf`: no limit.

    Raises:
        ValueError: a limit is zero, negative or not a number. The message names the field.
    """

    max_message_size: int = 65_536
    """Bytes of one message, all fragments together. A frame whose header promises more closes with 1009."""

    max_fragments: int = 1024
    """Frames of one message. One more closes with 1009: empty fragments would never reach the size limit."""

    compression_level: int = 0
    """How hard messages are compressed, from 1 (fast) to 9 (small), for clients that offer permessage-deflate.

    0: never. Neither side keeps context between messages, so that it costs no memory per connection.
    """

    compression_threshold: int = 256
    """Bytes of the shortest message that is compressed. Less than that is hardly worth the time."""

    max_header_size: int = 16_384
    """Bytes of a request head, from the request line to the empty line. A longer one is answered with 431."""

    max_header_count: int = 100
    """Header lines of a request. More are answered with 431."""

    handshake_timeout: float = 10.0
    """Seconds from accept to the answer: TLS, the whole request head, and a `Handler.connect` that waits.

    Then the connection is closed unanswered.
    """

    close_timeout: float = 5.0
    """Seconds to wait for the peer's Close frame after sending ours. Then TCP is aborted."""

    channel_shutdown: float = 5.0
    """Seconds a channel that is told to stop may take, for a second join or the end of its connection. Then it is
    killed. Phoenix waits as long."""

    ping_interval: float = 20.0
    """Seconds of silence after which a client is asked whether it is there. `math.inf`: never.

    A connection that is not read, because what it said before has not been taken yet, is not judged.
    """

    ping_timeout: float = 20.0
    """Seconds in which something must come back. Then the connection is closed with 1011, and reset."""

    idle_timeout: float = 60.0
    """Seconds in which a client that sends heartbeats must send a message. Then it is closed with 1001.

    It holds for handlers that set `Handler.has_heartbeats`, as `Socket` does. Pongs are no messages.
    """

    write_timeout: float = 10.0
    """Seconds in which a client that has not read all must take a byte. Then the connection is reset."""

    outbox_limit: int = 1_048_576
    """Bytes waiting to be sent to one connection. A reader slower than that gets 1013 and is then aborted.

    What is volatile is dropped first, see `Channel.volatile` and `Handler.send_volatile`.
    """

    outbox_messages: float = 256
    """Messages waiting to be sent to a client that has not read what was sent before; else as `outbox_limit`."""

    mailbox_limit: int = 256
    """Messages of one client that may wait for one of its channels. The client is not read until they were taken.

    What one read brought is taken in whole, so there may be up to 64 KiB more.
    """

    max_connections: float = 15_000
    """Open connections of one worker. One more is answered with 503 and Retry-After."""

    max_connections_per_address: float = 50
    """Open connections from one client address. One more is answered with 429.

    As many again may be there that have not asked for anything yet; more are answered with 429 unheard.

    An IPv6 network of 64 bits counts as one address: whoever has one address of it has them all.
    """

    accept_rate: float = 1000.0
    """WebSockets a second that may open, however long it goes on. One more is answered with 503 and Retry-After.

    Those that are open, and pages such as ``/healthz``, are served meanwhile.
    """

    accept_burst: float = 2000
    """WebSockets that may open at once before `accept_rate` counts."""

    retry_after: int = 10
    """Seconds within which clients answered with 429 or 503 are told to come back, each at another second of them."""

    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks of the proxies in front of the gateway, ``unix`` for all Unix sockets.

    The address of a client is then what they say in `proxy_header`, read from the right as far as the hops are
    trusted. What anybody else says there is ignored.
    """

    proxy_header: ProxyHeader = "x-forwarded-for"
    """The header that the trusted proxies write, ``x-forwarded-for`` or ``forwarded``. The other one is ignored.

    One only: a proxy that writes the one passes on what a client has written into the other.
    """

    message_rate: float = 20.0
    """Messages a second that one connection may send for ever: the rate at which its token bucket fills."""

    message_burst: float = 40
    """Tokens the bucket holds. A message without a token gets an error reply; going on closes with 1008."""

    max_channels: int = 100
    """Topics joined through one socket. One more join gets Phoenix's error ``too many channels joined``."""

    join_rate: float = 10.0
    """Joins a second that one socket may ask for ever: the rate at which its bucket for joins fills."""

    join_burst: float = 100
    """Joins it may ask at once. One more gets the error ``too many joins``; going on closes with 1008."""

    origins: OriginPolicy = field(default_factory=SameHost)
    """Which pages may open a socket. Others are answered with 403. A client without an Origin always may."""

    filter_parameters: tuple[str, ...] = (
        "api_key",
        "apikey",
        "authorization",
        "csrf",
        "jwt",
        "password",
        "passwd",
        "secret",
        "session",
        "signature",
        "token",
    )
    """Words in the names of parameters, in any case, whose values never get into a log: it shows ``[FILTERED]``.

    See: Phoenix.Logger, ``:filter_parameters``.
    """

    drain_timeout: float = 30.0
    """Seconds in which a stopping gateway closes its connections with 1012. What is left then is aborted."""

    drain_batch: int = 1_000
    """Connections that are closed at once. Those beyond that are closed in further batches, at random."""

    drain_interval: float = 2.0
    """Seconds between two batches, on average; less, if there are too many batches for `drain_timeout`."""

    partitions: int = 8
    """Supervisors that share the connections, so that one of them giving up leaves the others alone."""

    connection_restarts: int = 5
    """Restarts within `connection_restart_period` that one supervisor grants. One more closes with 1011."""

    connection_restart_period: int = 10
    """Whole seconds over which `connection_restarts` are counted."""

    channel_restarts: int = 3
    """Times within `channel_restart_period` that the server rejoins one channel whose ``rejoin`` is `Rejoin.SERVER`.
    One crash more is a ``phx_error``."""

    channel_restart_period: int = 10
    """Whole seconds over which `channel_restarts` are counted."""

    room_restarts: int = 3
    """Restarts within `room_restart_period` that one room is granted. One crash more ends its members' channels."""

    room_restart_period: int = 10
    """Whole seconds over which `room_restarts` are counted."""

    history_path: str = "regrow-history.db"
    """Where ``regrow serve`` keeps the history of channels that declare one, unless the gateway names a store: an
    SQLite file, made when the first of them is joined; ``memory`` for nothing that outlives it; ``off`` for none."""

    history_flush_interval: float = 0.05
    """Seconds for which messages gather before they are stored, and so what ``kill -9`` may lose of a history with
    `Ack.SENT`, beside the batch that is being written. Those of `Ack.DURABLE` do not wait."""

    history_queue: int = 16_777_216
    """Bytes broadcast and not stored yet. Beyond it messages with `Ack.DURABLE` are refused, others are kept in
    memory only: the disk does not keep up."""

    history_topics: int = 10_000
    """Topics with a history in memory. Those without members make room; if there is none a join is refused."""

    def __post_init__(self) -> None:  # noqa: C901 - a flat list of checks
        for name in _COUNTS:
            if not getattr(self, name) >= 1:  # written so that nan fails too
                raise ValueError(f"{name}={getattr(self, name)!r}: must be at least 1")
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)!r}: must be more than 0")
        for name in _RESTARTS:
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}={getattr(self, name)!r}: must be 0 (never restart) or more")
        try:
            TrustedProxies.of(self.trusted_proxies)
        except ValueError as error:
            raise ValueError(f"trusted_proxies={self.trusted_proxies!r}: {error}") from None
        if self.proxy_header not in get_args(ProxyHeader):
            raise ValueError(f"proxy_header={self.proxy_header!r}: must be one of {', '.join(get_args(ProxyHeader))}")
        words: object = self.filter_parameters
        if not (isinstance(words, tuple) and all(isinstance(word, str) and word for word in words)):  # pyright: ignore
            raise ValueError(f"filter_parameters={words!r}: must be a tuple of words, none of them empty")
        if not 0 <= self.compression_level <= _HARDEST:
            raise ValueError(f"compression_level={self.compression_level!r}: must be from 0 (off) to {_HARDEST}")

    def unlimited(self) -> "Settings":
        """Lift the limits that a load generator meets first: how many, how often, how silent.

        Sizes, other timeouts and the bytes of the outbox stay: nobody would run the gateway that is measured without.
        """
        return replace(
            self,
            max_connections=math.inf,
            max_connections_per_address=math.inf,
            accept_rate=math.inf,
            accept_burst=math.inf,
            message_rate=math.inf,
            message_burst=math.inf,
            join_rate=math.inf,
            join_burst=math.inf,
            outbox_messages=math.inf,
            ping_interval=math.inf,
            idle_timeout=math.inf,
        )
