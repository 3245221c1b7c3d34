"""Every limit and timeout of the gateway in one frozen value."""

import math
from dataclasses import dataclass, field, replace
from typing import Final, final

from regrow.gateway._http._origin import OriginPolicy, SameHost

_COUNTS: Final = (
    "max_message_size",
    "max_fragments",
    "max_header_size",
    "max_header_count",
    "outbox_limit",
    "max_connections",
    "max_connections_per_address",
    "message_burst",
    "max_channels",
    "partitions",
    "connection_restart_period",
)
_POSITIVE: Final = (
    "handshake_timeout",
    "close_timeout",
    "message_rate",
    "drain_timeout",
)


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

    max_header_size: int = 16_384
    """Bytes of a request head, from the request line to the empty line. A longer one is answered with 431."""

    max_header_count: int = 100
    """Header lines of a request. More are answered with 431."""

    handshake_timeout: float = 10.0
    """Seconds from accept to a whole request head, TLS included. Then the connection is closed unanswered."""

    close_timeout: float = 5.0
    """Seconds to wait for the peer's Close frame after sending ours. Then TCP is aborted."""

    outbox_limit: int = 1_048_576
    """Bytes waiting to be sent to one connection. A reader slower than that gets 1013 and is then aborted."""

    max_connections: float = 15_000
    """Open connections of one worker. One more is answered with 503 and Retry-After."""

    max_connections_per_address: float = 50
    """Open connections from one peer address. One more is answered with 429."""

    message_rate: float = 20.0
    """Messages a second that one connection may send for ever: the rate at which its token bucket fills."""

    message_burst: float = 40
    """Tokens the bucket holds. A message without a token gets an error reply; going on closes with 1008."""

    max_channels: int = 100
    """Topics joined through one socket. One more join gets Phoenix's error ``too many channels joined``."""

    origins: OriginPolicy = field(default_factory=SameHost)
    """Which pages may open a socket. Others are answered with 403. A client without an Origin always may."""

    drain_timeout: float = 10.0
    """Seconds in which a stopping gateway closes its connections with 1012. What is left then is aborted."""

    partitions: int = 8
    """Supervisors that share the connections, so that one of them giving up leaves the others alone."""

    connection_restarts: int = 5
    """Restarts within `connection_restart_period` that one supervisor grants. One more closes with 1011."""

    connection_restart_period: int = 10
    """Whole seconds over which `connection_restarts` are counted."""

    def __post_init__(self) -> None:
        for name in _COUNTS:
            if not getattr(self, name) >= 1:  # written so that nan fails too
                raise ValueError(f"{name}={getattr(self, name)!r}: must be at least 1")
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)!r}: must be more than 0")
        if not self.connection_restarts >= 0:
            raise ValueError(f"connection_restarts={self.connection_restarts!r}: must be 0 (never restart) or more")

    def unlimited(self) -> "Settings":
        """Lift the limits that a load generator meets first: how many connections, how many messages.

        Sizes, timeouts and the outbox stay: a benchmark must not measure a gateway that nobody would run.
        """
        return replace(
            self,
            max_connections=math.inf,
            max_connections_per_address=math.inf,
            message_rate=math.inf,
            message_burst=math.inf,
        )
