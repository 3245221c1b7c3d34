"""Signed tokens: what is believed, and what is not."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.gateway import (
    Claims,
    ExpiredTokenError,
    ForeignTokenError,
    ForgedTokenError,
    InvalidTokenError,
    MalformedTokenError,
    Tokens,
)

OLD, NEW, FOREIGN = "o" * 32, "n" * 32, "f" * 32
NOW = 1_000_000.0


def at(now: float, *secrets: str | bytes, **options: Any) -> Tokens:
    return Tokens(secrets=secrets or (NEW,), clock=lambda: now, **options)


TOKENS = at(NOW, max_age=60)
SEGMENT = st.text("abcdefABCDEF0123456789-_", max_size=40)


def forged(payload: object, *, secret: str = NEW, algorithm: str | None = "HS256") -> str:
    return jwt.encode(payload, secret, algorithm=algorithm)  # type: ignore[arg-type]


def unsigned(header: dict[str, str], payload: dict[str, Any]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, payload)]
    return ".".join((*parts, ""))


DEEP = base64.urlsafe_b64encode(b"[" * 9_000).decode()
GOOD = {"sub": "ann", "iat": NOW, "exp": NOW + 60}


def test_a_token_says_for_whom_it_was_signed_and_what_else_it_was_given() -> None:
    token = TOKENS.sign("ann", rooms=["tea"], level=3)
    assert TOKENS.verify(token) == Claims("ann", NOW + 60, {"rooms": ["tea"], "level": 3})


@pytest.mark.parametrize("age", [0, 59.9])
def test_a_token_is_valid_until_it_is_too_old(age: float) -> None:
    assert at(NOW + age).verify(TOKENS.sign("ann")).subject == "ann"


@pytest.mark.parametrize("age", [60, 10_000])
def test_a_token_that_is_too_old_has_expired(age: float) -> None:
    with pytest.raises(ExpiredTokenError, match=r"^the token has expired$"):
        at(NOW + age).verify(TOKENS.sign("ann"))


def test_a_token_that_is_not_valid_yet_is_refused() -> None:
    with pytest.raises(ExpiredTokenError, match="not valid yet"):
        TOKENS.verify(forged({**GOOD, "nbf": NOW + 1}))


def test_every_character_of_a_token_is_covered_by_its_signature() -> None:
    token = TOKENS.sign("ann")
    for index, character in enumerate(token[:-1]):  # the last one holds bits that base64 does not use
        tampered = token[:index] + ("A" if character != "A" else "B") + token[index + 1 :]
        with pytest.raises(InvalidTokenError):
            TOKENS.verify(tampered)


@pytest.mark.parametrize(
    "token",
    [
        unsigned({"alg": "none", "typ": "JWT"}, GOOD),
        unsigned({"alg": "None"}, GOOD),
        forged(GOOD, algorithm="none", secret=""),
        forged(GOOD, algorithm="HS384", secret=NEW * 2),
        forged(GOOD, algorithm="HS512", secret=NEW * 2),
        unsigned({"alg": "RS256"}, GOOD),
        forged(GOOD, secret=FOREIGN),
    ],
)
def test_what_is_not_signed_with_our_algorithm_and_a_secret_of_ours_is_forged(token: str) -> None:
    with pytest.raises(ForgedTokenError, match="not signed with"):
        TOKENS.verify(token)


def test_the_first_secret_signs_and_all_verify() -> None:
    old, both, new = at(NOW, OLD), at(NOW, NEW, OLD), at(NOW, NEW)
    assert both.verify(old.sign("ann")).subject == "ann"
    assert new.verify(both.sign("ann")).subject == "ann"
    with pytest.raises(ForgedTokenError):
        new.verify(old.sign("ann"))


@pytest.mark.parametrize("field", ["issuer", "audience"])
@pytest.mark.parametrize("theirs", [None, "theirs"])
def test_a_token_of_another_issuer_or_for_another_audience_is_foreign(field: str, theirs: str | None) -> None:
    ours = replace(TOKENS, **{field: "ours"})  # type: ignore[arg-type]
    assert ours.verify(ours.sign("ann")).subject == "ann"
    with pytest.raises(ForeignTokenError):
        ours.verify(replace(TOKENS, **{field: theirs}).sign("ann"))  # type: ignore[arg-type]


@pytest.mark.parametrize("claim", ["sub", "iat", "exp"])
def test_a_token_without_a_claim_we_need_is_malformed(claim: str) -> None:
    with pytest.raises(MalformedTokenError, match=claim):
        TOKENS.verify(forged({name: value for name, value in GOOD.items() if name != claim}))


@pytest.mark.parametrize("wrong", [{"exp": "soon"}, {"exp": True}, {"nbf": []}, {"sub": 5}])
def test_a_token_with_a_claim_of_the_wrong_type_is_malformed(wrong: dict[str, Any]) -> None:
    with pytest.raises(MalformedTokenError):
        TOKENS.verify(forged({**GOOD, **wrong}))


@pytest.mark.parametrize("token", [None, "", "x", "a.b.c", "....", "é", "\ud800", "x" * 100_000, f"{DEEP}.{DEEP}."])
def test_what_is_no_token_is_malformed(token: str | None) -> None:
    with pytest.raises(MalformedTokenError):
        TOKENS.verify(token)


@given(st.text() | st.builds("{}.{}.{}".format, SEGMENT, SEGMENT, SEGMENT))
def test_whatever_a_client_sends_is_refused_without_being_repeated(token: str) -> None:
    with pytest.raises(InvalidTokenError) as caught:
        TOKENS.verify(token)
    assert len(token) < 4 or token not in str(caught.value)


@pytest.mark.parametrize("secret", ["", "x" * 31, b"x" * 31])
def test_a_secret_that_can_be_guessed_is_refused_without_being_repeated(secret: str | bytes) -> None:
    with pytest.raises(ValueError, match=rf"^secrets\[1\] has {len(secret)} bytes, must have at least 32") as caught:
        at(NOW, NEW, secret)
    assert "xxx" not in str(caught.value)


def test_a_secret_that_is_not_in_a_tuple_is_refused() -> None:
    with pytest.raises(TypeError, match=r"secrets=\(secret,\)"):
        Tokens(secrets=NEW)  # type: ignore[arg-type]


def test_no_secret_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Tokens(secrets=())


@pytest.mark.parametrize("max_age", [0, -1, float("nan")])
def test_a_token_that_is_never_valid_is_refused(max_age: float) -> None:
    with pytest.raises(ValueError, match=r"^max_age="):
        at(NOW, max_age=max_age)


def test_a_secret_is_not_shown() -> None:
    assert NEW not in repr(TOKENS)


@pytest.mark.parametrize("claim", ["sub", "exp", "iat", "iss", "aud"])
def test_a_claim_that_signing_writes_itself_is_refused(claim: str) -> None:
    with pytest.raises(ValueError, match=claim):
        TOKENS.sign("ann", **{claim: 1})


def test_a_subject_is_a_text() -> None:
    with pytest.raises(TypeError, match="write str"):
        TOKENS.sign(5)  # type: ignore[arg-type]
