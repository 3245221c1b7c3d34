"""Clients that read too slowly: what is volatile is dropped, oldest first; if that is not enough they are closed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.gateway import Channel, Handler, Settings, State
from regrow.gateway._channels._json import json_serializer
from regrow.gateway._channels._messages import Broadcast
from regrow.gateway._transport._outbound import Outbound
from regrow.gateway._transport._outbox import unsent
from regrow.gateway._wire._frames import close_frame, text_frame
from regrow.gateway._wire._framing import PLAIN
from tests.support.offline_port import FakeSocket, offline_connection, offline_port

if TYPE_CHECKING:
    from regrow.gateway._transport._connection import Connection
    from regrow.gateway._transport._readiness import ReadinessPort


FIRST = text_frame(b"first")
GOODBYE = close_frame(1013, "you read too slowly")


def blocked(settings: Settings) -> tuple[ReadinessPort, Connection, FakeSocket]:
    """A connection whose socket took one byte of its first frame."""
    port = offline_port(settings)
    connection, sock = offline_connection(port)
    sock.room = 1
    connection.push(FIRST)
    port.flush()
    assert connection.is_blocked
    return port, connection, sock


def read_all(connection: Connection, sock: FakeSocket) -> bytes:
    sock.room = math.inf
    connection.writable()
    return sock.written


def test_the_oldest_volatile_messages_make_room_for_newer_ones() -> None:
    port, connection, sock = blocked(Settings(outbox_messages=3))
    for number in range(6):
        connection.push_volatile(text_frame(b"v%d" % number))
    assert port.metrics.volatile_dropped == 3
    assert read_all(connection, sock) == FIRST + b"".join(text_frame(b"v%d" % number) for number in (3, 4, 5))


def test_what_is_not_volatile_is_never_dropped() -> None:
    port, connection, sock = blocked(Settings(outbox_messages=3))
    connection.push_volatile(text_frame(b"typing"))
    for number in range(3):
        connection.push(text_frame(b"n%d" % number))
    assert (port.metrics.volatile_dropped, connection.state) == (1, State.OPEN)
    assert read_all(connection, sock) == FIRST + b"".join(text_frame(b"n%d" % number) for number in range(3))


def test_a_volatile_message_without_room_is_dropped_itself() -> None:
    port, connection, sock = blocked(Settings(outbox_messages=2))
    connection.push(text_frame(b"a"))
    connection.push(text_frame(b"b"))
    connection.push_volatile(text_frame(b"typing"))
    assert (port.metrics.volatile_dropped, connection.state) == (1, State.OPEN)
    assert read_all(connection, sock) == FIRST + text_frame(b"a") + text_frame(b"b")


@pytest.mark.parametrize("settings", [Settings(outbox_messages=3), Settings(outbox_limit=500)])
def test_too_much_that_is_not_volatile_closes_with_1013(settings: Settings) -> None:
    port, connection, sock = blocked(settings)
    for _ in range(4):
        connection.push_volatile(text_frame(b"v" * 130))
        connection.push(text_frame(b"n" * 130))
    assert connection.state is State.CLOSING
    assert port.metrics.slow_consumers == 1
    assert read_all(connection, sock) == FIRST + GOODBYE


def test_bytes_are_freed_by_dropping() -> None:
    port, connection, _ = blocked(Settings(outbox_limit=1_000))
    for _ in range(50):
        connection.push_volatile(text_frame(b"v" * 98))
    assert connection.state is State.OPEN
    assert port.metrics.volatile_dropped == 41


def test_messages_are_counted_only_while_the_client_reads_too_slowly() -> None:
    port = offline_port(Settings(outbox_messages=2))
    connection, sock = offline_connection(port)
    for _ in range(100):
        connection.push(FIRST)
    port.flush()
    assert sock.written == FIRST * 100


@given(
    pushes=st.lists(st.tuples(st.sampled_from(["push", "volatile", "read"]), st.integers(1, 40)), max_size=60),
    limit=st.integers(1, 10),
)
def test_what_is_written_is_whole_frames_in_order_with_only_volatile_ones_missing(
    pushes: list[tuple[str, int]], limit: int
) -> None:
    port, connection, sock = blocked(Settings(outbox_messages=limit))
    said: list[tuple[bytes, bool]] = [(FIRST, False)]
    for number, (kind, size) in enumerate(pushes):
        if connection.state is not State.OPEN:
            break
        if kind == "read":
            sock.room = size
            connection.writable()
            continue
        frame = text_frame(b"%d:" % number + b"x" * size)
        said.append((frame, kind == "volatile"))
        if kind == "push":
            connection.push(frame)
        else:
            connection.push_volatile(frame)
        port.flush()
    sock.room = math.inf
    connection.writable()
    port.flush()
    written = sock.written
    if connection.state is not State.OPEN:
        assert written.endswith(GOODBYE)
        written = written.removesuffix(GOODBYE)
        assert port.metrics.slow_consumers == 1
    missing = 0
    for frame, is_volatile in said:
        if written.startswith(frame):
            written = written.removeprefix(frame)
        else:
            missing += 1
            assert is_volatile or connection.state is not State.OPEN
    assert written == b""
    if connection.state is State.OPEN:
        assert missing == port.metrics.volatile_dropped


@given(parts=st.lists(st.binary(min_size=1, max_size=5), max_size=6), sent=st.integers(0, 40))
def test_parts_that_were_sent_are_removed_and_the_rest_stays(parts: list[bytes], sent: int) -> None:
    total = b"".join(parts)
    sent = min(sent, len(total))
    outbox = [*parts]
    begun = unsent(outbox, sent)  # type: ignore[arg-type]
    assert b"".join(outbox)[begun:] == total[sent:]
    assert not outbox or begun < len(outbox[0])


class Typing(Channel):
    """A channel of which one event is volatile."""

    volatile = frozenset({"typing"})


def channel(connection: Connection) -> Typing:
    connection.dialect = json_serializer(PLAIN)
    one = Typing()
    one.connection, one.topic, one.join_ref = connection, "room:1", "1"
    connection.port.pubsub.subscribe("room:1", connection)
    return one


@pytest.mark.parametrize("how", ["push", "broadcast", "broadcast_from"])
def test_volatile_events_of_a_channel_are_dropped_for_who_reads_slowly(how: str) -> None:
    port, slow, sock = blocked(Settings(outbox_messages=2))
    sender, sender_sock = offline_connection(port)
    one, other = channel(slow), channel(sender)
    speak = getattr(one if how == "push" else other, how)
    for number in range(5):
        speak("typing", number)
    speak("said", "lasts")
    port.flush()
    assert port.metrics.volatile_dropped == 4
    written = read_all(slow, sock)
    assert b'"typing",4' in written
    assert b'"said","lasts"' in written
    assert b'"typing",3' not in written
    if how == "broadcast":
        assert sender_sock.written.count(b"typing") == 5


def test_a_raw_handler_says_what_is_volatile() -> None:
    port, slow, sock = blocked(Settings(outbox_messages=2))
    handler = Handler()
    handler.connection = slow
    handler.subscribe("cursors")
    for number in range(3):
        handler.send_volatile(f"mine {number}")
        handler.broadcast_volatile("cursors", b"all %d" % number)
    handler.send("lasts")
    assert port.metrics.volatile_dropped == 5
    assert read_all(slow, sock) == FIRST + PLAIN.binary(b"all 2") + PLAIN.text(b"lasts")


def test_a_message_volatile_for_some_is_encoded_once_for_all() -> None:
    port, slow, _ = blocked(Settings())
    fast, fast_sock = offline_connection(port)
    for connection in (slow, fast):
        channel(connection)
    port.pubsub.broadcast("room:1", Broadcast("room:1", "typing", 1), Outbound.push_volatile)
    port.flush()
    assert slow.outbox == [FIRST, fast_sock.written]
