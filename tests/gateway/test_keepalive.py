"""Clients that say nothing: pinged, and closed if they do not answer or if they are idle for too long."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from regrow.gateway import Settings, Socket, State
from regrow.gateway._serving._route import Route
from regrow.gateway._transport._keepalive import HEARD, PINGED, SILENT, SPOKE, Verdict, judge
from regrow.gateway._wire._frames import close_frame, ping_frame
from tests.support.channels import ObedientSocket
from tests.support.misbehaving_handlers import Fountain, Waiting
from tests.support.offline_port import offline_connection, offline_port
from tests.support.phoenix_client import PATH, PhoenixClient, message, ok
from tests.support.serving import serving
from tests.support.socket_test import pass_time, socket_test
from tests.support.wire import PING, PONG, client_frame

if TYPE_CHECKING:
    from tests.support.raw_client import RawClient


DEADLINES = (15.0, 20.0, 60.0)


@pytest.mark.parametrize(
    ("mark", "silence", "idleness", "verdict"),
    [
        (SILENT, 14.9, 0, Verdict.NOTHING),
        (SILENT, 15, 0, Verdict.PING),
        (PINGED, 19.9, 0, Verdict.NOTHING),
        (PINGED, 20, 0, Verdict.END_SILENT),
        (SILENT, 0, 60, Verdict.END_IDLE),
        (PINGED, 5, 60, Verdict.END_IDLE),
    ],
)
def test_the_table_of_deadlines(mark: int, silence: float, idleness: float, verdict: Verdict) -> None:
    assert judge(mark, silence, idleness, DEADLINES) is verdict


async def seconds(count: int) -> None:
    """Let time pass, a second at a time, as it does for the sweep."""
    for _ in range(count):
        await pass_time(1)


async def answer(client: RawClient) -> None:
    """Wait for a ping and answer it."""
    frame = await client.frame()
    assert frame.opcode == PING
    await client.send(client_frame(PONG, frame.payload))


@socket_test
async def test_a_client_that_does_not_answer_is_found_within_both_deadlines() -> None:
    async with serving(settings=Settings(ping_interval=20, ping_timeout=20)) as served:
        bystander = served._clients[0]
        client = await served.client()
        await seconds(21)
        assert (await client.frame()).opcode == PING
        await answer(bystander)
        await seconds(20)
        assert await client.close_code() == 1011
        assert served.metrics.silent == 1
        await answer(bystander)
        await seconds(6)
        assert await client.is_ended()  # a client that answers nothing does not answer the goodbye either


@socket_test
async def test_a_client_that_answers_pings_and_says_nothing_else_may_stay_on_a_raw_handler() -> None:
    async with serving(settings=Settings(ping_interval=20, ping_timeout=20, idle_timeout=60)) as served:
        bystander = served._clients[0]
        for _ in range(8):
            await seconds(20)
            await answer(bystander)
        assert served.metrics.silent == served.metrics.idle == 0


@socket_test
async def test_whoever_talks_is_not_pinged() -> None:
    async with serving(settings=Settings(ping_interval=20, ping_timeout=20, message_rate=math.inf)) as served:
        (bystander,) = served._clients
        for _ in range(12):
            await seconds(10)
            assert await bystander.echoes()


@socket_test
async def test_a_socket_without_heartbeats_is_closed_though_it_answers_pings() -> None:
    async with serving({"/socket/websocket": ObedientSocket}, Settings(idle_timeout=60)) as served:
        client = await PhoenixClient.open(served)
        (bystander, _) = served._clients
        for _ in range(3):
            await seconds(20)
            await answer(client.raw)
            await answer(bystander)
        for _ in range(3):
            await seconds(10)
            assert await bystander.echoes()
        while (frame := await client.raw.frame()).opcode == PING:
            pass
        assert frame.code == 1001
        assert served.metrics.idle == 1


@socket_test
async def test_a_heartbeat_every_half_minute_keeps_a_socket_open() -> None:
    settings = Settings(idle_timeout=60, ping_interval=math.inf)
    async with serving({"/socket/websocket": ObedientSocket}, settings) as served:
        client = await PhoenixClient.open(served)
        for beat in map(str, range(8)):
            await seconds(30)
            assert await client.ask(message(None, beat, "phoenix", "heartbeat")) == ok(None, beat, "phoenix")
        assert served.metrics.idle == 0


@socket_test
async def test_without_deadlines_nobody_is_asked() -> None:
    settings = Settings(ping_interval=math.inf, idle_timeout=math.inf)
    async with serving({"/socket/websocket": ObedientSocket}, settings) as served:
        client = await PhoenixClient.open(served, PATH)
        await seconds(5)
        await pass_time(10_000)
        assert await client.hears_nothing_more()


@socket_test
async def test_a_client_whose_process_is_slow_is_pinged_but_not_judged() -> None:
    Waiting.go = trio.Event()
    async with serving({"/waiting": Waiting}, Settings(ping_interval=20, ping_timeout=20)) as served:
        (bystander,) = served._clients
        client = await served.client("/waiting")
        await client.send_text("one")
        await served.settle()
        await client.send_text("two")
        for _ in range(5):
            await seconds(20)
            await answer(bystander)
        Waiting.go.set()
        frames = [await client.frame()]
        while frames[-1].payload != b"two":
            frames.append(await client.frame())
        assert frames[0].opcode == PING
        assert [frame.payload for frame in frames if frame.opcode != PING] == [b"one", b"two"]
        assert served.metrics.silent == 0


@socket_test
async def test_a_client_that_is_gone_is_found_by_the_ping_though_it_is_not_read() -> None:
    Waiting.go = trio.Event()
    async with serving({"/waiting": Waiting}, Settings(ping_interval=20, ping_timeout=20)) as served:
        (bystander,) = served._clients
        client = await served.client("/waiting")
        await client.send_text("one")
        await served.settle()
        await client.send_text("two")
        await served.settle()
        await client.aclose()
        await seconds(20)
        await answer(bystander)
        await served.settle()
        await seconds(20)
        await answer(bystander)
        assert served.metrics.lost == 1
        Waiting.go.set()


def test_a_round_looks_at_a_part_of_the_connections_with_each_sweep() -> None:
    port = offline_port(Settings(ping_interval=20, ping_timeout=20))
    clock = [0.0]
    port.now = lambda: clock[0]
    connections = [offline_connection(port)[0] for _ in range(1000)]
    port.sweep()  # the rounds begin
    counts: list[int] = []
    for _ in range(5):
        clock[0] += 1
        before = sum(connection.heard == SPOKE for connection in connections)
        port.sweep()
        counts.append(before - sum(connection.heard == SPOKE for connection in connections))
    assert counts == [200] * 5


@given(
    steps=st.lists(st.sampled_from(["second", "bytes", "message"]), max_size=200),
    bystanders=st.integers(0, 30),
)
def test_no_client_is_ended_before_its_time_and_none_much_later(steps: list[str], bystanders: int) -> None:
    """The reference keeps exact times; a sweep comes every second and a round takes five."""
    port = offline_port(Settings(ping_interval=20, ping_timeout=20, idle_timeout=60))
    clock = [0.0]
    port.now = lambda: clock[0]
    connection, sock = offline_connection(port)
    connection.route = Route(Socket, 0)
    for _ in range(bystanders):
        offline_connection(port)
    port.sweep()
    heard_at = spoke_at = 0.0
    pinged_at: float | None = None
    for step in [*steps, *["second"] * 80]:
        if step == "second":
            clock[0] += 1
            port.sweep()
            port.flush()
        else:
            heard_at, pinged_at = clock[0], None
            if step == "message":
                spoke_at = clock[0]
                connection.heard = SPOKE
            else:
                connection.heard = max(connection.heard, HEARD)
        said, sock.written = sock.written, b""
        if said == ping_frame(b"?"):
            assert 15 <= clock[0] - heard_at <= 20
            pinged_at = clock[0]
        elif said == close_frame(1011, "you did not answer a ping"):
            assert pinged_at is not None
            assert 20 <= clock[0] - pinged_at <= 25
            assert clock[0] - heard_at <= 40
            break
        elif said == close_frame(1001, "you were idle for too long"):
            assert 60 <= clock[0] - spoke_at <= 70
            break
        else:
            assert said == b""
    assert connection.state is State.CLOSING
    assert port.metrics.silent + port.metrics.idle >= 1


def test_a_full_socket_is_not_judged_by_its_silence() -> None:
    port = offline_port(Settings(ping_interval=20, ping_timeout=20, write_timeout=math.inf))
    clock = [0.0]
    port.now = lambda: clock[0]
    connection, sock = offline_connection(port)
    sock.room = 0
    connection.push(b"x" * 100)
    port.flush()
    assert connection.is_blocked
    for _ in range(100):
        clock[0] += 1
        port.sweep()
    assert connection.state is State.OPEN


def test_a_client_that_takes_nothing_is_reset() -> None:
    port = offline_port(Settings(write_timeout=10))
    clock = [0.0]
    port.now = lambda: clock[0]
    stuck, sock = offline_connection(port)
    slow, slow_sock = offline_connection(port)
    for each in (sock, slow_sock):
        each.room = 0
    stuck.push(b"x" * 100)
    slow.push(b"x" * 100)
    port.flush()
    for _ in range(12):
        clock[0] += 1
        slow_sock.room = 1
        slow.writable()
        stuck.writable()
        port.sweep()
    assert (stuck.state, slow.state) == (State.CLOSED, State.OPEN)
    assert port.metrics.stalled == 1
    assert port.blocked == {slow: 12.0}
    slow_sock.room = math.inf
    slow.writable()
    assert port.blocked == {}


@socket_test
async def test_a_client_that_never_reads_is_reset_and_its_handler_told() -> None:
    settings = Settings(outbox_limit=2**30, outbox_messages=math.inf, write_timeout=10, ping_interval=math.inf)
    async with serving({"/fountain": Fountain}, settings) as served:
        client = await served.client("/fountain", receive_buffer=4096)
        await client.send_text(str(20_000_000))
        await served.settle()
        await seconds(12)
        assert served.metrics.stalled == 1
        assert len(served.running.transport.connections) == 1
