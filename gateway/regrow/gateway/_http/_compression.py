"""Whether the messages of a connection are compressed: permessage-deflate in the opening handshake.

The server never keeps context from one message to the next and forbids the client to: a compressor costs up to 256 KiB,
which no idle connection is worth. See: RFC 7692 section 7.1.
"""

from typing import Final

from regrow.gateway._settings._settings import Settings
from regrow.gateway._wire._deflate import deflate_framing
from regrow.gateway._wire._framing import PLAIN, Framing

from ._extensions import Offer, read_offers

_NAME: Final = "permessage-deflate"
_WINDOWS: Final = {str(bits): bits for bits in range(8, 16)}
_LARGEST: Final = 15
_SMALLEST: Final = 9
"""zlib makes no raw stream with a window of 8 bits, and a larger one than asked for would break the client."""

_FLAGS: Final = frozenset(("server_no_context_takeover", "client_no_context_takeover"))


def agree(header: str, settings: Settings) -> tuple[Framing, str | None]:
    """How messages become frames, and what to answer in ``Sec-WebSocket-Extensions``; None for nothing.

    The first offer whose parameters are all known, valid, there once and possible is taken; others are declined.

    Raises:
        MalformedExtensionsError: the handshake must fail.
    """
    if not settings.compression_level or not header:
        return PLAIN, None
    agreed: tuple[Framing, str | None] | None = None
    for offer in read_offers(header):  # to the end: what is malformed behind the offer taken is malformed all the same
        if agreed is None and offer.name == _NAME:
            agreed = _accept(offer, settings)
    return agreed or (PLAIN, None)


def _accept(offer: Offer, settings: Settings) -> tuple[Framing, str] | None:
    """Take an offer, or decline it by None. See: RFC 7692 sections 7.1.1 and 7.1.2."""
    parameters = dict(offer.parameters)
    if len(parameters) < len(offer.parameters):
        return None
    bits = _LARGEST
    answer = f"{_NAME}; server_no_context_takeover; client_no_context_takeover"
    for name, value in parameters.items():
        if name in _FLAGS:
            if value is not None:
                return None
        elif name == "server_max_window_bits":
            bits = _WINDOWS.get(value or "", 0)
            if bits < _SMALLEST:
                return None
            answer += f"; server_max_window_bits={bits}"
        elif name != "client_max_window_bits" or not (value is None or value in _WINDOWS):
            return None  # what window the client uses is its own affair: every one is decompressed
    return deflate_framing(bits, settings.compression_level, settings.compression_threshold), answer
