"""What tells which sockets are ready: epoll or kqueue, behind the methods of the former."""

from __future__ import annotations

import select
from typing import Final, Protocol

from ._kqueue import Kqueue

__all__ = ["IN", "OUT", "Poller", "can_poll", "open_poller"]

IN: Final = 0x001
"""There is something to read: EPOLLIN."""
OUT: Final = 0x004
"""There is room to write: EPOLLOUT."""


class Poller(Protocol):
    """A level-triggered poller. `select.epoll` is one.

    A descriptor that is closed is forgotten by itself.
    """

    def register(self, fd: int, events: int, /) -> None:
        """Watch a descriptor for `IN`, `OUT`, both or neither.

        Raises:
            OSError: the kernel cannot watch one more.
        """
        ...

    def modify(self, fd: int, events: int, /) -> None:
        """Watch a registered descriptor for something else."""
        ...

    def unregister(self, fd: int, /) -> None:
        """Do not watch it any more."""
        ...

    def poll(self, timeout: int, most: int, /) -> list[tuple[int, int]]:
        """Descriptors that are ready, and for what; bits beside `IN` and `OUT` say that reading shows an end."""
        ...

    def fileno(self) -> int:
        """A descriptor that is readable whenever `poll` would find something."""
        ...

    def close(self) -> None:
        """Stop watching."""
        ...


def can_poll() -> bool:
    """Whether this operating system has a poller; Windows has none."""
    return hasattr(select, "epoll") or hasattr(select, "kqueue")


def open_poller() -> Poller:
    """Make what this operating system offers: epoll on Linux, kqueue on macOS and the BSDs.

    Raises:
        OSError: it offers neither, or no descriptor is left.
    """
    if hasattr(select, "epoll"):
        return select.epoll()
    if hasattr(select, "kqueue"):
        return Kqueue()
    raise OSError("the readiness transport needs epoll or kqueue; use the tasks transport")
