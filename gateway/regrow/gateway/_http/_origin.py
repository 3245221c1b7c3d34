"""Which web pages may open a socket: the policy that stops cross-site WebSocket hijacking.

A browser sends cookies with a WebSocket upgrade to any host and does not apply CORS to it; the ``Origin``
header is all that tells the server which page is asking (RFC 6455 section 10.2). A client that is not a
browser may leave the header out or claim any origin: stopping those is the work of authentication, so a
request without an Origin always passes.

See: ``check_origin`` in ``Phoenix.Endpoint.socket/3``, whose modes these are.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol, final

logger = logging.getLogger("regrow.gateway")

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = r"\[[0-9a-f:.]+\]|[^/:\[\]@*?# ]+"
_ORIGIN: Final = re.compile(rf"(?P<scheme>https?)://(?P<host>{_HOST})(?::(?P<port>[0-9]{{1,5}}))?")
_ENTRY: Final = re.compile(rf"(?:(?P<scheme>https?):)?//(?P<host>(?:\*\.)?(?:{_HOST}))(?::(?P<port>[0-9]{{1,5}}))?")


class OriginPolicy(Protocol):
    """How the gateway judges the ``Origin`` header of an upgrade. It must not block."""

    def allows(self, origin: str | None, host: str, scheme: str, /) -> bool:
        """Tell whether a request may upgrade.

        Args:
            origin: its ``Origin`` header, None if it has none.
            host: its ``Host`` header.
            scheme: ``https`` if the connection is encrypted up to here, else ``http``.
        """
        ...


class _Pattern(NamedTuple):
    """What an origin is compared with. None stands for any."""

    scheme: str | None
    host: str
    port: int | None


@final
@dataclass(frozen=True, slots=True)
class SameHost:
    """Only pages served under the host (and port) that the socket is opened to.

    The scheme is not compared: behind a proxy that ends TLS the page is ``https`` and the socket is ``http``.
    """

    def allows(self, origin: str | None, host: str, scheme: str) -> bool:  # noqa: ARG002  # all policies share one signature
        """Tell whether a request with these headers may upgrade."""
        return origin is None or origin.partition("://")[2].lower() == host.lower()


@final
@dataclass(frozen=True, slots=True)
class SameOrigin:
    """Only pages of the very origin that the socket is opened to: scheme, host and port. Phoenix's ``:conn``.

    Behind a proxy that ends TLS no page is: the connection that arrives here is not encrypted.
    """

    def allows(self, origin: str | None, host: str, scheme: str) -> bool:
        """Tell whether a request with these headers may upgrade."""
        if origin is None:
            return True
        page, own = _parse(origin), _parse(f"{scheme}://{host}")
        return page is not None and page == own


@final
@dataclass(frozen=True, slots=True)
class AnyOrigin:
    """Every page. Safe only where neither cookies nor the network location identify a user."""

    def allows(self, origin: str | None, host: str, scheme: str) -> bool:  # noqa: ARG002  # all policies share one signature
        """Tell whether a request with these headers may upgrade."""
        return True


@final
@dataclass(frozen=True, slots=True)
class OneOf:
    """Only pages of the listed origins.

    ====================== ==============================================================
    ``https://a.com``      this scheme, this host, the scheme's own port
    ``https://a.com:444``  this scheme, this host, this port
    ``//a.com``            any scheme, this host, any port
    ``//a.com:444``        any scheme, this host, this port
    ``//*.a.com``          any scheme, this host and every host below it, any port
    ====================== ==============================================================

    Raises:
        ValueError: an entry is none of these.
    """

    origins: frozenset[str]
    """In lower case, without a path."""

    _patterns: tuple[_Pattern, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_patterns", tuple(_pattern(entry) for entry in sorted(self.origins)))

    def allows(self, origin: str | None, host: str, scheme: str) -> bool:  # noqa: ARG002  # all policies share one signature
        """Tell whether a request with these headers may upgrade."""
        if origin is None:
            return True
        page = _parse(origin)
        return page is not None and any(_matches(page, pattern) for pattern in self._patterns)


@final
@dataclass(frozen=True, slots=True)
class OriginCheck:
    """Pages of which a function says so, which is given their origin as the browser sent it, like ``https://a.com``.

    The function runs in the tick: it must not block. A page it raises for is refused, and the error logged.
    """

    check: Callable[[str], bool]

    def allows(self, origin: str | None, host: str, scheme: str) -> bool:  # noqa: ARG002  # all policies share one signature
        """Tell whether a request with these headers may upgrade."""
        if origin is None:
            return True
        try:
            return self.check(origin)
        except Exception:
            logger.exception("the origin check failed")
            return False


def _parse(origin: str) -> _Pattern | None:
    """The parts of an origin, a default port filled in; None if it is no web page's (``null``, ``file://``)."""
    found = _ORIGIN.fullmatch(origin.lower())
    if found is None:
        return None
    scheme, port = found["scheme"], found["port"]
    return _Pattern(scheme, found["host"], _DEFAULT_PORTS[scheme] if port is None else int(port))


def _pattern(entry: str) -> _Pattern:
    found = _ENTRY.fullmatch(entry)
    if found is None or entry != entry.lower():
        raise ValueError(
            f"origins: {entry!r} is not an origin; write it in lower case as browsers send it, like"
            " 'https://example.com', or like '//example.com:8080' or '//*.example.com'"
        )
    scheme, port = found["scheme"], found["port"]
    if port is not None:
        return _Pattern(scheme, found["host"], int(port))
    return _Pattern(scheme, found["host"], None if scheme is None else _DEFAULT_PORTS[scheme])


def _matches(page: _Pattern, pattern: _Pattern) -> bool:
    if pattern.scheme not in (None, page.scheme) or pattern.port not in (None, page.port):
        return False
    if pattern.host.startswith("*."):
        return page.host == pattern.host[2:] or page.host.endswith(pattern.host[1:])
    return page.host == pattern.host
