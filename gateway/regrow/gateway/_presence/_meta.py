"""Metas as every client reads them, whatever it speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import msgspec

if TYPE_CHECKING:
    from ._changes import Presences

__all__ = ["copied", "plain"]

_to_json = msgspec.json.Encoder().encode
_from_json = msgspec.json.Decoder(tuple[str, dict[str, Any]]).decode
_from_any_json = msgspec.json.Decoder(dict[str, dict[str, Any]]).decode
_to_msgpack = msgspec.msgpack.Encoder().encode


def plain(key: object, value: object) -> dict[str, Any]:
    """A copy of what is told under a key that shares nothing with it: maps with text as keys, lists, text, numbers.

    What cannot be told is found here, where its author learns of it, and not when a tick's diff is written for all.

    Raises:
        TypeError: the key is no text, or the value no map, or it holds something that JSON or msgpack cannot carry.
    """
    if not isinstance(key, str):
        raise TypeError(f"a presence key is a str, got {key!r}")
    if not isinstance(value, Mapping):
        raise TypeError(f"what is told of presence {key!r} is a map, got {value!r}")
    try:
        copy = _from_json(_to_json((key, dict(cast("Mapping[str, Any]", value)))))[1]
        _to_msgpack((key, copy))
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise TypeError(f"what is told of presence {key!r} must fit into JSON and msgpack: {error}") from error
    return copy


def copied(presences: Presences) -> Presences:
    """Presences that whoever gets them may change, all the way down. Coding them is the fastest way to copy them."""
    return _from_any_json(_to_json(presences))
