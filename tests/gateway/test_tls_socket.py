"""TLS on a socket that takes as many bytes as a test says: nothing is written twice, out of order or not at all."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regrow.gateway._transport._tls_socket import TlsSocket
from tests.support.tls import client_context, server_context

if TYPE_CHECKING:
    import socket


class Pipe:
    """The server's kernel socket, and a client at the other end of it."""

    def __init__(self, room: float = float("inf")) -> None:
        self.room = room
        self.inbox = b""
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = CLIENT.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.server = TlsSocket(cast("socket.socket", self), SERVER)

    # What the server sees.

    def fileno(self) -> int:
        return 1000

    def recv(self, size: int) -> bytes:
        data, self.inbox = self.inbox[:size], self.inbox[size:]
        if not data:
            raise BlockingIOError
        return data

    def send(self, data: bytes) -> int:
        taken = int(min(self.room, len(data)))
        if data and not taken:
            raise BlockingIOError
        self.incoming.write(data[:taken])
        self.room -= taken
        return taken

    def shutdown(self, how: int) -> None:
        pass

    def close(self) -> None:
        pass

    # What the client does.

    def deliver(self) -> None:
        self.inbox += self.outgoing.read()

    def shake_hands(self) -> None:
        """Handshake; the client learns of it last."""
        while True:
            try:
                self.client.do_handshake()
            except ssl.SSLWantReadError:
                pass
            else:
                self.deliver()
                with pytest.raises(BlockingIOError):
                    self.server.recv(65_536)
                return
            self.deliver()
            with pytest.raises(BlockingIOError):
                self.server.recv(65_536)

    def heard(self) -> bytes:
        """What the client can decrypt by now."""
        pieces: list[bytes] = []
        while True:
            try:
                pieces.append(self.client.read(65_536))
            except ssl.SSLWantReadError:
                return b"".join(pieces)


CLIENT, SERVER = client_context(), server_context()


@given(
    st.lists(st.binary(min_size=1, max_size=200) | st.integers(1, 300_000).map(bytes), min_size=1, max_size=5),
    st.lists(st.integers(0, 100_000), max_size=20),
)
@settings(deadline=None, max_examples=60)
def test_whatever_room_there_is_the_client_hears_exactly_what_was_sent(messages: list[bytes], rooms: list[int]) -> None:
    pipe = Pipe()
    pipe.shake_hands()
    heard = b""
    left = iter(rooms)
    for message in messages:
        sent = 0
        while sent < len(message):
            pipe.room = next(left, float("inf"))
            try:
                sent += pipe.server.send(memoryview(message)[sent:])
            except BlockingIOError:
                assert pipe.room == 0
            heard += pipe.heard()
    assert heard == b"".join(messages)


def test_as_long_as_something_waits_to_be_written_something_is_left_unsent() -> None:
    pipe = Pipe()
    pipe.shake_hands()
    pipe.room = 10
    assert pipe.server.send(b"hello") == 4
    with pytest.raises(BlockingIOError):
        pipe.server.send(b"o and more")
    assert pipe.heard() == b""
    pipe.room = float("inf")
    assert pipe.server.send(b"o and more") == 10
    assert pipe.heard() == b"hello and more"


def test_a_handshake_that_does_not_fit_into_the_socket_is_stuck_until_there_is_room() -> None:
    pipe = Pipe(room=100)
    with pytest.raises(ssl.SSLWantReadError):
        pipe.client.do_handshake()
    pipe.deliver()
    with pytest.raises(BlockingIOError):
        pipe.server.recv(65_536)
    assert pipe.server.is_stuck
    pipe.room = float("inf")
    with pytest.raises(BlockingIOError):
        pipe.server.recv(65_536)
    assert not pipe.server.is_stuck
    pipe.shake_hands()
    assert pipe.server.is_open


def test_a_client_that_makes_tls_answer_and_does_not_read_is_cut_off() -> None:
    pipe = Pipe()
    pipe.shake_hands()
    pipe.room = 0
    answers = 0
    with pytest.raises(ConnectionAbortedError):
        while answers < 1_000_000:
            pipe.server._outgoing.write(b"an answer to a key update" * 100)
            pipe.client.write(b"x")
            pipe.deliver()
            assert pipe.server.recv(65_536) == b"x"
            answers += 2500
    assert answers < 300_000


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=200)
def test_no_bytes_raise_anything_but_oserror(noise: bytes) -> None:
    for prefix in (b"", b"\x16\x03\x01", b"\x16\x03\x01\x00\x10\x01\x00"):
        pipe = Pipe()
        pipe.inbox = prefix + noise
        with pytest.raises(OSError):  # noqa: PT011 - any of them
            pipe.server.recv(65_536)
        pipe.server.close()


@given(st.binary(min_size=1, max_size=300))
@settings(deadline=None, max_examples=60)
def test_no_bytes_on_an_open_connection_raise_anything_but_oserror(noise: bytes) -> None:
    pipe = Pipe()
    pipe.shake_hands()
    pipe.inbox = noise
    with pytest.raises(OSError):  # noqa: PT011 - any of them
        pipe.server.recv(65_536)
    pipe.server.close()
