"""Where to connect, and how to speak there: what the command line says, as one checked value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Address", "AddressError"]

_SCHEMES: Final = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
_CHANNELS: Final = "/websocket"
_VERSION: Final = ("vsn", "2.0.0")


@final
class AddressError(Exception):
    """An URL or a parameter on the command line is not one; the message says what would be."""


@final
@dataclass(frozen=True, slots=True)
class Address:
    """What to open."""

    url: str
    """With parameters, as it is opened. They may be secret."""
    shown: str
    """Without parameters, for the screen."""
    is_channels: bool
    """Whether Phoenix Channels are spoken there, and not a protocol of its own."""
    is_tls: bool

    @classmethod
    def of(cls, url: str, topic: str | None, params: Iterable[str]) -> Address:
        """Read ``ws://host:port/path``, also with ``wss``, ``http`` and ``https``, and ``name=value`` parameters.

        Channels are spoken if the path ends in ``/websocket`` or there is a topic; then the path is completed, as
        Phoenix' own client does, and the version is added.

        Raises:
            AddressError: the URL or a parameter is not of that form.
        """
        parts = urlsplit(url)
        scheme = _SCHEMES.get(parts.scheme)
        if scheme is None or not parts.hostname:
            raise AddressError(f"{url!r} is no WebSocket URL, for example ws://127.0.0.1:4000/socket/websocket")
        query = parse_qsl(parts.query, keep_blank_values=True)
        for param in params:
            name, equals, value = param.partition("=")
            if not (name and equals):
                raise AddressError(f"the parameter {param!r} is not of the form name=value")
            query.append((name, value))
        path = parts.path or "/"
        is_channels = topic is not None or path.endswith(_CHANNELS)
        if is_channels:
            if not path.endswith(_CHANNELS):
                path = path.rstrip("/") + _CHANNELS
            if _VERSION[0] not in dict(query):
                query.append(_VERSION)
        shown = urlunsplit((scheme, parts.netloc.rpartition("@")[2], path, "", ""))
        return cls(urlunsplit((scheme, parts.netloc, path, urlencode(query), "")), shown, is_channels, scheme == "wss")
