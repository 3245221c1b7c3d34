"""The part of `select` that macOS has and Linux has not, over epoll: what kqueue(2) says about sockets, and no more.

Where the kernel would report an error or the documentation promises nothing, an assertion fails.
"""

from __future__ import annotations

import select
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["FakeKernel", "FakeKqueue", "Kevent"]

_READ, _WRITE = -1, -2
_ADD, _DELETE, _ENABLE, _DISABLE, _EOF = 0x1, 0x2, 0x4, 0x8, 0x8000
_COMMANDS: Final = frozenset((_ADD, _DELETE, _ENABLE, _DISABLE, _ADD | _ENABLE, _ADD | _DISABLE))


@dataclass(frozen=True, slots=True)
class Kevent:
    """A change or an event."""

    ident: int
    filter: int
    flags: int = _ADD
    fflags: int = 0
    data: int = 0
    udata: int = 0


class FakeKqueue:
    """A queue whose filters are there, enabled or disabled, or not there at all."""

    def __init__(self) -> None:
        self.filters: dict[tuple[int, int], bool] = {}
        """Whether each is enabled, by descriptor and filter."""
        self._epoll = select.epoll()
        self._order = -1

    def fileno(self) -> int:
        return self._epoll.fileno()

    def close(self) -> None:
        assert not self._epoll.closed
        self._epoll.close()

    def control(self, changes: Iterable[Kevent] | None, most: int, timeout: float | None = None) -> list[Kevent]:
        assert isinstance(most, int)
        assert most >= 0
        assert timeout == 0, "anything else would block the tick"
        for change in changes or ():
            self._change(change)
        return self._events(most) if most else []

    def _change(self, change: Kevent) -> None:
        assert isinstance(change, Kevent)
        assert change.ident >= 0, "EBADF"
        assert change.filter in (_READ, _WRITE)
        assert change.flags in _COMMANDS
        assert change.fflags == change.data == 0
        key = change.ident, change.filter
        self._forget_if_closed(change.ident)
        if change.flags & _DELETE:
            assert key in self.filters, "ENOENT: there is no such filter to delete"
            del self.filters[key]
        elif change.flags & _ADD:  # a filter that is there is changed; a new one is enabled unless told otherwise
            self.filters[key] = not change.flags & _DISABLE
        else:
            assert key in self.filters, "ENOENT: there is no such filter to enable or disable"
            self.filters[key] = bool(change.flags & _ENABLE)
        self._follow(change.ident)

    def _forget_if_closed(self, fd: int) -> None:
        """Closing a descriptor removes its filters; what has its number now begins without any."""
        if (fd, _READ) in self.filters or (fd, _WRITE) in self.filters:
            try:
                self._epoll.modify(fd, 0)
            except FileNotFoundError:
                self.filters.pop((fd, _READ), None)
                self.filters.pop((fd, _WRITE), None)

    def _follow(self, fd: int) -> None:
        wanted = (select.EPOLLIN | select.EPOLLRDHUP if self.filters.get((fd, _READ)) else 0) | (
            select.EPOLLOUT if self.filters.get((fd, _WRITE)) else 0
        )
        if not wanted:  # epoll would still report an end, which a disabled filter does not: one shot that is spent
            wanted = select.EPOLLONESHOT
        try:
            self._epoll.modify(fd, wanted)
        except FileNotFoundError:
            self._epoll.register(fd, wanted)

    def _events(self, most: int) -> list[Kevent]:
        events: list[Kevent] = []
        for fd, event in self._epoll.poll(0, most):
            ended = event & (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR)
            if self.filters.get((fd, _READ)) and (event & select.EPOLLIN or ended):
                events.append(Kevent(fd, _READ, _ADD | (_EOF if ended else 0)))
            if self.filters.get((fd, _WRITE)) and (event & select.EPOLLOUT or event & select.EPOLLERR):
                events.append(Kevent(fd, _WRITE, _ADD | (_EOF if event & select.EPOLLHUP else 0)))
        self._order = -self._order  # nothing is promised about the order
        return events[:: self._order][:most]


class FakeKernel:
    """What `regrow.gateway._transport._kqueue.Kqueue` is given in the place of the module `select`."""

    KQ_FILTER_READ, KQ_FILTER_WRITE = _READ, _WRITE
    KQ_EV_ADD, KQ_EV_DELETE, KQ_EV_ENABLE, KQ_EV_DISABLE, KQ_EV_EOF = _ADD, _DELETE, _ENABLE, _DISABLE, _EOF
    kevent = Kevent
    kqueue = FakeKqueue
