"""Channel messages as msgpack arrays in binary frames: the subprotocol ``regrow.msgpack``.

The five elements are those of the JSON form, ``[join_ref, ref, topic, event, payload]``, in both directions. A
payload is what msgpack can say, bytes included. What a channel passes on as JSON it never decoded is transcoded, at
any depth of a payload; whole numbers that msgpack has no form for become floating, as they are in JavaScript, numbers
too big for that infinite, and lone surrogates U+FFFD.

See: https://github.com/msgpack/msgpack/blob/master/spec.md
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast, final

import msgspec

from ._messages import Broadcast, Message, Packed, UnspokenFrameError

if TYPE_CHECKING:
    from regrow.gateway._wire._decoder import Frame
    from regrow.gateway._wire._framing import Framing

__all__ = ["MSGPACK", "MsgpackSerializer", "msgpack_serializer"]

MSGPACK: Final = "regrow.msgpack"
"""The name of the subprotocol."""

_decode = msgspec.msgpack.Decoder(Message).decode
_encode = msgspec.msgpack.Encoder().encode
_from_json = msgspec.json.Decoder().decode

_NATIVE: Final = (bytes, bytearray, memoryview, datetime, msgspec.msgpack.Ext)
"""What msgpack has a form of its own for, and JSON has not."""
_MIN, _MAX = -(2**63), 2**64 - 1


@final
class MsgpackSerializer:
    """A `Serializer`."""

    __slots__ = ("_binary",)

    def __init__(self, framing: Framing) -> None:
        self._binary = framing.binary

    def decode(self, frame: Frame) -> Message:
        """Read one message from a binary frame.

        Raises:
            UnspokenFrameError: it is a text frame.
        """
        if frame.__class__ is str:
            raise UnspokenFrameError(f"text messages are not spoken with {MSGPACK}")
        message = _decode(cast("bytes", frame))
        assert isinstance(message.payload, msgspec.Raw)
        return Message(message.join_ref, message.ref, message.topic, message.event, Packed(message.payload))

    def push(self, join_ref: str | None, ref: str | None, topic: str, event: str, payload: Any) -> bytes:
        """``[join_ref, ref, topic, event, payload]``."""
        return self._binary(_pack((join_ref, ref, topic, event, payload)))

    def reply(self, join_ref: str | None, ref: str | None, topic: str, status: str, response: Any) -> bytes:
        """``[join_ref, ref, topic, "phx_reply", {"status": status, "response": response}]``."""
        return self._binary(_pack((join_ref, ref, topic, "phx_reply", {"status": status, "response": response})))

    def broadcast(self, message: Broadcast) -> bytes:
        """``[nil, nil, topic, event, payload]``, and a sixth element ``{"epoch", "offset"}`` if it is kept."""
        position = message.position
        if position is not None:
            return self._binary(_pack((None, None, message.topic, message.event, message.payload, position)))
        return self._binary(_pack((None, None, message.topic, message.event, message.payload)))


@cache
def msgpack_serializer(framing: Framing) -> MsgpackSerializer:
    """The one msgpack serializer of all connections with this framing, so that they form one group of a topic."""
    return MsgpackSerializer(framing)


def _pack(message: tuple[Any, ...]) -> bytes:
    # The encoder would put JSON that was never decoded into msgpack as it stands: it must be found first.
    plain = msgspec.to_builtins(message, builtin_types=_NATIVE, enc_hook=_decoded)
    try:
        return _encode(plain)
    except OverflowError:
        return _encode(_within_64_bits(plain))


def _decoded(value: Any) -> Any:
    if value.__class__ is msgspec.Raw:
        try:
            return _from_json(value)
        except msgspec.DecodeError:  # JSON all the same: a client's, checked when it came
            return _well_formed(json.loads(bytes(value), parse_int=float))
    raise TypeError(f"a payload is made of JSON's and msgpack's types, got {type(value).__qualname__}")


def _well_formed(value: Any) -> Any:
    """The same with U+FFFD for lone surrogates, which JSON can say and UTF-8 cannot."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_well_formed(key): _well_formed(item) for key, item in cast("Any", value).items()}
    if isinstance(value, list):
        return [_well_formed(item) for item in cast("Any", value)]
    return value


def _within_64_bits(value: Any) -> Any:
    if isinstance(value, dict):
        return {_within_64_bits(key): _within_64_bits(item) for key, item in cast("Any", value).items()}
    if isinstance(value, list | tuple):
        return [_within_64_bits(item) for item in cast("list[Any]", value)]
    if value.__class__ is int and not _MIN <= value <= _MAX:
        try:
            return float(value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")
    return value
