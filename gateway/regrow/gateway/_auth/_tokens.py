"""Signed tokens that expire: JSON Web Tokens with one algorithm, HMAC with SHA-256, and nothing for a client to choose.

See: RFC 7519; RFC 8725, its best practices (3.1 algorithm verification, 3.5 keys with enough entropy, 3.9 audience).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, final

import jwt

from regrow.gateway._errors import ExpiredTokenError, ForeignTokenError, ForgedTokenError, MalformedTokenError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Claims", "Tokens"]

MIN_SECRET: Final = 32
"""Bytes of a secret: as many as the hash has (RFC 7518 section 3.2). A shorter one can be guessed offline."""

_ALGORITHM: Final = "HS256"
_OURS: Final = frozenset(("sub", "iat", "exp", "iss", "aud"))
"""Claims that `Tokens.sign` writes itself."""
_OPTIONS: Final[Any] = {
    "require": ["sub", "iat", "exp"],
    # Judged here instead, against a clock that can be given.
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


@final
@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says."""

    subject: str
    """Whom it was signed for."""
    expires_at: float
    """When it expires, in seconds since 1970."""
    more: Mapping[str, Any]
    """What else was given to `Tokens.sign`."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Signs tokens and verifies them. A frozen value: make it once, where the gateway is made.

    Tokens are signed, not encrypted: whoever has one can read it. One that is still valid cannot be taken back; keep
    `max_age` short.

    Raises:
        ValueError: there is no secret, one is shorter than 32 bytes, or ``max_age`` is not positive.

    See: Phoenix.Token.
    """

    secrets: tuple[str | bytes, ...] = field(repr=False)
    """The first signs, all verify: put a new one in front, and drop the old one when `max_age` has passed."""
    max_age: float = 86_400.0
    """Seconds from signing to expiry."""
    issuer: str | None = None
    """Who signs. If given, tokens of any other are refused."""
    audience: str | None = None
    """Whom the tokens are for. If given, tokens for any other are refused; if not, those that name one."""
    clock: Callable[[], float] = field(default=time.time, repr=False)
    """Seconds since 1970."""

    def __post_init__(self) -> None:
        if isinstance(self.secrets, str | bytes):
            raise TypeError("secrets must be a tuple: write secrets=(secret,)")
        if not self.secrets:
            raise ValueError("secrets: there must be at least one")
        for number, secret in enumerate(self.secrets):
            size = len(_bytes(secret))
            if size < MIN_SECRET:
                raise ValueError(
                    f"secrets[{number}] has {size} bytes, must have at least {MIN_SECRET}: "
                    'make one with python -c "import secrets; print(secrets.token_urlsafe(32))"'
                )
        if not self.max_age > 0:
            raise ValueError(f"max_age={self.max_age!r}: must be more than 0")

    def sign(self, subject: str, /, **claims: Any) -> str:
        """Make a token for ``subject`` that says ``claims`` besides and expires `max_age` seconds from now.

        Raises:
            ValueError: a claim is one of those that this method writes itself.
            TypeError: a claim cannot be JSON, or the subject is no text.
        """
        if not isinstance(subject, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # a user's id is often an int
            raise TypeError(f"a subject is a str, got {type(subject).__name__}: write str(...)")
        reserved = sorted(_OURS.intersection(claims))
        if reserved:
            raise ValueError(f"{', '.join(reserved)}: is written by sign itself")
        now = self.clock()
        payload = {**claims, "sub": subject, "iat": now, "exp": now + self.max_age}
        if self.issuer is not None:
            payload["iss"] = self.issuer
        if self.audience is not None:
            payload["aud"] = self.audience
        return jwt.encode(payload, self.secrets[0], algorithm=_ALGORITHM)

    def verify(self, token: str | None) -> Claims:
        """Tell what a token says, if it is one of ours and still valid. Costs microseconds, never blocks.

        Takes None, for a client that has sent none, so that a missing token is refused like a wrong one.

        Raises:
            MalformedTokenError: it is no token, or it lacks a claim.
            ForgedTokenError: none of the secrets has signed it with HS256.
            ExpiredTokenError: it is not valid any more, or not yet.
            ForeignTokenError: it is of another issuer or for another audience.
        """
        if not token:
            raise MalformedTokenError("there is no token")
        payload = self._payload(token)
        expires_at = _time(payload, "exp")
        now = self.clock()
        if not now < expires_at:
            raise ExpiredTokenError("the token has expired")
        if "nbf" in payload and now < _time(payload, "nbf"):
            raise ExpiredTokenError("the token is not valid yet")
        more = {name: value for name, value in payload.items() if name not in _OURS}
        return Claims(payload["sub"], expires_at, more)

    def _payload(self, token: str) -> dict[str, Any]:
        for secret in self.secrets:
            try:
                return jwt.decode(
                    token,
                    secret,
                    algorithms=[_ALGORITHM],
                    audience=self.audience,
                    issuer=self.issuer,
                    options=_OPTIONS,
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.InvalidAlgorithmError:
                raise ForgedTokenError(f"the token is not signed with {_ALGORITHM}") from None
            except (jwt.InvalidIssuerError, jwt.InvalidAudienceError):
                raise ForeignTokenError("the token is of another issuer or for another audience") from None
            except jwt.MissingRequiredClaimError as error:
                raise self._lacking(error.claim) from None
            except (jwt.InvalidTokenError, ValueError, RecursionError):
                # The head is decoded before the signature is checked, so anything may be in it. The error's text may
                # repeat it.
                raise MalformedTokenError("this is not a token") from None
        raise ForgedTokenError("the token is not signed with a secret of this server")

    def _lacking(self, claim: str) -> Exception:
        if claim in {"iss", "aud"}:
            return ForeignTokenError("the token is of another issuer or for another audience")
        return MalformedTokenError(f"the token lacks the claim {claim}")


def _bytes(secret: str | bytes) -> bytes:
    return secret.encode() if isinstance(secret, str) else secret


def _time(payload: Mapping[str, Any], claim: str) -> float:
    value = payload[claim]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MalformedTokenError(f"the claim {claim} of the token is not a time")
    return value
