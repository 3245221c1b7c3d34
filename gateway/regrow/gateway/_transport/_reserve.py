"""The last descriptor, kept back so that clients can be turned away with an answer when there is no other.

Without it they would wait in the backlog, unanswered, until somebody else leaves. See: libev's documentation,
"The special problem of accept()ing when you can't".
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    import socket

__all__ = ["Reserve"]

_TURNS = 256
"""Clients turned away in one tick."""
_READ_SIZE = 65_536


@final
class Reserve:
    """One descriptor of this process."""

    def __init__(self) -> None:
        self._descriptor: int | None = os.open(os.devnull, os.O_RDONLY)

    def turn_away(self, listening: socket.socket, answer: bytes) -> tuple[int, bool]:
        """Accept those who wait, one at a time, answer and close. How many, and whether more may be waiting.

        Somebody else may be quicker and take the descriptor; then nobody is turned away until it is back.
        """
        if self._descriptor is None:
            self._restore()
        for turned in range(_TURNS):
            if self._descriptor is None:
                return turned, True
            os.close(self._descriptor)
            self._descriptor = None
            try:
                sock, _ = listening.accept()
            except BlockingIOError:
                return turned, False
            except OSError:
                return turned, True
            else:
                _answer(sock, answer)
            finally:
                self._restore()
        return _TURNS, True

    def _restore(self) -> None:
        with suppress(OSError):
            self._descriptor = os.open(os.devnull, os.O_RDONLY)

    def close(self) -> None:
        """Give it back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _answer(sock: socket.socket, answer: bytes) -> None:
    with sock, suppress(OSError):
        sock.setblocking(False)  # noqa: FBT003 - its only signature
        sock.send(answer)
        # What is left unread would turn the close into a reset, which can overtake the answer.
        sock.recv(_READ_SIZE)
