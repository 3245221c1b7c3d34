"""Listening sockets: binding one, and taking what waits on it."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Listener", "OutOfDescriptorsError"]

_BACKLOG = 4_096
_ACCEPTS = 256
"""Connections taken in one tick, so that a storm of them does not starve those already open."""
_EXHAUSTED = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class OutOfDescriptorsError(Exception):
    """The process or the machine has no descriptor left for one more connection."""


@final
class Listener:
    """One bound address.

    Raises:
        OSError: the address cannot be bound.
    """

    def __init__(self, host: str, port: int) -> None:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind(address)
            self._socket.listen(_BACKLOG)
            self._socket.setblocking(False)  # noqa: FBT003 - its only signature
        except BaseException:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """The descriptor to watch."""
        return self._socket.fileno()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that were bound."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    def accept(self) -> Iterator[tuple[socket.socket, str]]:
        """The connections that wait, at most a tick's worth, non-blocking, each with its peer's address.

        Raises:
            OutOfDescriptorsError: the next one stays in the backlog; try again after a rest.
        """
        for _ in range(_ACCEPTS):
            try:
                sock, address = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    raise OutOfDescriptorsError from error
                continue  # this client is gone already
            sock.setblocking(False)  # noqa: FBT003 - its only signature
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield sock, address[0]

    def close(self) -> None:
        """Accept nothing more."""
        self._socket.close()
