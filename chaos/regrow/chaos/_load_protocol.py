"""What the experiment and its load process say to each other: one JSON value a line.

The experiment writes a `Plan`, then any number of `Probe`, then `Finish`; the process answers with `Joined`
until everyone has joined, `Answered` once per `Probe`, and one `LoadResult`. It says `Refused`, and no
more, if a client could not join. Times are seconds of CLOCK_MONOTONIC.
"""

import math
from collections.abc import Callable
from enum import StrEnum

import msgspec


class Plan(msgspec.Struct, frozen=True, kw_only=True, tag="plan"):
    """What load to put on which gateway."""

    port: int
    """Loopback port of the gateway."""
    connections: int
    """Clients, numbered from 0."""
    room_size: int
    """Clients in one topic: client ``i`` joins ``room:lobby<i // room_size>``."""
    rate: float
    """Pings per second over all clients."""
    broadcast_rate: float
    """Room messages per second over all clients; each is delivered `room_size` times."""
    deadline: float
    """Seconds a request may take; the process drains this long before it gives its result."""
    lifetime: float
    """Seconds after which the process ends whatever happens."""
    seed: int


class Probe(msgspec.Struct, frozen=True, tag="probe"):
    """Ask each of these clients to ping now, and again, until each has had an ok reply."""

    clients: tuple[int, ...]


class Finish(msgspec.Struct, frozen=True, tag="finish"):
    """Stop the load, drain, say the result and end."""


class Joined(msgspec.Struct, frozen=True, tag="joined"):
    """So many clients are connected and in their room. At `Plan.connections` the load begins."""

    count: int


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """A client could not connect or join, so there will be no load."""

    client: int
    reason: str


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    """Every client of the last `Probe` has had an ok reply to a ping sent since."""


class Kind(StrEnum):
    """Why a request was sent."""

    PING = "ping"
    """Its time in the open-loop schedule had come."""
    PROBE = "probe"
    """A `Probe` asked for it."""


class Answer(StrEnum):
    """How a request ended."""

    OK = "ok"
    ERROR = "error"
    NONE = "none"


class Request(msgspec.Struct, frozen=True, array_like=True):
    """One ping and what became of it."""

    client: int
    kind: Kind
    intended: float
    """When the schedule wanted it sent."""
    sent: float
    """Just before it was handed to the socket."""
    replied: float | None
    answer: Answer

    @property
    def latency(self) -> float:
        """Seconds from the intended time to the reply; infinite without one.

        From the intended time, because a generator held up by a stalled gateway would otherwise leave out
        exactly the requests that the stall hurt (coordinated omission).
        """
        return math.inf if self.replied is None else self.replied - self.intended

    def failed(self, deadline: float) -> bool:
        """Return whether it was refused, unanswered, or answered later than `deadline` seconds."""
        return self.answer is not Answer.OK or self.latency > deadline


class Broadcast(msgspec.Struct, frozen=True, array_like=True):
    """One room message, identified by its sender and the sender's own count."""

    sender: int
    sequence: int
    intended: float
    sent: float


class Delivery(msgspec.Struct, frozen=True, array_like=True):
    """One room message seen by one client."""

    recipient: int
    sender: int
    sequence: int


class Drop(msgspec.Struct, frozen=True, array_like=True):
    """A connection that ended although its client wanted it."""

    client: int
    at: float
    code: int
    """The WebSocket close code; 1006 when there was no close frame."""


class ChannelEvent(msgspec.Struct, frozen=True, array_like=True):
    """A ``phx_error`` or ``phx_close`` that reached a client."""

    client: int
    at: float
    event: str


class LoadResult(msgspec.Struct, frozen=True, kw_only=True, tag="result"):
    """Everything the clients did and saw."""

    requests: tuple[Request, ...]
    broadcasts: tuple[Broadcast, ...]
    deliveries: tuple[Delivery, ...]
    drops: tuple[Drop, ...]
    channel_events: tuple[ChannelEvent, ...]


Command = Plan | Probe | Finish
Report = Joined | Refused | Answered | LoadResult

decode_command: Callable[[bytes], Command] = msgspec.json.Decoder(Command).decode
decode_report: Callable[[bytes], Report] = msgspec.json.Decoder(Report).decode


def encode_line(message: Command | Report) -> bytes:
    """Return `message` as one line, newline included."""
    return msgspec.json.encode(message) + b"\n"


def room_of(client: int, room_size: int) -> int:
    """Return the number of the room that `client` joins."""
    return client // room_size
