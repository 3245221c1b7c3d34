"""The header Sec-WebSocket-Extensions: RFC 6455 section 9.1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.gateway._http._extensions import MalformedExtensionsError, Offer, read_offers


@pytest.mark.parametrize(
    ("header", "offers"),
    [
        ("", []),
        (" , ,", []),
        ("foo", [Offer("foo", ())]),
        ("foo; a; b=2", [Offer("foo", (("a", None), ("b", "2")))]),
        ('foo;a="7"', [Offer("foo", (("a", "7"),))]),
        (r'foo; a = "1\5" , bar', [Offer("foo", (("a", "15"),)), Offer("bar", ())]),
        ("foo; a; a", [Offer("foo", (("a", None), ("a", None)))]),
        ("foo\t;\ta=b ,foo", [Offer("foo", (("a", "b"),)), Offer("foo", ())]),
    ],
)
def test_offers_come_in_the_order_of_the_client(header: str, offers: list[Offer]) -> None:
    assert list(read_offers(header)) == offers


@pytest.mark.parametrize(
    "header",
    ["foo bar", "foo;", "foo;=1", "foo; a=", 'foo; a="', 'foo; a="b c"', 'foo; a=""', "foo; a b", ";a", "=1", "föö"],
)
def test_what_is_no_offer_is_an_error(header: str) -> None:
    with pytest.raises(MalformedExtensionsError):
        list(read_offers(f"fine, {header}"))


TOKENS = st.text("abz019-_!~", min_size=1, max_size=5)
OFFERS = st.builds(Offer, TOKENS, st.lists(st.tuples(TOKENS, st.none() | TOKENS), max_size=3).map(tuple))


@given(offers=st.lists(OFFERS, max_size=4), space=st.sampled_from(["", " ", "\t "]))
def test_offers_that_were_written_are_read_again(offers: list[Offer], space: str) -> None:
    header = f"{space},{space}".join(
        f"{space};{space}".join(
            [offer.name, *(name if value is None else f"{name}={value}" for name, value in offer.parameters)]
        )
        for offer in offers
    )
    assert list(read_offers(header)) == offers


@given(header=st.text('ab;=,"\\ \t', max_size=30))
def test_any_header_is_read_or_refused(header: str) -> None:
    try:
        offers = list(read_offers(header))
    except MalformedExtensionsError:
        return
    assert all(offer.name for offer in offers)
