"""The header ``Sec-WebSocket-Extensions``: what extensions a client offers, with their parameters, in its order.

See: RFC 6455 section 9.1.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

_NAME: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # a token of RFC 9110 section 5.6.2
_OFFER: Final = re.compile(rf"[ \t]*({_NAME})[ \t]*")
_PARAMETER: Final = re.compile(rf';[ \t]*({_NAME})[ \t]*(?:=[ \t]*(?:({_NAME})|"((?:[^"\\]|\\.)*)")[ \t]*)?')
_ESCAPED: Final = re.compile(r"\\(.)")
_WHOLE_NAME: Final = re.compile(_NAME)


class MalformedExtensionsError(Exception):
    """The header does not have the form of RFC 6455 section 9.1; the handshake must fail."""


@final
@dataclass(frozen=True, slots=True)
class Offer:
    """One extension a client offers."""

    name: str
    parameters: tuple[tuple[str, str | None], ...]
    """As they came, one that was there twice twice; None for one without a value."""


def read_offers(header: str) -> Iterator[Offer]:
    """The offers of a header, one after the other; as far as they are asked for.

    Raises:
        MalformedExtensionsError: the next offer is none.
    """
    pos = 0
    while pos < len(header):
        if header[pos] in ", \t":  # empty elements of a list mean nothing (RFC 9110 section 5.6.1)
            pos += 1
            continue
        start = _OFFER.match(header, pos)
        if start is None:
            raise MalformedExtensionsError
        pos = start.end()
        parameters: list[tuple[str, str | None]] = []
        while (parameter := _PARAMETER.match(header, pos)) is not None:
            name, token, quoted = parameter.groups()
            parameters.append((name, token if quoted is None else _unquoted(quoted)))
            pos = parameter.end()
        if pos < len(header) and header[pos] != ",":
            raise MalformedExtensionsError
        yield Offer(start.group(1), tuple(parameters))


def _unquoted(quoted: str) -> str:
    """What a quoted string means, which must be a token once it is unquoted."""
    value = _ESCAPED.sub(r"\1", quoted)
    if _WHOLE_NAME.fullmatch(value) is None:
        raise MalformedExtensionsError
    return value
