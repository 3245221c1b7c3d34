"""Sockets under attack: section 5 of the gateway's threat list, each with a bystander that must notice nothing."""

from __future__ import annotations

from typing import NoReturn

import pytest
import trio

from regrow.gateway import Handler, Settings
from tests.support.misbehaving_handlers import Fountain, Mourning, Waiting
from tests.support.raw_client import RawClient, upgrade_request
from tests.support.serving import serving
from tests.support.socket_test import pass_time, skip_time, socket_test
from tests.support.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    ServerFrame,
    client_close,
    client_frame,
    header,
)

pytestmark = pytest.mark.usefixtures("each_transport")

SETTINGS = Settings(max_message_size=1000, max_fragments=10)

FLOOD = client_frame(BINARY, fin=False) + client_frame(CONTINUATION, fin=False) * 10

VIOLATIONS = {
    "2^62 bytes declared": (header(0x80 | TEXT, 2**62), 1009),
    "a byte too many declared": (header(0x80 | BINARY, 1001), 1009),
    "fragments too big together": (client_frame(TEXT, b"x" * 999, fin=False) + header(CONTINUATION, 2), 1009),
    "fragment flood": (FLOOD, 1009),
    "unmasked": (client_frame(TEXT, b"x", mask=None), 1002),
    "reserved bit": (client_frame(TEXT, b"x", rsv=4), 1002),
    "reserved opcode": (client_frame(0x3), 1002),
    "reserved control opcode": (client_frame(0xB), 1002),
    "fragmented ping": (client_frame(PING, fin=False), 1002),
    "long ping": (header(0x80 | PING, 126), 1002),
    "stray continuation": (client_frame(CONTINUATION), 1002),
    "interleaved message": (client_frame(TEXT, fin=False) + client_frame(TEXT), 1002),
    "invalid UTF-8": (client_frame(TEXT, b"\xff"), 1007),
    "invalid UTF-8 in a fragment": (client_frame(TEXT, b"\xff", fin=False), 1007),
    "invalid UTF-8 in a reason": (client_close(1000, b"\xff"), 1007),
    "close with one byte": (client_frame(CLOSE, b"\x03"), 1002),
    **{f"close code {code}": (client_close(code), 1002) for code in (0, 999, 1004, 1005, 1006, 1015, 2000, 5000)},
}


@pytest.mark.parametrize(("wire", "code"), VIOLATIONS.values(), ids=VIOLATIONS.keys())
@socket_test
async def test_a_violation_is_answered_with_its_code_behind_the_messages_before_it(wire: bytes, code: int) -> None:
    async with serving(settings=SETTINGS) as served:
        client = await served.client()
        await client.send(client_frame(TEXT, b"before"), wire, client_frame(TEXT, b"behind"))
        assert await client.text() == "before"
        assert await client.close_code() == code
        assert await client.is_ended()
        assert served.metrics.violations == 1


@pytest.mark.parametrize(("wire", "code"), VIOLATIONS.values(), ids=VIOLATIONS.keys())
@socket_test
async def test_a_violation_that_comes_a_byte_at_a_time_has_the_same_code(wire: bytes, code: int) -> None:
    async with serving(settings=SETTINGS) as served:
        client = await served.client()
        for at in range(len(wire)):
            try:
                await client.send(wire[at : at + 1])
            except trio.BrokenResourceError:
                break
        assert await client.close_code() == code


@pytest.mark.parametrize("code", [1000, 1001, 1011, 3000, 4999, None])
@socket_test
async def test_a_close_frame_is_echoed_behind_what_was_asked_before_and_ends_tcp(code: int | None) -> None:
    async with serving() as served:
        client = await served.client()
        await client.send(client_frame(TEXT, b"last"), client_close(code), client_frame(TEXT, b"too late"))
        assert await client.text() == "last"
        assert await client.close_code() == code
        assert await client.is_ended()


@socket_test
async def test_a_ping_between_fragments_is_answered_and_pongs_are_ignored() -> None:
    async with serving() as served:
        client = await served.client()
        await client.send(
            client_frame(TEXT, b"a", fin=False),
            client_frame(PING, b"!"),
            client_frame(PONG),
            client_frame(CONTINUATION),
        )
        assert await client.frame() == ServerFrame(PONG, b"!")
        assert await client.text() == "a"


@socket_test
async def test_a_ping_flood_is_answered_in_order() -> None:
    async with serving() as served:
        client = await served.client()
        pings = [b"%d" % number for number in range(1000)]
        await client.send(*(client_frame(PING, payload) for payload in pings))
        assert [(await client.frame()).payload for _ in pings] == pings


@socket_test
async def test_a_ping_flooder_that_does_not_read_is_cut_off_instead_of_growing_the_server() -> None:
    async with serving(settings=Settings(outbox_limit=10_000)) as served:
        client = await served.client(receive_buffer=4096)
        with pytest.raises(trio.BrokenResourceError):  # it is aborted once closing has taken too long
            await _flood(client)
        assert served.metrics.slow_consumers == 1


async def _flood(client: RawClient) -> NoReturn:
    while True:
        await client.send(client_frame(PING, b"x" * 125) * 500)
        skip_time(0.1)


@socket_test
async def test_a_client_that_half_closes_without_a_close_frame_is_gone() -> None:
    async with serving() as served:
        client = await served.client()
        await client.stream.send_eof()
        assert await client.is_ended()
        assert served.metrics.lost == 1


@socket_test
async def test_a_client_that_resets_is_gone() -> None:
    async with serving() as served:
        client = await served.client()
        await client.reset()
        bystander = await served.client()
        assert await bystander.echoes()
        assert served.metrics.lost == 1


class Leaving(Handler):
    """Says goodbye when asked."""

    def receive(self, frame: str | bytes) -> None:
        self.send(frame)
        if frame == "bye":
            self.stop(4000, "as you wish")


@socket_test
async def test_what_a_client_says_after_our_goodbye_is_not_served() -> None:
    async with serving({"/leaving": Leaving}) as served:
        client = await served.client("/leaving")
        await client.send_text("bye", "in the same read")
        assert await client.text() == "bye"
        assert await client.frame() == ServerFrame(CLOSE, (4000).to_bytes(2) + b"as you wish")
        await client.send_text("later")
        await client.say_goodbye(4000)
        assert await client.is_ended()


@pytest.mark.parametrize("noise", [b"", client_frame(PING) * 1000, client_frame(TEXT, b"x", fin=False)])
@socket_test
async def test_a_client_that_ignores_our_goodbye_is_aborted(noise: bytes) -> None:
    async with serving({"/leaving": Leaving}, Settings(close_timeout=5)) as served:
        client = await served.client("/leaving")
        await client.send_text("bye")
        assert await client.text() == "bye"
        assert await client.close_code() == 4000
        await client.send(noise)
        await pass_time(4)
        assert len(served.running.transport.connections) == 2
        await pass_time(3)
        assert len(served.running.transport.connections) == 1
        assert await client.is_ended()


@socket_test
async def test_a_client_that_ignores_the_answer_to_its_violation_is_aborted() -> None:
    async with serving(settings=Settings(close_timeout=5)) as served:
        client = await served.client()
        await client.send(client_frame(TEXT, b"\xff"))
        assert await client.close_code() == 1007
        await pass_time(7)
        assert len(served.running.transport.connections) == 1


@socket_test
async def test_a_slow_consumer_gets_whole_frames_and_then_1013() -> None:
    async with serving({"/fountain": Fountain}, Settings(outbox_limit=100_000)) as served:
        client = await served.client("/fountain", receive_buffer=4096)
        await client.send_text(str(64 * 1024 * 1024))
        await pass_time(0)
        assert served.metrics.slow_consumers == 1
        frame = await client.frame()
        while frame.opcode == BINARY:
            assert frame.payload == b"x" * 1024
            frame = await client.frame()
        assert frame.code == 1013


@socket_test
async def test_a_consumer_that_reads_in_time_gets_everything() -> None:
    async with serving({"/fountain": Fountain}, Settings(outbox_limit=100_000_000)) as served:
        client = await served.client("/fountain", receive_buffer=4096)
        await client.send_text(str(16 * 1024 * 1024))
        for _ in range(16 * 1024):
            assert (await client.frame()).payload == b"x" * 1024
        await client.send_text("1024")
        assert (await client.frame()).payload == b"x" * 1024


@socket_test
async def test_a_client_that_was_reset_while_its_process_waits_costs_no_turn_of_the_tick() -> None:
    Waiting.go = trio.Event()
    async with serving({"/waiting": Waiting}) as served:
        client = await served.client("/waiting")
        await client.send_text("one")
        await served.settle()
        await client.send_text("two")  # nobody reads it
        await served.settle()
        await client.reset()
        await pass_time(0)  # hangs if the gateway turns in circles
        Waiting.go.set()


@socket_test
async def test_messages_behind_one_that_is_being_handled_wait_in_the_kernel() -> None:
    Waiting.go = trio.Event()
    async with serving({"/waiting": Waiting}) as served:
        client = await served.client("/waiting")
        for text in ("one", "two", "three"):
            await client.send_text(text)
            await served.settle()
        assert served.metrics.received == 1
        Waiting.go.set()
        assert [await client.text() for _ in range(3)] == ["one", "two", "three"]


# Message rates.


@socket_test
async def test_a_client_within_its_rate_is_served_for_ever() -> None:
    async with serving(settings=Settings(message_rate=10, message_burst=5)) as served:
        client = await served.client()
        for _ in range(10):
            for number in range(5):
                assert await client.echoes(str(number))
            await pass_time(0.5)


@socket_test
async def test_a_message_over_the_rate_is_not_served_and_a_client_that_goes_on_is_closed_with_1008() -> None:
    async with serving(settings=Settings(message_rate=10, message_burst=5)) as served:
        client = await served.client()
        await client.send_text(*map(str, range(8)))
        assert [await client.text() for _ in range(5)] == list("01234")
        await client.send_text(*map(str, range(8)))
        assert await client.close_code() == 1008
        assert await client.is_ended()


@socket_test
async def test_a_client_that_was_over_its_rate_is_served_again_once_it_has_waited() -> None:
    async with serving(settings=Settings(message_rate=10, message_burst=5)) as served:
        client = await served.client()
        await client.send_text(*map(str, range(8)))
        assert [await client.text() for _ in range(5)] == list("01234")
        await pass_time(1)
        assert await client.echoes()


# The server's own faults.


@socket_test
async def test_a_handler_that_raises_once_its_connection_is_gone_harms_nobody() -> None:
    async with serving({"/mourning": Mourning}) as served:
        client = await served.client("/mourning")
        await client.say_goodbye()
        assert await client.close_code() == 1000
        assert await client.is_ended()


@socket_test
async def test_pongs_in_the_segment_of_the_request_come_behind_the_answer_to_it() -> None:
    async with serving() as served:
        client = await served.connect()
        await client.send(upgrade_request(), client_frame(PING, b"1"), client_frame(PING, b"2"))
        assert await client.status() == 101
        assert [(await client.frame()).payload for _ in range(2)] == [b"1", b"2"]
