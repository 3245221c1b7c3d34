"""Payloads as they are stored: JSON, or bytes as they are."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["frozen_payload", "stored_payload", "thawed_payload"]

_encode = msgspec.json.Encoder().encode


def frozen_payload(payload: Any) -> msgspec.Raw | bytes:
    """A payload that nobody can change any more: encoded, or bytes.

    Raises:
        TypeError: it has no form in JSON.
    """
    if isinstance(payload, msgspec.Raw):
        return payload
    if isinstance(payload, bytes):
        return payload
    return msgspec.Raw(_encode(payload))


def stored_payload(payload: msgspec.Raw | bytes) -> tuple[bytes, bool]:
    """The bytes to store of a frozen payload, and whether they are binary."""
    return bytes(payload), not isinstance(payload, msgspec.Raw)


def thawed_payload(stored: bytes, is_binary: bool) -> msgspec.Raw | bytes:  # noqa: FBT001 - a column
    """The frozen payload that was stored."""
    return stored if is_binary else msgspec.Raw(stored)
