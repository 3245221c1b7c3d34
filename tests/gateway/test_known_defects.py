"""What WebSocket servers for trio have got wrong, on every transport of ours.

Eight defects were reproduced with trio-websocket 0.12; each is a sentence here, in the order of the table in
docs/design.md.
"""

from __future__ import annotations

import tracemalloc

import pytest
import trio

from regrow.gateway import Handler, Settings
from tests.support.misbehaving_handlers import Crashing, Fountain
from tests.support.serving import serving
from tests.support.socket_test import pass_time, skip_time, socket_test
from tests.support.wire import BINARY, CLOSE, CONTINUATION, PING, TEXT, client_close, client_frame, header, masked

pytestmark = pytest.mark.usefixtures("each_transport")

MIB = 1 << 20


@socket_test
async def test_1_a_handler_that_raises_ends_neither_the_server_nor_its_own_connection() -> None:
    async with serving({"/crashing": Crashing}) as served:
        client, other = await served.client("/crashing"), await served.client("/crashing")
        await client.send_text("crash", "after")
        assert await client.text() == "recovered from 'crash'"
        assert await client.text() == "1: 'after'"
        await other.send_text("unharmed")
        assert await other.text() == "1: 'unharmed'"


@socket_test
async def test_2_a_client_that_holds_tcp_after_a_message_over_the_limit_is_freed_after_the_close_timeout() -> None:
    async with serving(settings=Settings(max_message_size=1000, close_timeout=5)) as served:
        client = await served.client()
        await client.send(client_frame(BINARY, b"x" * 1001))
        assert await client.close_code() == 1009
        await pass_time(4)
        assert len(served.running.transport.connections) == 2
        await pass_time(3)
        assert len(served.running.transport.connections) == 1
        assert await client.is_ended()


@socket_test
async def test_3_empty_fragments_without_end_are_refused_before_they_cost_memory() -> None:
    async with serving() as served:
        client = await served.client()
        await client.send(client_frame(TEXT, fin=False))
        await served.settle()
        tracemalloc.start()
        flood = client_frame(CONTINUATION, fin=False) * 1000
        with pytest.raises(trio.BrokenResourceError):
            while True:
                await client.send(flood)
                skip_time(0.1)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 2 * MIB
        assert served.metrics.violations == 1


@socket_test
async def test_3_the_code_for_too_many_fragments_is_1009() -> None:
    async with serving(settings=Settings(max_fragments=1024)) as served:
        client = await served.client()
        await client.send(client_frame(TEXT, fin=False), client_frame(CONTINUATION, fin=False) * 1024)
        assert await client.close_code() == 1009


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (client_frame(TEXT, b"\xff"), 1007),
        (client_close(1000, b"\xff"), 1007),
        (client_frame(TEXT, b"x", mask=None), 1002),
        (client_frame(TEXT, b"x", rsv=4), 1002),
        (client_frame(PING, b"x", fin=False), 1002),
        (header(0x80 | PING, 126), 1002),
    ],
)
@socket_test
async def test_4_a_broken_rule_is_answered_with_a_close_frame_that_says_which(wire: bytes, code: int) -> None:
    async with serving() as served:
        client = await served.client()
        await client.send(wire)
        assert await client.close_code() == code
        assert await client.is_ended()


@socket_test
async def test_5_the_size_limit_counts_bytes_and_not_characters() -> None:
    async with serving(settings=Settings(max_message_size=MIB, outbox_limit=4 * MIB)) as served:
        fits = "\U0001f331" * (MIB // 4)
        client = await served.client()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send_text, fits)
            assert await client.text() == fits
        await client.send(header(0x80 | TEXT, 4 * MIB), masked("\U0001f331".encode() * 1000, b"mask"))
        assert await client.close_code() == 1009


@socket_test
async def test_6_a_header_that_promises_too_much_is_refused_without_waiting_for_the_payload() -> None:
    async with serving() as served:
        client = await served.client()
        await client.send(header(0x80 | BINARY, 2**62))
        assert await client.close_code() == 1009


class Restarting(Handler):
    """Closes with 1012 and is asked how it went."""

    closed_with: int | None = None

    def receive(self, frame: str | bytes) -> None:
        self.stop(1012, "back soon")

    def close(self, code: int | None, reason: str) -> None:
        type(self).closed_with = code


@socket_test
async def test_7_the_code_a_handler_closes_with_is_sent_and_known_and_nobody_waits_for_the_answer() -> None:
    Restarting.closed_with = None
    async with serving({"/restarting": Restarting}) as served:
        await served.settle()
        before = len(served.node.processes)
        client = await served.client("/restarting")
        await client.send_text("close")
        assert await client.close_code() == 1012
        await served.settle()
        assert len(served.node.processes) == before  # although the client has not answered
        assert Restarting.closed_with == 1012
        await client.say_goodbye(1012)
        assert await client.is_ended()


@socket_test
async def test_8_a_write_that_is_cut_off_ends_with_its_frame_and_nothing_is_written_inside_it() -> None:
    async with serving({"/fountain": Fountain}, Settings(outbox_limit=50_000, close_timeout=5)) as served:
        client = await served.client("/fountain", receive_buffer=4096)
        await client.send_text(str(32 * MIB), str(32 * MIB))
        await served.settle()
        assert served.metrics.slow_consumers == 1
        frames = [await client.frame()]
        while frames[-1].opcode != CLOSE:
            frames.append(await client.frame())
        assert {frame.payload for frame in frames[:-1]} == {b"x" * 1024}
        assert frames[-1].code == 1013
