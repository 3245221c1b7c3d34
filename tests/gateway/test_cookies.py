"""The cookies of a request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.gateway._http._cookies import read_cookies


@pytest.mark.parametrize(
    ("header", "cookies"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ("a=1;b=2", {"a": "1", "b": "2"}),
        ("a=x=y==", {"a": "x=y=="}),
        ('a="quoted value"', {"a": "quoted value"}),
        ('a="', {"a": '"'}),
        ("a=", {"a": ""}),
        ("a=1; a=2", {"a": "1"}),
        ("nonsense; a=1; =2", {"a": "1"}),
    ],
)
def test_cookies_are_names_and_values(header: str, cookies: dict[str, str]) -> None:
    assert read_cookies(header) == cookies


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z0-9_-]+", fullmatch=True), st.from_regex(r"[!#-+\--:<-[\]-~]*", fullmatch=True)
    )
)
def test_what_a_browser_may_send_is_read_as_it_was_set(cookies: dict[str, str]) -> None:
    assert read_cookies("; ".join(f"{name}={value}" for name, value in cookies.items())) == cookies


@given(st.text())
def test_no_header_breaks_the_reading(header: str) -> None:
    assert all(name for name in read_cookies(header))
