"""What the transport asks of a client's socket, plain or TLS."""

from __future__ import annotations

from typing import Protocol

__all__ = ["ClientSocket"]


class ClientSocket(Protocol):
    """The part of a non-blocking `socket.socket` that connections are read and written with.

    ``recv`` and ``send`` raise `BlockingIOError` if they would have to wait, any other `OSError` if the connection
    is broken, and nothing else.
    """

    def fileno(self) -> int:
        """The descriptor to watch; -1 once it is closed."""
        ...

    def recv(self, size: int, /) -> bytes:
        """What the client said; empty once it has said all. A little more than ``size`` bytes may come at once."""
        ...

    def send(self, data: bytes | memoryview, /) -> int:
        """Write some bytes; how many were taken. Those that were not must come first the next time."""
        ...

    def shutdown(self, how: int, /) -> None:
        """Say that nothing more is coming."""
        ...

    def setsockopt(self, level: int, option: int, value: bytes, /) -> None:
        """Set an option of the kernel's socket."""
        ...

    def close(self) -> None:
        """Close it; what the kernel has taken is still sent."""
        ...
