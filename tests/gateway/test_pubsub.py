"""Topics and their subscribers: exact order, whatever is corked, shared, cut, blocked or closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from regrow.gateway._channels._json import json_serializer
from regrow.gateway._channels._messages import Broadcast
from regrow.gateway._handlers._handler import Handler
from regrow.gateway._serving._route import Route
from regrow.gateway._settings._settings import Settings
from regrow.gateway._transport._outbound import State
from regrow.gateway._wire._frames import binary_frame, close_frame, text_frame
from regrow.gateway._wire._framing import PLAIN, Framing
from tests.support.offline_port import FakeSocket, offline_connection, offline_port

if TYPE_CHECKING:
    from regrow.gateway._transport._connection import Connection
    from regrow.gateway._transport._readiness import ReadinessPort

TOPICS = st.sampled_from(["red", "blue"])
CLIENTS = st.integers(0, 3)
CLOSE = close_frame(1000)
SHOUTED = Framing(lambda payload: text_frame(b"!" + payload), lambda payload: binary_frame(b"!" + payload))
"""Some clients are written other bytes than the rest."""


@dataclass
class Client:
    connection: Connection
    sock: FakeSocket
    said: bytes = b""
    """What was said to it, in order."""
    topics: set[str] = field(default_factory=set[str])
    is_open: bool = True

    def hears(self, frame: bytes) -> None:
        if self.is_open:
            self.said += frame


class Broadcasting(RuleBasedStateMachine):
    """Any interleaving of what connections and topics can be asked, against frames written one by one."""

    @initialize()
    def open(self) -> None:
        self.port: ReadinessPort = offline_port()
        self.clients = [Client(*offline_connection(self.port)) for _ in range(4)]
        for client in self.clients[2:]:
            client.connection.dialect = SHOUTED
        self.frames = iter(range(1_000_000))

    def frame(self) -> bytes:
        return text_frame(b"%d" % next(self.frames))

    @rule(client=CLIENTS)
    def push(self, client: int) -> None:
        frame = self.frame()
        self.clients[client].connection.push(frame)
        self.clients[client].hears(frame)

    @rule(topic=TOPICS)
    def broadcast(self, topic: str) -> None:
        message = str(next(self.frames))
        self.port.raw_pubsub.broadcast(topic, message)
        for client in self.clients:
            if topic in client.topics:
                client.hears(client.connection.dialect.broadcast(message))

    @rule(topic=TOPICS, sender=CLIENTS)
    def broadcast_from(self, topic: str, sender: int) -> None:
        message = str(next(self.frames))
        self.port.raw_pubsub.broadcast_from(self.clients[sender].connection, topic, message)
        for number, client in enumerate(self.clients):
            if topic in client.topics and number != sender:
                client.hears(client.connection.dialect.broadcast(message))

    @rule(topic=TOPICS, client=CLIENTS)
    def subscribe(self, topic: str, client: int) -> None:
        if self.clients[client].is_open:
            self.port.raw_pubsub.subscribe(topic, self.clients[client].connection)
            self.clients[client].topics.add(topic)

    @rule(topic=TOPICS, client=CLIENTS)
    def unsubscribe(self, topic: str, client: int) -> None:
        self.port.raw_pubsub.unsubscribe(topic, self.clients[client].connection)
        self.clients[client].topics.discard(topic)

    @rule(client=CLIENTS)
    def close(self, client: int) -> None:
        self.clients[client].connection.close(1000)
        self.clients[client].hears(CLOSE)
        self.clients[client].is_open = False

    @rule(client=CLIENTS, room=st.integers(0, 12))
    def fill(self, client: int, room: int) -> None:
        self.clients[client].sock.room = room

    @rule(client=CLIENTS, room=st.integers(1, 12) | st.just(float("inf")))
    def drain(self, client: int, room: float) -> None:
        self.clients[client].sock.room = room
        if self.clients[client].connection.is_blocked:
            self.clients[client].connection.writable()

    @rule()
    def flush(self) -> None:
        self.port.flush()

    @invariant()
    def nothing_is_written_but_what_was_said(self) -> None:
        for client in getattr(self, "clients", []):
            assert client.said.startswith(client.sock.written)

    @invariant()
    def subscribers_are_counted(self) -> None:
        for topic in ("red", "blue"):
            expected = sum(topic in client.topics for client in getattr(self, "clients", []))
            assert not hasattr(self, "port") or self.port.raw_pubsub.subscribers(topic) == expected

    def teardown(self) -> None:
        if not hasattr(self, "clients"):
            return
        self.port.flush()
        for client in self.clients:
            client.sock.room = float("inf")
            if client.connection.is_blocked:
                client.connection.writable()
        for client in self.clients:
            assert client.sock.written == client.said
            assert client.connection.outbox is None


TestBroadcasting = Broadcasting.TestCase
TestBroadcasting.settings = settings(max_examples=300, stateful_step_count=30, deadline=None)


def test_a_subscription_that_is_there_twice_is_written_once() -> None:
    port = offline_port()
    connection, sock = offline_connection(port)
    port.raw_pubsub.subscribe("t", connection)
    port.raw_pubsub.subscribe("t", connection)
    port.raw_pubsub.broadcast("t", "x")
    port.flush()
    assert sock.written == text_frame(b"x")


def test_a_connection_that_is_gone_has_left_its_topics() -> None:
    port = offline_port()
    connection, _ = offline_connection(port)
    for topic in ("red", "blue"):
        port.raw_pubsub.subscribe(topic, connection)
    port.discard(connection)
    assert [port.raw_pubsub.subscribers(topic) for topic in ("red", "blue")] == [0, 0]
    assert connection.groups == ()


def test_what_is_broadcast_because_a_write_failed_reaches_those_that_are_left() -> None:
    class Mourned(Handler):
        @classmethod
        def ended(cls, connection: Connection) -> None:
            connection.port.raw_pubsub.broadcast("t", "gone")

    port = offline_port()
    clients = [offline_connection(port) for _ in range(2)]
    for connection, _ in clients:
        connection.route = Route(Mourned, 0)
        port.raw_pubsub.subscribe("t", connection)
    broken, sock = offline_connection(port)
    broken.route = Route(Mourned, 0)
    sock.is_broken = True
    clients[0][0].push(text_frame(b"first"))
    broken.push(text_frame(b"to nobody"))
    port.raw_pubsub.broadcast("t", "hello")
    port.flush()
    both = text_frame(b"hello") + text_frame(b"gone")
    assert [sock.written for _, sock in clients] == [text_frame(b"first") + both, both]


def test_a_slow_reader_is_cut_off_behind_the_frame_it_is_in_the_middle_of() -> None:
    port = offline_port(Settings(outbox_limit=1000))
    slow, sock = offline_connection(port)
    bystander, other = offline_connection(port)
    for connection in (slow, bystander):
        port.raw_pubsub.subscribe("t", connection)
    frame = text_frame(b"x" * 300)
    sock.room = 310
    for _ in range(5):
        port.raw_pubsub.broadcast("t", "x" * 300)
        port.flush()
    assert slow.state is State.CLOSING
    sock.room = float("inf")
    slow.writable()
    assert sock.written == frame + frame + close_frame(1013, "you read too slowly")
    assert other.written == frame * 5
    assert port.metrics.slow_consumers == 1


def test_a_reader_that_is_cut_off_between_two_frames_gets_the_close_frame_there() -> None:
    port = offline_port(Settings(outbox_limit=1000))
    slow, sock = offline_connection(port)
    frame = text_frame(b"x" * 300)
    sock.room = len(frame)
    for _ in range(5):
        slow.push(frame)
    port.flush()
    assert slow.state is State.CLOSING
    sock.room = float("inf")
    slow.writable()
    assert sock.written == frame + close_frame(1013, "you read too slowly")


def test_a_message_that_is_intercepted_goes_to_the_members_process_and_is_not_written() -> None:
    asked: list[object] = []
    port = offline_port()
    plain, heard = offline_connection(port)
    asking, silent = offline_connection(port)
    for connection in (plain, asking):
        connection.dialect = json_serializer(PLAIN)
    port.pubsub.subscribe("t", plain)
    port.pubsub.subscribe("t", asking, frozenset(("said",)), asked.append)
    port.pubsub.broadcast("t", Broadcast("t", "said", 1))
    port.pubsub.broadcast("t", Broadcast("t", "else", 2))
    port.pubsub.broadcast_from(asking, "t", Broadcast("t", "said", 3))
    port.flush()
    assert asked == [Broadcast("t", "said", 1)]
    frames = {n: text_frame(b'[null,null,"t","%s",%d]' % (b"else" if n == 2 else b"said", n)) for n in (1, 2, 3)}
    assert heard.written == frames[1] + frames[2] + frames[3]
    assert silent.written == frames[2]


def test_an_empty_topic_is_forgotten() -> None:
    port = offline_port()
    connection, _ = offline_connection(port)
    port.pubsub.subscribe("t", connection)
    port.pubsub.unsubscribe("t", connection)
    assert port.pubsub._topics == {}


def test_raw_topics_and_those_of_channels_share_no_names() -> None:
    port = offline_port()
    connection, sock = offline_connection(port)
    port.raw_pubsub.subscribe("t", connection)
    port.pubsub.broadcast("t", Broadcast("t", "said", 1))
    port.flush()
    assert sock.written == b""
