"""kqueue in the shape of epoll, for macOS and the BSDs.

Written from kqueue(2) and the documentation of `select.kqueue`. Tests run it against a fake of the kernel's queue; it
has not run on a kernel that has one.
"""

from __future__ import annotations

import select
from typing import Any, final

__all__ = ["Kqueue"]

_IN, _OUT, _ENDED = 0x001, 0x004, 0x010
"""The values of epoll; the last is EPOLLHUP."""


@final
class Kqueue:
    """A `Poller`. Each descriptor has both filters at all times, enabled or disabled.

    So a change never fails because a filter is missing, and nothing is to be remembered here. Unlike epoll, kqueue
    does not report a reset on a descriptor that is watched for nothing: it is found when reading goes on.
    """

    def __init__(self, kernel: Any = select) -> None:
        self._kernel = kernel
        self._queue = kernel.kqueue()
        self._read: int = kernel.KQ_FILTER_READ
        self._write: int = kernel.KQ_FILTER_WRITE
        self._on: int = kernel.KQ_EV_ADD | kernel.KQ_EV_ENABLE
        self._off: int = kernel.KQ_EV_ADD | kernel.KQ_EV_DISABLE
        self._gone: int = kernel.KQ_EV_DELETE
        self._ended: int = kernel.KQ_EV_EOF

    def register(self, fd: int, events: int, /) -> None:
        """Watch a descriptor."""
        self._change(fd, self._on if events & _IN else self._off, self._on if events & _OUT else self._off)

    def modify(self, fd: int, events: int, /) -> None:
        """Watch a descriptor for something else: EV_ADD on a filter that is there changes it."""
        self.register(fd, events)

    def unregister(self, fd: int, /) -> None:
        """Do not watch it any more."""
        self._change(fd, self._gone, self._gone)

    def _change(self, fd: int, read: int, write: int) -> None:
        kevent = self._kernel.kevent
        # Asking for no events makes the kernel report a failed change as an error instead of as an event.
        self._queue.control([kevent(fd, self._read, read), kevent(fd, self._write, write)], 0, 0)

    def poll(self, timeout: int, most: int, /) -> list[tuple[int, int]]:
        """Descriptors that are ready, and for what."""
        ready: dict[int, int] = {}
        for event in self._queue.control(None, most, timeout):
            what = ready.get(event.ident, 0)
            if event.filter == self._write:
                what |= _OUT  # if the client is gone, writing will show it
            elif event.flags & self._ended:
                what |= _IN | _ENDED
            else:
                what |= _IN
            ready[event.ident] = what
        return list(ready.items())

    def fileno(self) -> int:
        """The queue's own descriptor, which another queue may watch."""
        return int(self._queue.fileno())

    def close(self) -> None:
        """Stop watching."""
        self._queue.close()
