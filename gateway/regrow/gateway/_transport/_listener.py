"""Listening sockets: binding an address, and taking what waits on it."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import stat
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, final

from ._addresses import UNIX_PEER, Tcp, Tls
from ._tls_socket import TlsSocket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._addresses import Address, Unix
    from ._client_socket import ClientSocket
    from ._reserve import Reserve

__all__ = ["Listener", "OutOfDescriptorsError", "bind"]

_BACKLOG = 4_096
_ACCEPTS = 256
"""Connections taken in one tick, so that a storm of them does not starve those already open."""
_EXHAUSTED = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
_ABSENT = frozenset((errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL))
"""Errors of an address that the host's name has but this machine has not: IPv6 where it is switched off."""
_TRIES = 10
"""How often another port is picked because one that is free for one address of a host is taken for another."""


_Place: TypeAlias = tuple[socket.AddressFamily, tuple[str | bytes | int, ...]]
"""A family and an address as `socket.socket.bind` takes it."""


class OutOfDescriptorsError(Exception):
    """The process or the machine has no descriptor left for one more connection."""


def bind(address: Address) -> list[Listener]:
    """Listen on an address: one listener for each address its host has.

    Raises:
        OSError: it cannot be bound, or its certificate cannot be used. ``filename`` is the address as text.
    """
    try:
        context = address.tls.context() if isinstance(address.tls, Tls) else address.tls
        if context is not None:  # one that is a client's would fail at every accept
            context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
        if isinstance(address, Tcp):
            return _bind_tcp(address, context)
        return [_bind_unix(address, context)]
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(address)) from error


def _bind_tcp(address: Tcp, context: ssl.SSLContext | None) -> list[Listener]:
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError:
        raise OSError(errno.EINVAL, "this is no host name") from None
    places: list[_Place] = list(dict.fromkeys((family, place) for family, _, _, _, place in found))
    for _ in range(_TRIES):
        try:
            return _bind_all(address, places, context)
        except OSError as error:
            if address.port or error.errno != errno.EADDRINUSE or len(places) == 1:
                raise
    raise OSError(errno.EADDRINUSE, "no port is free for all addresses of the host")


def _bind_all(address: Tcp, places: list[_Place], context: ssl.SSLContext | None) -> list[Listener]:
    """Listen on every address of a host, all on the port that the first one gets."""
    listeners: list[Listener] = []
    absent: OSError | None = None
    port = address.port
    try:
        for family, place in places:
            try:
                sock = _listening(family, (place[0], port, *place[2:]))
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
                absent = error
                continue
            host, port = sock.getsockname()[:2]
            listeners.append(Listener(sock, replace(address, host=host, port=port), context))
    except BaseException:
        for listener in listeners:
            listener.close()
        raise
    if absent is not None and not listeners:
        raise absent
    return listeners


def _listening(family: socket.AddressFamily, place: tuple[str | bytes | int, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere the option lets two programs listen on one port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # So that an address means what it says, and both wildcards can be listened on side by side.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(place)
        sock.listen(_BACKLOG)
        sock.setblocking(False)  # noqa: FBT003 - its only signature
    except BaseException:
        sock.close()
        raise
    return sock


def _bind_unix(address: Unix, context: ssl.SSLContext | None) -> Listener:
    if not hasattr(socket, "AF_UNIX"):
        raise OSError(errno.EAFNOSUPPORT, "this operating system has no Unix sockets")
    path = Path(address.path).absolute()
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(str(path))
        path.chmod(address.mode)  # until it listens nobody can connect
        file = path.stat()
        sock.listen(_BACKLOG)
        sock.setblocking(False)  # noqa: FBT003 - its only signature
    except BaseException:
        sock.close()
        raise

    def remove() -> None:
        with suppress(OSError):
            there = path.lstat()
            if (there.st_dev, there.st_ino) == (file.st_dev, file.st_ino):  # else it is somebody else's by now
                path.unlink()

    return Listener(sock, replace(address, path=str(path)), context, remove)


def _remove_stale(path: Path) -> None:
    """Remove a socket that nobody listens on: its server was killed.

    Raises:
        OSError: somebody does, or it is another kind of file.
    """
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise OSError(errno.EEXIST, "there is a file that is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # noqa: FBT003 - its only signature
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            with suppress(FileNotFoundError):
                path.unlink()
            return
        except BlockingIOError:  # a server whose backlog is full
            pass
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


@final
class Listener:
    """One socket that listens."""

    def __init__(
        self,
        sock: socket.socket,
        address: Address,
        context: ssl.SSLContext | None,
        remove: Callable[[], None] | None = None,
    ) -> None:
        self._socket = sock
        self._context = context
        self._remove = remove
        self.address = address
        """What was bound: the host as numbers, the port that was picked."""

    def fileno(self) -> int:
        """The descriptor to watch."""
        return self._socket.fileno()

    def accept(self) -> Iterator[tuple[ClientSocket, str]]:
        """The connections that wait, at most a tick's worth, non-blocking, each with its peer's address.

        Raises:
            OutOfDescriptorsError: the next one stays in the backlog; try again after a rest.
        """
        is_tcp = isinstance(self.address, Tcp)
        for _ in range(_ACCEPTS):
            try:
                sock, peer = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    raise OutOfDescriptorsError from error
                continue  # this client is gone already
            sock.setblocking(False)  # noqa: FBT003 - its only signature
            try:
                if is_tcp:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                client = sock if self._context is None else TlsSocket(sock, self._context)
            except OSError:  # some systems refuse the option once the client is gone
                sock.close()
                continue
            yield client, peer[0] if is_tcp else UNIX_PEER

    def turn_away(self, reserve: Reserve, answer: bytes) -> tuple[int, bool]:
        """Have those who wait turned away. How many, and whether more may be waiting.

        A client of TLS gets no answer: there is nothing yet to say it in.
        """
        return reserve.turn_away(self._socket, answer if self._context is None else b"")

    def close(self) -> None:
        """Accept nothing more."""
        if self._remove is not None:
            self._remove()
        self._socket.close()
