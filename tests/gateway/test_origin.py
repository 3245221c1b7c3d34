"""Which web pages may open a socket."""

import pytest

from regrow.gateway._http._origin import AnyOrigin, OneOf, OriginCheck, OriginPolicy, SameHost, SameOrigin

LISTED = OneOf(frozenset({"https://chat.example", "http://localhost:3000"}))


@pytest.mark.parametrize("policy", [SameHost(), SameOrigin(), AnyOrigin(), LISTED, OriginCheck(lambda _origin: False)])
def test_a_client_that_sends_no_origin_is_not_a_browser_and_passes(policy: OriginPolicy) -> None:
    assert policy.allows(None, "chat.example", "http")


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
    assert SameHost().allows(origin, host, "http")


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
    assert not SameHost().allows(origin, host, "http")


def test_any_origin_lets_every_page_pass() -> None:
    assert AnyOrigin().allows("https://evil.example", "chat.example", "http")
    assert AnyOrigin().allows("null", "chat.example", "http")


def test_one_of_lets_the_listed_pages_pass_whatever_the_host() -> None:
    assert LISTED.allows("https://chat.example", "api.example", "http")
    assert LISTED.allows("HTTP://localhost:3000", "api.example", "http")


@pytest.mark.parametrize("origin", ["http://chat.example", "https://chat.example:444", "https://api.example", "null"])
def test_one_of_stops_every_other_page(origin: str) -> None:
    assert not LISTED.allows(origin, "api.example", "http")


@pytest.mark.parametrize(
    "origin",
    [
        "chat.example",
        "https://chat.example/",
        "https://",
        "https://Chat.example",
        "*",
        "//",
        "//*",
        "//*.",
        "//a.example/x",
        "//a@b.example",
        "//a.example:",
        "//a.*.example",
        "ws://chat.example",
    ],
)
def test_one_of_refuses_an_entry_that_no_browser_would_send(origin: str) -> None:
    with pytest.raises(ValueError, match=r"is not an origin"):
        OneOf(frozenset({origin}))


@pytest.mark.parametrize(
    ("entry", "origin"),
    [
        ("https://a.example", "https://a.example:443"),
        ("https://a.example:443", "https://a.example"),
        ("//a.example", "http://a.example"),
        ("//a.example", "https://a.example:8443"),
        ("//a.example:888", "http://a.example:888"),
        ("//*.a.example", "https://b.a.example"),
        ("//*.a.example", "https://c.b.a.example:1"),
        ("//*.a.example", "https://a.example"),
        ("//*.a.example:888", "https://b.a.example:888"),
        ("https://*.a.example", "https://b.a.example"),
        ("//[::1]", "http://[::1]:4000"),
    ],
)
def test_an_entry_may_leave_scheme_and_port_open_and_stand_for_the_hosts_below_one(entry: str, origin: str) -> None:
    assert OneOf(frozenset({"https://other.example", entry})).allows(origin, "api.example", "http")


@pytest.mark.parametrize(
    ("entry", "origin"),
    [
        ("//a.example", "https://b.a.example"),
        ("//a.example:888", "https://a.example"),
        ("//a.example:443", "http://a.example"),
        ("//*.a.example", "https://evila.example"),
        ("//*.a.example", "https://a.example.evil.example"),
        ("//*.a.example", "https://evil.example/b.a.example"),
        ("//*.a.example", "https://user@b.a.example"),
        ("//*.a.example:888", "https://b.a.example"),
        ("https://*.a.example", "http://b.a.example"),
        ("//a.example", "ws://a.example"),
        ("//a.example", "//a.example"),
        ("//null", "null"),
    ],
)
def test_an_entry_stands_for_nothing_else(entry: str, origin: str) -> None:
    assert not OneOf(frozenset({entry})).allows(origin, "api.example", "http")


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("http://a.example", "a.example", "http"),
        ("http://a.example:80", "a.example", "http"),
        ("https://a.example", "a.example:443", "https"),
        ("http://A.example:4000", "a.EXAMPLE:4000", "http"),
    ],
)
def test_same_origin_lets_a_page_pass_whose_scheme_host_and_port_are_those_of_the_request(
    origin: str, host: str, scheme: str
) -> None:
    assert SameOrigin().allows(origin, host, scheme)


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("https://a.example", "a.example", "http"),
        ("http://a.example:81", "a.example", "http"),
        ("http://b.example", "a.example", "http"),
        ("null", "null", "http"),
        ("nonsense", "nonsense", "http"),
    ],
)
def test_same_origin_stops_every_other_page(origin: str, host: str, scheme: str) -> None:
    assert not SameOrigin().allows(origin, host, scheme)


def test_a_check_is_asked_with_the_origin_as_it_was_sent() -> None:
    asked: list[str] = []

    def check(origin: str) -> bool:
        asked.append(origin)
        return origin == "https://A.example"

    assert OriginCheck(check).allows("https://A.example", "api.example", "http")
    assert not OriginCheck(check).allows("null", "api.example", "http")
    assert asked == ["https://A.example", "null"]


def test_a_page_for_which_the_check_raises_is_stopped_and_the_error_logged(caplog: pytest.LogCaptureFixture) -> None:
    def check(_origin: str) -> bool:
        raise LookupError("no database")

    assert not OriginCheck(check).allows("https://a.example", "api.example", "http")
    assert "no database" in caplog.text
