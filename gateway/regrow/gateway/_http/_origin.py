"""Which web pages may open a socket: the policy that stops cross-site WebSocket hijacking.

A browser sends cookies with a WebSocket upgrade to any host and does not apply CORS to it; the ``Origin``
header is all that tells the server which page is asking (RFC 6455 section 10.2). A client that is not a
browser may leave the header out or claim any origin: stopping those is the work of authentication, so a
request without an Origin always passes.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias, final

_SCHEMES: Final = ("http://", "https://")


@final
@dataclass(frozen=True, slots=True)
class SameHost:
    """Only pages served under the host (and port) that the socket is opened to.

    The scheme is not compared: behind a proxy that ends TLS the page is ``https`` and the socket is ``http``.
    """

    def allows(self, origin: str | None, host: str) -> bool:
        """Tell whether a request with these ``Origin`` and ``Host`` headers may upgrade."""
        return origin is None or origin.partition("://")[2].lower() == host.lower()


@final
@dataclass(frozen=True, slots=True)
class AnyOrigin:
    """Every page. Safe only where neither cookies nor the network location identify a user."""

    def allows(self, origin: str | None, host: str) -> bool:  # noqa: ARG002  # the three policies share one signature
        """Tell whether a request with these ``Origin`` and ``Host`` headers may upgrade."""
        return True


@final
@dataclass(frozen=True, slots=True)
class OneOf:
    """Only pages of the listed origins.

    Raises:
        ValueError: an entry is not an origin as browsers send it.
    """

    origins: frozenset[str]
    """Each ``scheme://host`` or ``scheme://host:port``: lower case, no path, a default port left out."""

    def __post_init__(self) -> None:
        for origin in self.origins:
            _, _, host = origin.partition("://")
            if not origin.startswith(_SCHEMES) or not host or "/" in host or origin != origin.lower():
                raise ValueError(
                    f"origins: {origin!r} is not an origin; write it as browsers send it, like 'https://example.com'"
                )

    def allows(self, origin: str | None, host: str) -> bool:  # noqa: ARG002  # the three policies share one signature
        """Tell whether a request with these ``Origin`` and ``Host`` headers may upgrade."""
        return origin is None or origin.lower() in self.origins


OriginPolicy: TypeAlias = SameHost | AnyOrigin | OneOf
"""How the gateway judges the ``Origin`` header of an upgrade."""
