"""One client's socket: what is written when its kernel takes only part of it."""

from __future__ import annotations

from regrow.gateway import Settings, State
from regrow.gateway._wire._frames import close_frame, pong_frame, text_frame
from tests.support.offline_port import offline_connection, offline_port
from tests.support.wire import PING, client_frame

RESPONSE = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


def test_a_client_that_floods_behind_its_request_and_does_not_read_is_cut_off_between_frames() -> None:
    port = offline_port(Settings(outbox_limit=500))
    connection, sock = offline_connection(port)
    connection.state, connection.flows = State.HANDSHAKE, False
    sock.room = len(RESPONSE) + 10  # in the middle of the first pong
    port.opened(connection, RESPONSE, client_frame(PING, b"x" * 100) * 20)
    port.flush()
    assert connection.state is State.CLOSING
    sock.room = float("inf")
    connection.writable()
    assert sock.written == RESPONSE + pong_frame(b"x" * 100) + close_frame(1013, "you read too slowly")


def test_a_connection_that_breaks_while_it_is_answered_is_forgotten() -> None:
    port = offline_port()
    connection, sock = offline_connection(port)
    connection.state, connection.flows = State.HANDSHAKE, False
    sock.is_broken = True
    port.opened(connection, RESPONSE, client_frame(PING))
    port.flush()
    assert connection.state is State.CLOSED
    assert sock.is_closed
    assert (port.connections, port.orphans, port.handshaking, port.closing) == ({}, {}, {}, {})


def test_a_closing_connection_swallows_what_is_pushed() -> None:
    port = offline_port()
    connection, sock = offline_connection(port)
    connection.push(text_frame(b"first"))
    connection.close(1000)
    connection.push(text_frame(b"late"))
    connection.close(1001)
    port.flush()
    assert sock.written == text_frame(b"first") + close_frame(1000)
