"""Clients written by others: trio-websocket speaks wsproto, websockets speaks its own."""

from __future__ import annotations

import json

import pytest
import trio
from trio_websocket import connect_websocket_url
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from regrow.gateway import Lobby, Settings
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


@socket_test
async def test_websockets_offers_compression_in_vain_and_closes_cleanly() -> None:
    async with serving() as served:
        raw = await served.connect()
        uri = parse_uri(f"ws://127.0.0.1:{served.port}/echo")
        protocol = ClientProtocol(uri, extensions=[ClientPerMessageDeflateFactory()])
        protocol.send_request(protocol.connect())
        await raw.send(*protocol.data_to_send())
        while protocol.state is State.CONNECTING:
            protocol.receive_data(await raw.stream.receive_some())
        assert protocol.extensions == []
        protocol.send_text(b"frag", fin=False)
        protocol.send_continuation("ménté".encode(), fin=True)
        protocol.send_close(4001, "done")
        await raw.send(*protocol.data_to_send())
        while protocol.state is not State.CLOSED:
            data = await raw.stream.receive_some()
            if data:
                protocol.receive_data(data)
            else:
                protocol.receive_eof()
        frames = [event for event in protocol.events_received() if isinstance(event, Frame)]
        assert frames[0] == Frame(Opcode.TEXT, "fragménté".encode())
        assert protocol.close_code == 4001
