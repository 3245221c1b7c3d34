"""Listening sockets: what they do when the process has no descriptor left, and when many come at once."""

from __future__ import annotations

import os

import pytest
import trio

from regrow.gateway import Settings
from regrow.gateway._transport._listener import Listener, OutOfDescriptorsError
from tests.support.descriptors import no_descriptors_left
from tests.support.raw_client import RawClient
from tests.support.serving import serving
from tests.support.socket_test import pass_time, socket_test


@socket_test
async def test_without_descriptors_clients_are_told_to_come_back_instead_of_being_left_to_wait() -> None:
    async with serving() as served:
        bystander = await served.client()
        socks = [trio.socket.socket() for _ in range(5)]
        with no_descriptors_left():
            for sock in socks:
                await sock.connect(("127.0.0.1", served.port))
            clients = [RawClient(trio.SocketStream(sock)) for sock in socks]
            for client in clients:
                head = await client.head()
                assert head.startswith("HTTP/1.1 503 ")
                assert "\r\nRetry-After: " in head
                await client.aclose()
            assert await bystander.echoes()
            assert served.metrics.refusals["descriptors"] == 5
        assert await (await served.client()).echoes()


@socket_test
async def test_without_even_the_last_descriptor_a_listener_rests_and_then_takes_who_has_waited() -> None:
    async with serving() as served:
        bystander = await served.client()
        sock = trio.socket.socket()
        reserve = served.running.transport._reserve
        with no_descriptors_left():
            reserve.close()
            thief = os.open(os.devnull, os.O_RDONLY)
            await sock.connect(("127.0.0.1", served.port))
            await pass_time(0)  # hangs if the listener turns in circles
            await pass_time(2)  # it has tried again, in vain
            assert await bystander.echoes()
        os.close(thief)
        client = RawClient(trio.SocketStream(sock))
        await pass_time(2)
        await client.upgrade()
        assert await client.echoes()
        await client.aclose()


@socket_test
async def test_more_connections_than_one_turn_takes_are_all_taken() -> None:
    async with serving(settings=Settings(max_connections_per_address=400)) as served:
        clients = [await served.connect() for _ in range(300)]
        for client in clients:
            await client.upgrade()
        for client in clients:
            assert await client.echoes()


def test_out_of_descriptors_is_told_apart_from_a_client_that_is_gone() -> None:
    listener = Listener("127.0.0.1", 0)
    with no_descriptors_left(), pytest.raises(OutOfDescriptorsError):
        list(listener.accept())
    assert list(listener.accept()) == []
    listener.close()
