"""``regrow token``: a signed token for trying out a gateway that asks for one."""

from __future__ import annotations

import json
from typing import Any

from regrow.gateway._errors import GatewayError

from ._tokens import Tokens

__all__ = ["BadTokenOptionError", "mint"]


class BadTokenOptionError(GatewayError):
    """An option of ``regrow token`` is wrong."""


def mint(subject: str, secret: str | None, max_age: float, claims: list[str]) -> str:
    """Sign a token; each claim is ``name=value``, the value JSON, or else a text.

    Raises:
        BadTokenOptionError: what is wrong, in one line.
    """
    if not secret:
        raise BadTokenOptionError("no secret: set REGROW_TOKEN_SECRET to the one your gateway verifies with")
    try:
        return Tokens(secrets=(secret,), max_age=max_age).sign(subject, **dict(map(_claim, claims)))
    except ValueError as error:
        raise BadTokenOptionError(str(error).replace("secrets[0]", "REGROW_TOKEN_SECRET")) from None


def _claim(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise BadTokenOptionError(f"--claim {text}: must be NAME=VALUE, for example --claim room=tea")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
