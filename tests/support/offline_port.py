"""A readiness port without a kernel: its sockets take as many bytes as a test says."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, cast

from regrow.gateway._settings._settings import Settings
from regrow.gateway._transport._connection import Connection
from regrow.gateway._transport._outbound import State
from regrow.gateway._transport._readiness import ReadinessPort

if TYPE_CHECKING:
    import socket

    from regrow.actors import Node

__all__ = ["FakeSocket", "offline_connection", "offline_port"]

_descriptor = count(1000).__next__


class FakeSocket:
    """Takes ``room`` bytes, then none until a test makes room."""

    def __init__(self) -> None:
        self.room: float = float("inf")
        self.written = b""
        self.is_broken = False
        self.is_closed = False
        self._descriptor = _descriptor()

    def fileno(self) -> int:
        return self._descriptor

    def send(self, data: bytes | memoryview) -> int:
        if self.is_broken:
            raise ConnectionResetError
        taken = int(min(self.room, len(data)))
        if data and not taken:
            raise BlockingIOError
        self.written += data[:taken]
        self.room -= taken
        return taken

    def setsockopt(self, *option: object) -> None:
        pass

    def shutdown(self, how: int) -> None:
        pass

    def close(self) -> None:
        self.is_closed = True


class _Node:
    def wake(self) -> None:
        """No tick runs but those a test runs."""


class _Epoll:
    """Nothing is ever ready."""

    def modify(self, *args: Any) -> None:
        pass

    def close(self) -> None:
        pass


def offline_port(settings: Settings | None = None) -> ReadinessPort:
    """Make a port that hears and reaches nobody; its time stands still."""
    port = ReadinessPort(cast("Node", _Node()), settings or Settings())
    port.now = lambda: 0.0
    port._poller.close()
    port._poller = cast("Any", _Epoll())
    return port


def offline_connection(port: ReadinessPort) -> tuple[Connection, FakeSocket]:
    """Make an open connection of a port and its socket."""
    sock = FakeSocket()
    connection = Connection(port, cast("socket.socket", sock), "192.0.2.1")
    connection.state = State.OPEN
    connection.flows = True
    port.connections[sock.fileno()] = connection
    port.per_address.arrived(connection.address)
    return connection, sock
