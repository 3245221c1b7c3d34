"""Clients written by others: trio-websocket speaks wsproto, websockets speaks its own."""

from __future__ import annotations

import json

import pytest
import trio
from trio_websocket import connect_websocket_url

from regrow.gateway import Lobby, Settings
from regrow.gateway._wire import _deflate
from regrow.gateway._wire._frames import compressed_frame
from tests.support.deflating_client import DeflatingClient
from tests.support.serving import serving
from tests.support.socket_test import socket_test

SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000]


@pytest.mark.parametrize("size", SIZES)
@socket_test
async def test_trio_websocket_gets_back_what_it_sent(size: int) -> None:
    async with serving(settings=Settings(max_message_size=1_000_000)) as served, trio.open_nursery() as nursery:
        socket = await connect_websocket_url(nursery, f"ws://127.0.0.1:{served.port}/echo", max_message_size=2**24)
        for message in ("x" * size, b"y" * size):
            await socket.send_message(message)
            assert await socket.get_message() == message
        await socket.ping(b"!")
        await socket.aclose()


@socket_test
async def test_trio_websocket_chats_in_the_lobby() -> None:
    async with serving({"/socket/websocket": Lobby}) as served, trio.open_nursery() as nursery:
        url = f"ws://127.0.0.1:{served.port}/socket/websocket?vsn=2.0.0"
        socket = await connect_websocket_url(nursery, url)
        await socket.send_message(json.dumps(["1", "1", "room:tea", "phx_join", {}]))
        assert json.loads(await socket.get_message())[3:] == ["phx_reply", {"status": "ok", "response": {}}]
        await socket.send_message(json.dumps(["1", "2", "room:tea", "new_msg", {"body": "hi"}]))
        assert json.loads(await socket.get_message()) == [None, None, "room:tea", "new_msg", {"body": "hi"}]
        await socket.aclose()


@pytest.mark.parametrize("level", [0, 1])
@socket_test
async def test_websockets_offers_compression_and_closes_cleanly(level: int) -> None:
    async with serving(settings=Settings(compression_level=level)) as served:
        client = await DeflatingClient.open(served)
        assert client.is_compressed is bool(level)
        client.protocol.send_text(b"frag", fin=False)
        client.protocol.send_continuation("ménté".encode(), fin=True)
        await client.flush()
        assert await client.text() == "fragménté"
        assert await client.goodbye() == 1000


@pytest.mark.parametrize("size", SIZES)
@socket_test
async def test_websockets_gets_back_what_it_compressed(size: int) -> None:
    settings = Settings(max_message_size=1_000_000, compression_level=1, compression_threshold=1)
    async with serving(settings=settings) as served:
        client = await DeflatingClient.open(served)
        await client.send("x" * size)
        assert await client.text() == "x" * size
        await client.send(b"y" * size)
        assert (await client.frame()).data == b"y" * size
        assert client.wire < 300 + size // 50


@socket_test
async def test_a_chat_is_compressed_once_for_all_who_agreed_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    compressed: list[bytes] = []

    def counting(opcode: int, payload: bytes) -> bytes:
        compressed.append(payload)
        return compressed_frame(opcode, payload)

    monkeypatch.setattr(_deflate, "compressed_frame", counting)
    settings = Settings(compression_level=1, compression_threshold=200)
    async with serving({"/socket/websocket": Lobby}, settings) as served:
        path = "/socket/websocket?vsn=2.0.0"
        plain = await served.client(path)
        deflating = [await DeflatingClient.open(served, path) for _ in range(3)]
        await plain.send_text(json.dumps(["1", "1", "room:tea", "phx_join", {}]))
        await plain.text()
        for client in deflating:
            await client.send(json.dumps(["1", "1", "room:tea", "phx_join", {}]))
            await client.text()
        body = "hello " * 100
        await deflating[0].send(json.dumps(["1", "2", "room:tea", "new_msg", {"body": body}]))
        for text in (await plain.text(), *[await client.text() for client in deflating]):
            assert json.loads(text) == [None, None, "room:tea", "new_msg", {"body": body}]
        assert len(compressed) == 1
        assert deflating[1].wire < 300
