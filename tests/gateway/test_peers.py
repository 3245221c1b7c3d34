"""What counts as one client address."""

import pytest

from regrow.gateway._transport._peers import PeerCounts, counted_as


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("not:an:address", "not:an:address"),
    ],
)
def test_an_ipv6_address_counts_as_its_network_of_64_bits(address: str, key: str) -> None:
    assert counted_as(address) == key


def test_addresses_are_counted_and_forgotten() -> None:
    peers = PeerCounts()
    for address in ("2001:db8::1", "2001:db8::2", "192.0.2.1"):
        peers.arrived(address)
    assert (peers["2001:db8::3"], peers["192.0.2.1"], peers["192.0.2.2"]) == (2, 1, 0)
    for address in ("2001:db8::1", "2001:db8::2", "192.0.2.1"):
        peers.left(address)
    assert len(peers) == 0


def test_unix_sockets_are_not_counted() -> None:
    peers = PeerCounts()
    peers.arrived("unix:")
    assert peers["unix:"] == 0
    peers.left("unix:")
    assert len(peers) == 0
