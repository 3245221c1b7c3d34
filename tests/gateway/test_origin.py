"""Which web pages may open a socket."""

import pytest

from regrow.gateway._http._origin import AnyOrigin, OneOf, OriginPolicy, SameHost

LISTED = OneOf(frozenset({"https://chat.example", "http://localhost:3000"}))


@pytest.mark.parametrize("policy", [SameHost(), AnyOrigin(), LISTED])
def test_a_client_that_sends_no_origin_is_not_a_browser_and_passes(policy: OriginPolicy) -> None:
    assert policy.allows(None, "chat.example")


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://chat.example", "chat.example"),
        ("http://chat.example", "chat.example"),
        ("http://localhost:4000", "localhost:4000"),
        ("https://Chat.Example", "chat.EXAMPLE"),
        ("http://[::1]:4000", "[::1]:4000"),
    ],
)
def test_same_host_lets_a_page_reach_the_host_it_came_from(origin: str, host: str) -> None:
    assert SameHost().allows(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "chat.example"),
        ("https://chat.example.evil.example", "chat.example"),
        ("https://evil-chat.example", "chat.example"),
        ("http://localhost:3000", "localhost:4000"),
        ("null", "chat.example"),
        ("null", "null"),
        ("", "chat.example"),
        ("chat.example", "chat.example"),
    ],
)
def test_same_host_stops_every_other_page(origin: str, host: str) -> None:
    assert not SameHost().allows(origin, host)


def test_any_origin_lets_every_page_pass() -> None:
    assert AnyOrigin().allows("https://evil.example", "chat.example")
    assert AnyOrigin().allows("null", "chat.example")


def test_one_of_lets_the_listed_pages_pass_whatever_the_host() -> None:
    assert LISTED.allows("https://chat.example", "api.example")
    assert LISTED.allows("HTTP://localhost:3000", "api.example")


@pytest.mark.parametrize("origin", ["http://chat.example", "https://chat.example:444", "https://api.example", "null"])
def test_one_of_stops_every_other_page(origin: str) -> None:
    assert not LISTED.allows(origin, "api.example")


@pytest.mark.parametrize(
    "origin",
    ["chat.example", "https://chat.example/", "https://", "https://Chat.example", "*", "ws://chat.example"],
)
def test_one_of_refuses_an_entry_that_no_browser_would_send(origin: str) -> None:
    with pytest.raises(ValueError, match=r"is not an origin"):
        OneOf(frozenset({origin}))
