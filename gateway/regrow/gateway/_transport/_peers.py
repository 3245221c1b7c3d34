"""How many connections each client address has."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv6Address
from typing import final

__all__ = ["PeerCounts", "counted_as"]


def counted_as(address: str) -> str:
    """What an address counts as: itself, or its network of 64 bits if it is IPv6.

    A network of 64 bits is the least a client of IPv6 is given (RFC 6177), so it has all 2^64 addresses of it.
    """
    if ":" not in address:
        return address
    try:
        parsed = IPv6Address(address)
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"


@final
class PeerCounts:
    """Open connections by client address. An address without any takes no room.

    Peers of Unix sockets are not counted: whoever may open the file is trusted more than an address of the internet is.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def arrived(self, address: str) -> None:
        """One more connection."""
        if address.startswith("unix"):
            return
        self._counts[counted_as(address)] += 1

    def left(self, address: str) -> None:
        """One less."""
        if address.startswith("unix"):
            return
        key = counted_as(address)
        self._counts[key] -= 1
        if not self._counts[key]:
            del self._counts[key]

    def __getitem__(self, address: str) -> int:
        return self._counts[counted_as(address)]

    def __len__(self) -> int:
        return len(self._counts)
