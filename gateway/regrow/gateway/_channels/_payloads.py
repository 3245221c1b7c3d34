"""Payloads that did not come as JSON: what a channel is handed for them, by the type its event declares.

JSON, the common case, is decoded by the channel itself. Bytes are handed on as they are, if the declared type
admits bytes. msgpack is decoded to the declared type; where that type keeps JSON undecoded, it is made JSON first.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, final

import msgspec

from ._messages import Packed

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PayloadDecoder", "decoder_of"]

_from_msgpack = msgspec.msgpack.Decoder().decode
_to_json = msgspec.json.Encoder().encode


class PayloadDecoder(Protocol):
    """Makes payloads of one format values of one type."""

    def decode(self, payload: Any, /) -> Any:
        """The value.

        Raises:
            msgspec.DecodeError: the payload does not fit the type.
            RecursionError: it is nested too deeply.
        """
        ...


def decoder_of(kind: Any, payload: Packed | bytes) -> PayloadDecoder:
    """What decodes this payload to a type."""
    if payload.__class__ is Packed:
        return _packed_decoder(kind)
    return _Bytes(kind)


@cache
def _packed_decoder(kind: Any) -> PayloadDecoder:
    return _Transcoded(kind) if _keeps_json(kind) else _Typed(kind)


@final
class _Bytes:
    """Bytes as they are."""

    __slots__ = ("_kind",)

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def decode(self, payload: bytes) -> Any:
        return msgspec.convert(payload, self._kind)


@final
class _Typed:
    """msgpack to a type."""

    __slots__ = ("_decode",)

    def __init__(self, kind: Any) -> None:
        self._decode = msgspec.msgpack.Decoder(kind).decode

    def decode(self, payload: Packed) -> Any:
        return self._decode(payload.data)


@final
class _Transcoded:
    """msgpack to JSON to a type that keeps some of the JSON undecoded."""

    __slots__ = ("_decode",)

    def __init__(self, kind: Any) -> None:
        self._decode = msgspec.json.Decoder(kind).decode

    def decode(self, payload: Packed) -> Any:
        value = _from_msgpack(payload.data)
        try:
            text = _to_json(value)
        except TypeError as error:  # an extension type, or a key that is no string or number
            raise msgspec.ValidationError(f"the payload has no form in JSON: {error}") from None
        return self._decode(text)


def _keeps_json(kind: Any) -> bool:
    """Whether `msgspec.Raw` is anywhere in a type."""
    seen: set[int] = set()
    waiting: list[Any] = [msgspec.inspect.type_info(kind)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, msgspec.inspect.RawType):
            return True
        if id(node) not in seen:  # a type may contain itself
            seen.add(id(node))
            waiting.extend(_parts(node))
    return False


def _parts(node: Any) -> Iterator[Any]:
    if isinstance(node, tuple | list):
        yield from node
    elif isinstance(node, msgspec.inspect.Type | msgspec.inspect.Field):
        for name in node.__struct_fields__:
            yield getattr(node, name)
