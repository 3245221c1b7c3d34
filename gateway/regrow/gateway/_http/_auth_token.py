"""The token a Phoenix client sends beside its subprotocols, so that it is in no URL and no log of URLs.

::

    Sec-WebSocket-Protocol: phoenix, base64url.bearer.phx.<token>

A page can set no other header of a WebSocket. In spite of the prefix phoenix.js writes the standard alphabet of
base64, without padding; other clients write what the prefix says. Both are read.

See: ``assets/js/phoenix/socket.js``, option ``authToken``; ``Phoenix.Transports.WebSocket``.
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Final

__all__ = ["UnreadableTokenError", "token_among"]

_PREFIX: Final = "base64url.bearer.phx."
_ALPHABET: Final = re.compile("[A-Za-z0-9+/]*")
_STANDARD: Final = str.maketrans("-_", "+/")


class UnreadableTokenError(ValueError):
    """What is sent as a token is none."""


def token_among(subprotocols: str) -> str | None:
    """The token in a ``Sec-WebSocket-Protocol`` header; None if there is none.

    Raises:
        UnreadableTokenError: it is no base64 of UTF-8, or there are two. The message does not repeat it.
    """
    tokens = [name.strip() for name in subprotocols.split(",") if name.strip().startswith(_PREFIX)]
    if not tokens:
        return None
    if len(tokens) > 1:
        raise UnreadableTokenError("There is more than one authToken.")
    encoded = tokens[0].removeprefix(_PREFIX).rstrip("=").translate(_STANDARD)
    try:
        if _ALPHABET.fullmatch(encoded) is None:
            raise UnreadableTokenError("The authToken is not base64.")
        return b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except UnicodeDecodeError:
        raise UnreadableTokenError("The authToken is not UTF-8.") from None
    except ValueError:
        raise UnreadableTokenError("The authToken is not base64.") from None
