"""The mailbox of a thread process: anybody puts into it, one thread takes from it, and death closes it."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors._processes._exit import ExitReason

__all__ = ["CLOSED", "ThreadMailbox"]


@final
class Closed:
    """The type of `CLOSED`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "CLOSED"


CLOSED = Closed()
"""What `ThreadMailbox.get` returns when nothing will ever be there again."""


@final
class ThreadMailbox:
    """A queue that ends: what it holds when it is closed, or gets afterwards, is refused, never forgotten.

    Putting never blocks. The lock is reentrant, because a destructor may put at any moment.
    """

    __slots__ = ("_changed", "_messages", "_reason", "_refuse", "_taken", "is_busy")

    is_busy: bool
    """Whether its thread runs code of its own, rather than waits for a message or has ended."""

    def __init__(self, refuse: Callable[[object, ExitReason], None]) -> None:
        self._refuse = refuse
        self._changed = threading.Condition()
        self._messages: deque[object] = deque()
        self._taken: object = None
        self._reason: ExitReason | None = None
        self.is_busy = True

    def put(self, message: object) -> None:
        """Add a message, from any thread."""
        with self._changed:
            reason = self._reason
            if reason is None:
                self._messages.append(message)
                self._changed.notify()
                return
        self._refuse(message, reason)

    def get(self) -> object:
        """The next message, or `CLOSED`. Blocks its thread until there is one.

        The message counts as unanswered until the next is asked for.
        """
        with self._changed:
            self._taken = None
            self.is_busy = False
            while self._reason is None and not self._messages:
                self._changed.wait()
            if self._reason is not None:
                return CLOSED
            self.is_busy = True
            self._taken = message = self._messages.popleft()
            return message

    def close(self, reason: ExitReason) -> None:
        """Take no more messages, and refuse those that are unanswered. The first reason counts."""
        with self._changed:
            if self._reason is not None:
                return
            self._reason = reason
            unanswered = [self._taken, *self._messages]
            self._taken = None
            self._messages.clear()
            self._changed.notify()
        for message in unanswered:
            self._refuse(message, reason)

    def waiting(self) -> list[object]:
        """The messages nobody has taken, in order."""
        with self._changed:
            return list(self._messages)

    def discard(self, unwanted: Callable[[object], bool]) -> None:
        """Drop the first message nobody has taken that is unwanted, if there is one."""
        with self._changed:
            for index, message in enumerate(self._messages):
                if unwanted(message):
                    del self._messages[index]
                    return

    def empty(self) -> bool:
        """Whether no message waits; pykka asks it."""
        return not self._messages

    def __len__(self) -> int:
        return len(self._messages)
