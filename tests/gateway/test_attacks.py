"""Clients that hold on to what the gateway lends them: descriptors, memory, time. A bystander must notice nothing."""

from __future__ import annotations

import gc
import socket
import struct
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from regrow.gateway import Page, Settings
from regrow.gateway._wire._decoder import Decoder
from tests.support.channels import ObedientSocket
from tests.support.phoenix_client import PhoenixClient, join, ok
from tests.support.raw_client import upgrade_request
from tests.support.serving import serving
from tests.support.socket_test import pass_time, socket_test
from tests.support.wire import CONTINUATION, TEXT, client_frame, header

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("each_transport")

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def grown(work: Callable[[], object]) -> int:
    """Bytes that are held after some work and were not before it."""
    gc.collect()
    tracemalloc.start()
    try:
        _kept = work()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


# Descriptors and time.


@socket_test
async def test_requests_that_never_end_take_one_address_twice_its_connections_and_no_more() -> None:
    settings = Settings(max_connections_per_address=10, handshake_timeout=10)
    async with serving(settings=settings) as served:
        slow = [await served.connect(source="127.0.0.6") for _ in range(20)]
        for client in slow:
            await client.send(b"GET /echo HTTP/1.1\r\nHost:")
        await served.settle()
        late = await served.connect(source="127.0.0.6")
        head = await late.head()  # before it has said a word
        assert head.startswith("HTTP/1.1 429 ")
        assert "\r\nRetry-After: " in head
        assert await (await served.client()).echoes()  # another address comes in
        await pass_time(11)
        assert all([await client.is_ended() for client in slow])
        again = await served.connect(source="127.0.0.6")
        await again.upgrade()


@socket_test
async def test_a_trusted_proxy_may_have_any_number_of_requests_under_way() -> None:
    settings = Settings(max_connections_per_address=2, trusted_proxies=("127.0.0.1",))
    async with serving(settings=settings) as served:
        begun = [await served.connect() for _ in range(10)]
        for number, client in enumerate(begun):
            await client.send(upgrade_request(headers={"X-Forwarded-For": f"192.0.2.{number}"}))
            assert await client.status() == 101


@socket_test
async def test_a_client_that_resets_before_it_is_accepted_is_no_error() -> None:
    async with serving() as served:
        for _ in range(50):
            sock = socket.create_connection(("127.0.0.1", served.port))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()  # the gateway has had no turn since
        await served.settle()
        assert len(served.running.transport.connections) == 1


@pytest.mark.parametrize("said", [b"", b"GET /echo HT", HEALTH, upgrade_request(), upgrade_request("/nowhere")])
@socket_test
async def test_a_client_that_stops_sending_at_any_point_is_gone(said: bytes) -> None:
    async with serving() as served:
        client = await served.connect()
        await client.send(said)
        await client.stream.send_eof()
        await client.rest()  # hangs if the gateway keeps its half open
        await served.settle()
        assert len(served.running.transport.connections) == 1


@socket_test
async def test_a_client_that_stops_sending_behind_our_goodbye_is_gone() -> None:
    async with serving() as served:
        client = await served.client()
        await client.send(client_frame(TEXT, b"x", mask=None))
        assert await client.close_code() == 1002
        await client.stream.send_eof()
        await served.settle()
        assert len(served.running.transport.connections) == 1


@pytest.mark.parametrize("said", [upgrade_request("/nowhere"), b"\x00\r\n\r\n", HEALTH])
@socket_test
async def test_what_a_client_pours_behind_a_request_that_is_answered_is_thrown_away_until_it_is_cut_off(
    said: bytes,
) -> None:
    async with serving(settings=Settings(close_timeout=5)) as served:
        client = await served.connect()
        await client.send(said)
        assert await client.status() in {200, 400, 404}
        for _ in range(20):
            await client.send(b"x" * 65_536)  # blocks if nobody reads
        (kept,) = [one for one in served.running.transport.connections.values() if one.state.name == "CLOSING"]
        assert kept.frames == ()
        await pass_time(7)
        assert len(served.running.transport.connections) == 1


@socket_test
async def test_a_client_that_does_not_read_the_page_it_asked_for_is_aborted() -> None:
    page = Page(b"x" * 16_000_000)
    async with serving(settings=Settings(close_timeout=5), views={"/long": lambda _request: page}) as served:
        client = await served.connect(receive_buffer=4096)
        await client.send(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
        await served.settle()
        assert len(served.running.transport.connections) == 2
        await pass_time(7)
        assert len(served.running.transport.connections) == 1


@socket_test
async def test_a_request_behind_an_upgrade_is_no_request() -> None:
    async with serving() as served:
        client = await served.connect()
        await client.send(upgrade_request(), b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await client.status() == 101
        assert await client.close_code() == 1002
        await client.say_goodbye()
        assert await client.is_ended()


# Memory.


def test_a_message_that_comes_two_bytes_at_a_time_takes_little_more_than_its_size() -> None:
    size = 60_000
    wire = header(0x80 | TEXT, size) + bytes(size - 2)

    def drip() -> Decoder:
        decoder = Decoder(Settings())
        for start in range(0, len(wire), 2):
            assert decoder.feed(wire[start : start + 2]) == []
        return decoder

    assert grown(drip) < 2 * size


def test_fragments_without_content_take_no_memory() -> None:
    wire = client_frame(TEXT, fin=False) + client_frame(CONTINUATION, fin=False) * 1000

    def flood() -> Decoder:
        decoder = Decoder(Settings())
        assert decoder.feed(wire) == []
        return decoder

    assert grown(flood) < 20_000


@socket_test
async def test_what_a_client_joins_with_is_not_kept() -> None:
    async with serving({"/socket/websocket": ObedientSocket}, Settings(message_burst=100)) as served:
        client = await PhoenixClient.open(served)
        topics = [f"obey:{number}" for number in range(50)]
        await client.joined("obey:first", "0")
        gc.collect()
        tracemalloc.start()
        try:
            for topic in topics:
                assert await client.ask(join("1", topic, {"ignored": "x" * 60_000})) == ok("1", "1", topic)
            await served.settle()
            gc.collect()
            held = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        assert held < 1_000_000  # of 3 MB that were said


@pytest.mark.parametrize("wire", [b"\xff" * 65_536, header(0x82, 2**63 - 1), header(0x81, 2**32)])
@socket_test
async def test_a_declared_size_reserves_nothing(wire: bytes) -> None:
    async with serving() as served:
        client = await served.client()
        await client.send(wire)
        assert await client.close_code() in {1002, 1009}
        connection = next(one for one in served.running.transport.connections.values() if one.state.name == "CLOSING")
        assert isinstance(connection.parser, Decoder)
        assert connection.parser.is_idle
