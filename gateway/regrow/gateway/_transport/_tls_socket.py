"""TLS on a non-blocking socket, with the methods and the exceptions that a plain one has.

The record layer works on memory, not on the socket (`ssl.MemoryBIO`): so one read of the kernel brings many records,
nothing decrypted stays behind in it where the kernel would not report it, and it never waits for the socket to be
written while it reads.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from socket import SHUT_RD
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    import socket

__all__ = ["TlsSocket"]

_FEED = 16_384
"""Bytes of ciphertext given to the record layer at once: its buffer keeps the size of the largest piece for ever."""
_RECORDS = 65_536
"""Bytes encrypted before the kernel is asked to take them: four records."""
_UNSENT = 262_144
"""Bytes of ciphertext that may wait for the kernel. Messages leave far less; more are answers to a client that has TLS
change its keys over and over and does not read."""


@final
class TlsSocket:
    """The server's side of TLS. A `ClientSocket`.

    The handshake happens in ``recv``, which raises `BlockingIOError` until it is done and has brought data.

    A byte counts as sent once its ciphertext is with the kernel, but for this: bytes of which some ciphertext waits
    here are counted except the last. So whoever writes knows that there is something left to be written, and
    what it leaves out of the rest, to cut off a slow reader, is never something that is encrypted already, as long as
    it keeps the frame that last byte is in. Invariant: ``_ahead <= 1``, and ``_ahead`` implies ``_unsent``
    until the next ``send``.
    """

    __slots__ = ("_ahead", "_incoming", "_outgoing", "_sock", "_tls", "_unsent", "has_failed", "is_open")

    is_open: bool
    """Whether the handshake is done."""
    has_failed: bool
    """Whether it never will be: the client speaks no TLS, or none that is accepted."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        self._sock = sock
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._unsent = b""
        self._ahead = 0
        self.is_open = False
        self.has_failed = False

    def fileno(self) -> int:
        """The descriptor to watch."""
        return self._sock.fileno()

    @property
    def is_stuck(self) -> bool:
        """Whether the handshake goes on only once the kernel takes bytes again."""
        return not self.is_open and bool(self._unsent)

    def setsockopt(self, level: int, option: int, value: bytes, /) -> None:
        """Set an option of the kernel's socket."""
        self._sock.setsockopt(level, option, value)

    # Reading.

    def recv(self, size: int, /) -> bytes:
        """Everything that one read of the kernel means; empty at the end, with or without a goodbye of TLS.

        Raises:
            BlockingIOError: no whole record has come, or the handshake is not done.
            OSError: the connection is broken, or what came is no TLS.
        """
        if not self.is_open:
            self._flush()
        if len(self._unsent) > _UNSENT:
            raise ConnectionAbortedError
        ciphertext = self._sock.recv(size)
        if not ciphertext:
            return b""
        pieces: list[bytes] = []
        for start in range(0, len(ciphertext), _FEED):
            self._incoming.write(ciphertext[start : start + _FEED])
            if not self.is_open:
                self._shake_hands()
            if self.is_open:
                self._decrypt(pieces)
        with suppress(OSError):  # if it is broken the next call finds out; what was read is good
            self._flush()  # an answer to a new key, a session ticket
        if not pieces:
            raise BlockingIOError
        return b"".join(pieces)

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError:
            self.has_failed = True
            with suppress(OSError):
                self._flush()  # the alert that says why
            raise
        self.is_open = True

    def _decrypt(self, pieces: list[bytes]) -> None:
        try:
            while True:
                piece = self._tls.read(_FEED)
                if not piece:
                    break
                pieces.append(piece)
        except ssl.SSLWantReadError:
            return
        except ssl.SSLZeroReturnError:
            pass
        # The client said goodbye. If the kernel had nothing to add it would never report that, but for this.
        with suppress(OSError):
            self._sock.shutdown(SHUT_RD)

    # Writing.

    def send(self, data: bytes | memoryview, /) -> int:
        """Encrypt and write; how many bytes count as sent.

        Raises:
            BlockingIOError: none do.
            OSError: the connection is broken.
        """
        if not self._flush():
            raise BlockingIOError
        length = len(data)
        done, self._ahead = self._ahead, 0
        view = memoryview(data)
        while done < length:
            try:
                done += self._tls.write(view[done : done + _RECORDS])
            except ssl.SSLWantReadError as error:  # data of a handshake that is not done
                raise BlockingIOError from error
            if not self._flush():
                if done == length:
                    self._ahead = 1
                return done - self._ahead
        return length

    def _flush(self) -> bool:
        """Write what is encrypted; whether the kernel took all of it."""
        if self._outgoing.pending:
            self._unsent += self._outgoing.read()
        while self._unsent:
            try:
                sent = self._sock.send(self._unsent)
            except BlockingIOError:
                return False
            self._unsent = self._unsent[sent:]
        return True

    # The end.

    def shutdown(self, how: int, /) -> None:
        """Say goodbye in TLS, then in TCP."""
        self._say_goodbye()
        self._sock.shutdown(how)

    def close(self) -> None:
        """Say goodbye if that is possible at once, and close."""
        if self._sock.fileno() >= 0:
            self._say_goodbye()
        self._sock.close()

    def _say_goodbye(self) -> None:
        if self.is_open and not self._unsent:
            with suppress(OSError):
                self._tls.unwrap()  # writes the alert, then wants the client's, which nobody waits for
            with suppress(OSError):
                self._flush()
