"""msgpack by a library that is not the gateway's."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["extension", "pack", "unpack"]

_library: Any = importlib.import_module("msgpack")  # it publishes no type information


def pack(value: Any) -> bytes:
    """A value as msgpack."""
    packed: bytes = _library.packb(value)
    return packed


def unpack(data: bytes) -> Any:
    """The value, whatever its keys; times are ``datetime``."""
    return _library.unpackb(data, strict_map_key=False, timestamp=3)


def extension(code: int, data: bytes) -> Any:
    """A value of an extension type."""
    return _library.ExtType(code, data)
