"""The frames of presence: in order with everything else of a tick, and made no oftener than they must be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from regrow.gateway._channels._json import json_serializer
from regrow.gateway._channels._messages import Broadcast
from regrow.gateway._wire._frames import binary_frame, text_frame
from regrow.gateway._wire._framing import PLAIN, Framing
from tests.support.offline_port import offline_connection, offline_port
from tests.support.presence_client import PresenceClient, everyone
from tests.support.wire import parse_frame

if TYPE_CHECKING:
    from regrow.actors import Pid
    from regrow.gateway._transport._connection import Connection
    from regrow.gateway._transport._readiness import ReadinessPort
    from tests.support.offline_port import FakeSocket

JSON = json_serializer(PLAIN)
SHOUTED = json_serializer(
    Framing(lambda payload: text_frame(b" " + payload), lambda payload: binary_frame(b" " + payload))
)


class FakeProcess:
    """Lives until a test says otherwise."""

    def __init__(self) -> None:
        self.process: FakeProcess | None = self
        self.holdings: set[Any] = set()
        self.hold = self.holdings.add
        self.let_go = self.holdings.discard

    def die(self) -> None:
        for holding in self.holdings:
            holding.holder_died(self)


def process() -> tuple[FakeProcess, Pid]:
    fake = FakeProcess()
    return fake, cast("Pid", fake)


def member(port: ReadinessPort, dialect: Any = JSON) -> tuple[Connection, FakeSocket]:
    connection, sock = offline_connection(port)
    connection.dialect = dialect
    port.pubsub.subscribe("t", connection)
    return connection, sock


def messages(sock: FakeSocket) -> list[list[Any]]:
    heard: list[list[Any]] = []
    rest = sock.written
    while rest:
        parsed = parse_frame(rest)
        assert parsed is not None
        frame, rest = parsed
        heard.append(json.loads(frame.payload))
    return heard


def events(sock: FakeSocket) -> list[str]:
    return [heard[3] for heard in messages(sock)]


def test_a_diff_is_written_behind_everything_else_its_tick_said() -> None:
    port = offline_port()
    (connection, sock), (_, other) = member(port), member(port)
    _, pid = process()
    port.pubsub.broadcast("t", Broadcast("t", "first", 1))
    port.presence.track(pid, "t", "ann", {})
    port.pubsub.broadcast("t", Broadcast("t", "second", 2))
    connection.push(port.presence.state("t", connection.dialect))
    port.flush()
    assert events(sock) == ["first", "second", "presence_state", "presence_diff"]
    assert events(other) == ["first", "second", "presence_diff"]


def test_a_tick_in_which_presence_speaks_first_leaves_no_batch_open() -> None:
    port = offline_port()
    (_, sock), (_, other) = member(port), member(port)
    _, pid = process()
    port.presence.track(pid, "t", "ann", {})
    port.flush()
    port.presence.untrack(pid, "t", "ann")
    port.pubsub.broadcast("u", Broadcast("u", "elsewhere", 0))
    port.flush()
    port.pubsub.broadcast("t", Broadcast("t", "later", 1))
    port.flush()
    assert events(sock) == events(other) == ["presence_diff", "presence_diff", "later"]


def test_what_is_broadcast_while_diffs_are_written_reaches_everyone() -> None:
    """The topic's batch is closed before the first write, although it was opened behind the cork's last word."""
    port = offline_port()
    _, sock = member(port)
    broken, bad = offline_connection(port)
    bad.is_broken = True
    broken.route = cast("Any", _Mourned())
    _, pid = process()
    port.pubsub.broadcast("t", Broadcast("t", "hello", 1))
    port.presence.track(pid, "t", "ann", {})
    broken.push(b"to nobody")
    port.flush()
    assert events(sock) == ["hello", "presence_diff", "gone"]


class _Mourned:
    def ended(self, connection: Connection) -> None:
        connection.port.pubsub.broadcast("t", Broadcast("t", "gone", 1))


def test_there_is_something_to_write_as_soon_as_anything_has_changed() -> None:
    port = offline_port()
    _, pid = process()
    assert not port.has_spoken
    port.presence.track(pid, "t", "ann", {})
    assert port.has_spoken
    port.flush()
    assert not port.has_spoken


def test_a_thousand_who_join_a_large_topic_in_a_tick_have_one_list_encoded_for_each_dialect() -> None:
    port = offline_port()
    processes = [process() for _ in range(1_300)]
    for number, (_, pid) in enumerate(processes[:200]):
        port.presence.track(pid, "t", f"user{number}", {})
    port.flush()
    frames: dict[Any, set[int]] = {JSON: set(), SHOUTED: set()}
    clients: list[tuple[FakeSocket, PresenceClient]] = []
    for number, (_, pid) in enumerate(processes[200:1_200], 200):
        dialect = JSON if number % 2 else SHOUTED
        connection, sock = member(port, dialect)
        port.presence.track(pid, "t", f"user{number}", {})
        frame = port.presence.state("t", dialect)
        frames[dialect].add(id(frame))
        connection.push(frame)
        clients.append((sock, PresenceClient()))
        if number % 3 == 0:
            processes[number - 150][0].die()
    assert {len(made) for made in frames.values()} == {1}
    port.flush()
    there = everyone(port.presence.list("t"))
    assert len(there) == 1_200 - 333
    for sock, client in clients[::50]:
        for heard in messages(sock):
            client.hear_state(heard[4]) if heard[3] == "presence_state" else client.hear_diff(heard[4])
        assert everyone(client.state) == there


def test_the_list_of_a_small_topic_has_everyone_who_is_there_when_it_is_pushed() -> None:
    port = offline_port()
    for number in range(50):
        port.presence.track(process()[1], "t", f"user{number}", {})
        frame, _ = _parsed(port.presence.state("t", JSON))
        assert len(frame) == number + 1
        assert port.presence.state("t", JSON) is port.presence.state("t", JSON)


def _parsed(frame: bytes) -> tuple[dict[str, Any], bytes]:
    parsed = parse_frame(frame)
    assert parsed is not None
    return json.loads(parsed[0].payload)[4], parsed[1]


def test_a_list_of_an_earlier_tick_is_not_used_again() -> None:
    port = offline_port()
    _, pid = process()
    port.presence.track(pid, "t", "ann", {})
    port.presence.state("t", JSON)
    port.flush()
    assert port.presence._states == {}


def test_the_list_of_a_topic_where_nobody_is_shown_is_empty() -> None:
    port = offline_port()
    assert _parsed(port.presence.state("t", JSON)) == ({}, b"")
    assert port.presence._topics == {}


def test_refs_are_never_the_same_on_two_gateways() -> None:
    refs = [offline_port().presence.track(process()[1], "t", "ann", {}) for _ in range(2)]
    assert refs[0] != refs[1]


def test_a_process_holds_nothing_of_a_topic_it_has_left() -> None:
    port = offline_port()
    fake, pid = process()
    port.presence.track(pid, "t", "ann", {})
    port.presence.update(pid, "t", "ann", {"n": 1})
    assert len(fake.holdings) == 1
    port.presence.untrack(pid, "t", "ann")
    assert fake.holdings == set()
    port.flush()
    assert port.presence._topics == {}
