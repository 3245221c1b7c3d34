"""Where a gateway listens, as values: TCP addresses and Unix sockets, each plain or with TLS."""

from __future__ import annotations

import errno
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, final
from urllib.parse import urlsplit

from regrow.gateway._errors import BadAddressError

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["UNIX_PEER", "Address", "Tcp", "Tls", "Unix", "parse_address"]

UNIX_PEER: Final = "unix:"
"""The peer address of every client of a Unix socket. They are not counted against the limit per address: whoever may
open the file is trusted more than an address of the internet is, and it is usually one proxy for many clients."""

_MAX_PORT = 65_535


@final
@dataclass(frozen=True, slots=True)
class Tls:
    """The certificate a listener shows. TLS 1.2 or newer, with the ciphers Python considers secure.

    What needs more, client certificates for instance, is given as an `ssl.SSLContext` in the place of this value.
    """

    certificate: str | PathLike[str]
    """A PEM file: the certificate, then those of its issuers."""
    key: str | PathLike[str] | None = None
    """A PEM file with the private key; None if the certificate's file has it too. It must not be encrypted."""

    def context(self) -> ssl.SSLContext:
        """Load the files.

        Raises:
            OSError: a file cannot be read or is not what it should be. The message names it.
        """
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # A client that renegotiates makes the server compute for nothing; TLS 1.3 has none of it.
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["http/1.1"])
        files = f"certificate {self.certificate}" + ("" if self.key is None else f", key {self.key}")
        try:
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except _EncryptedKeyError:
            raise OSError(errno.EINVAL, f"{files}: the key is encrypted, decrypt it first") from None
        except ssl.SSLError as error:
            raise OSError(errno.EINVAL, f"{files}: not PEM, or they do not belong together ({error.reason})") from error
        except OSError as error:
            raise OSError(error.errno, f"{files}: {error.strerror}") from error
        return context


class _EncryptedKeyError(Exception):
    """A key needs a password."""


def _no_password() -> str:
    # Without this OpenSSL would ask at the terminal and wait there.
    raise _EncryptedKeyError


@final
@dataclass(frozen=True, slots=True)
class Tcp:
    """A host and a port. A name that has several addresses, as ``localhost`` has, listens on all of them.

    Raises:
        ValueError: the port is none.
    """

    host: str
    port: int
    """0 picks a free one, the same for all addresses of the host."""
    tls: Tls | ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.port <= _MAX_PORT:
            raise ValueError(f"port={self.port!r}: must be from 0 to {_MAX_PORT}")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """``http://host:port``, or ``https`` with TLS."""
        return f"{'http' if self.tls is None else 'https'}://{self}"


@final
@dataclass(frozen=True, slots=True)
class Unix:
    """A socket in the file system, for a proxy or for clients on the same machine.

    A file that a server left behind is replaced; one that somebody listens on is not. When the gateway stops
    listening it removes the file.

    Raises:
        ValueError: the path or the mode is none.
    """

    path: str
    mode: int = 0o660
    """Who may connect: writing is what counts. Set before the socket listens, so nobody slips in earlier."""
    tls: Tls | ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        if not self.path or "\0" in self.path:
            raise ValueError(f"path={self.path!r}: must be the path of a file")
        if not 0 <= self.mode <= 0o777:  # noqa: PLR2004 - nine permission bits
            raise ValueError(f"mode={self.mode!r}: must be permission bits, from 0 to 0o777")

    def __str__(self) -> str:
        return f"unix:{self.path}"

    @property
    def url(self) -> str:
        """``unix:path``; there is no scheme for HTTP over a Unix socket that programs agree on."""
        return str(self)


Address: TypeAlias = Tcp | Unix
"""Where a gateway listens."""

_FORMS = "write 127.0.0.1:4000, [::1]:4000, https://127.0.0.1:4443 or unix:/run/regrow.sock"


def parse_address(text: str, tls: Tls | None) -> Address:
    """Read an address as the command line has it; ``tls`` is what ``https://`` means.

    Raises:
        BadAddressError: it is none of the forms, or it is ``https`` and there is no certificate.
    """
    scheme, colon, path = text.partition(":")
    if scheme == "unix" and colon:
        try:
            return Unix(path.removeprefix("//"))
        except ValueError:
            raise BadAddressError(f"{text!r} names no file: write unix:/run/regrow.sock") from None
    has_scheme = text.startswith(("http://", "https://"))
    try:
        parts = urlsplit(text if has_scheme else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadAddressError(f"{text!r} is not an address ({error}): {_FORMS}") from None
    if not host or port is None or parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        raise BadAddressError(f"{text!r} is not an address: {_FORMS}")
    if parts.scheme == "http":
        return Tcp(host, port)
    if tls is None:
        raise BadAddressError(f"{text!r} needs a certificate: give --certificate and --key")
    return Tcp(host, port, tls)
