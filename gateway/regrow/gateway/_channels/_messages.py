"""The messages of the channel protocol as values: ``[join_ref, ref, topic, event, payload]``.

See: Phoenix.Socket.Message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, final

import msgspec

if TYPE_CHECKING:
    from regrow.gateway._history._position import Position

__all__ = ["INVALID_MESSAGE", "MAX_FIELD", "Broadcast", "Message", "Packed", "Payload", "UnspokenFrameError"]

INVALID_MESSAGE = (msgspec.DecodeError, RecursionError)
"""What decoding raises: not the format, nested too deeply, not an array of the five elements, or a field too long."""

MAX_FIELD: Final = 255
"""Characters of a topic, an event or a ref: kept for every joined topic, they must not be a way to fill the memory.

Phoenix has the same limit, in bytes, where messages are binary.
"""

Field: TypeAlias = Annotated[str, msgspec.Meta(max_length=MAX_FIELD)]


@final
class UnspokenFrameError(msgspec.DecodeError):
    """A connection does not speak this kind of frame: text where all is msgpack."""


@final
class Packed:
    """A payload as msgpack, not decoded."""

    __slots__ = ("data",)

    def __init__(self, data: bytes | msgspec.Raw) -> None:
        self.data = data


if TYPE_CHECKING:
    Payload: TypeAlias = msgspec.Raw | Packed | bytes
else:
    Payload = msgspec.Raw  # what a decoder is to leave undecoded; the other two are never a decoder's own


@final
class Message(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a client says. Elements behind the fifth are ignored, as Phoenix does."""

    join_ref: Field | None
    """The ``ref`` of the join this message belongs to."""
    ref: Field | None
    """What the reply is to carry; None if none is wanted."""
    topic: Field
    event: Field
    payload: Payload
    """JSON or msgpack, not decoded, which keeps the whole frame in memory; ``bytes`` as they are."""


@final
class Broadcast(msgspec.Struct, frozen=True):
    """An event for everyone in a topic. A channel that intercepts the event gets it as this value.

    See: Phoenix.Socket.Broadcast.
    """

    topic: str
    event: str
    payload: Any
    position: Position | None = None
    """Its place in the topic's history, if it is kept."""
