"""The client behind proxies: whose word counts, and how far."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.gateway._http._forwarded import TrustedProxies, client_address

TRUSTED = TrustedProxies.of(("10.0.0.0/8", "2001:db8::/32", "unix"))
XFF = "x-forwarded-for"


def client(peer: str, value: str, header: str = XFF) -> str:
    return client_address(peer, {header: value}, header, TRUSTED)


@pytest.mark.parametrize(
    ("peer", "value", "expected"),
    [
        ("10.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", "192.0.2.66, 192.0.2.1", "192.0.2.1"),  # the client made up the left one
        ("10.0.0.1", "192.0.2.1, 10.0.0.2, 10.0.0.3", "192.0.2.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("192.0.2.9", "192.0.2.1", "192.0.2.9"),  # nobody trusts this peer
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.1,", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.1, nonsense, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "192.0.2.1:4711", "192.0.2.1"),
        ("10.0.0.1", "[2001:db9::1]:4711", "2001:db9::1"),
        ("10.0.0.1", "2001:DB9:0::1", "2001:db9::1"),
        ("10.0.0.1", "::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:10.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "192.0.2.1", "192.0.2.1"),
        ("unix", "192.0.2.1", "192.0.2.1"),
        ("unix:", "192.0.2.1, 10.0.0.1", "192.0.2.1"),
        ("", "192.0.2.1", ""),
    ],
)
def test_the_header_is_read_from_the_right_as_far_as_hops_are_trusted(peer: str, value: str, expected: str) -> None:
    assert client(peer, value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("for=192.0.2.1", "192.0.2.1"),
        ("For=192.0.2.1;proto=https;by=10.0.0.1", "192.0.2.1"),
        ("proto=https; for=192.0.2.1", "192.0.2.1"),
        ('for="[2001:db9::1]:4711"', "2001:db9::1"),
        ('for="192.0.2.1:80"', "192.0.2.1"),
        ("for=192.0.2.66, for=192.0.2.1, for=10.0.0.2", "192.0.2.1"),
        ("for=_hidden", "10.0.0.1"),
        ("for=unknown", "10.0.0.1"),
        ("by=192.0.2.1", "10.0.0.1"),
        ("192.0.2.1", "10.0.0.1"),
        ("notfor=192.0.2.1", "10.0.0.1"),
    ],
)
def test_the_standard_header_says_it_with_for(value: str, expected: str) -> None:
    assert client("10.0.0.1", value, "forwarded") == expected


def test_the_header_that_the_proxies_do_not_write_is_ignored() -> None:
    headers = {"forwarded": "for=192.0.2.66", XFF: "192.0.2.1"}
    assert client_address("10.0.0.1", headers, XFF, TRUSTED) == "192.0.2.1"


def test_unix_sockets_are_trusted_only_if_listed() -> None:
    networks = TrustedProxies.of(("10.0.0.0/8",))
    assert client_address("unix", {XFF: "192.0.2.1"}, XFF, networks) == "unix"


@given(st.text(), st.sampled_from((XFF, "forwarded")))
def test_whatever_the_header_says_the_client_is_the_peer_or_an_address(value: str, header: str) -> None:
    address = client("10.0.0.1", value, header)
    assert str(ip_address(address)) == address


@given(st.text(), st.ip_addresses())
def test_who_is_not_trusted_is_never_believed(value: str, peer: object) -> None:
    trusted = TrustedProxies.of(("198.51.100.7",))
    if str(peer) != "198.51.100.7":
        assert client_address(str(peer), {XFF: value}, XFF, trusted) == str(peer)
