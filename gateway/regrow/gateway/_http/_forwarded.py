"""The address of a client behind proxies: what a header says, as far as those who wrote it are trusted.

Each proxy adds the address of its own peer at the right. So the header is read from the right, and the first address
that is no trusted proxy is the client; what is further left that client may have made up.

See: RFC 7239 (``Forwarded``); ``X-Forwarded-For`` is older and no standard, but what most proxies write.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final, TypeAlias, final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["UNIX", "TrustedProxies", "client_address"]

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

UNIX: Final = "unix"
"""How the peers of Unix sockets are written in a list of proxies; their address begins with it."""

_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^;\s]*))', re.IGNORECASE)
_BRACKETED = re.compile(r"\[([^\]]*)\](?::\d{1,5})?")
_WITH_PORT = re.compile(r"([0-9.]+):\d{1,5}")


@final
@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """Whose word about the address of a client counts."""

    networks: tuple[Network, ...] = ()
    is_unix_trusted: bool = False

    @classmethod
    def of(cls, texts: Iterable[str]) -> TrustedProxies:
        """Read addresses, networks and ``unix``.

        Raises:
            ValueError: one of them is none of these.
        """
        networks: list[Network] = []
        for text in texts:
            if text == UNIX:
                continue
            try:
                networks.append(ip_network(text))
            except ValueError as error:
                raise ValueError(
                    f"{text!r} must be an address, a network such as 10.0.0.0/8, or unix ({error})"
                ) from None
        return cls(tuple(networks), UNIX in tuple(texts))

    def __bool__(self) -> bool:
        return bool(self.networks) or self.is_unix_trusted

    def __contains__(self, address: str) -> bool:
        if address.startswith(UNIX):
            return self.is_unix_trusted
        parsed = _address(address)
        return parsed is not None and any(parsed in network for network in self.networks)


def client_address(peer: str, headers: Mapping[str, str], header: str, trusted: TrustedProxies) -> str:
    """Tell where a request comes from; ``peer`` is who brought it.

    A hop that is not an address (``unknown``, a name, nonsense) ends the reading: the client is then the proxy that
    wrote it, so that nobody escapes a limit by being unreadable.
    """
    address = peer
    for hop in reversed(_hops(headers.get(header, ""), header)):
        if address not in trusted:
            break
        parsed = _address(hop)
        if parsed is None:
            break
        address = str(parsed)
    return address


def _hops(value: str, header: str) -> list[str]:
    """Who is named in the header, oldest first."""
    elements = value.split(",") if value else []
    if header != "forwarded":
        return [element.strip() for element in elements]
    return [_named(element) for element in elements]


def _named(element: str) -> str:
    found = _FOR.search(element)
    return "" if found is None else (found[1] or found[2] or "")


def _address(text: str) -> Address | None:
    """An address, with or without a port; one of IPv4 that is written as IPv6 is one of IPv4."""
    shape = _BRACKETED.fullmatch(text) or _WITH_PORT.fullmatch(text)
    try:
        address = ip_address(text if shape is None else shape[1])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
