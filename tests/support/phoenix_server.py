"""A small real Phoenix V2 chat server on trio-websocket, whose connections can be told to misbehave."""

import json
import random
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket

from regrow.chaos._stamps import FaultStamps


class PhoenixServer:
    """Rooms, ping replies and broadcasts, as a target of experiments.

    A crashed connection swallows what it is sent for `downtime` seconds, then serves again.
    """

    def __init__(
        self,
        *,
        downtime: float = 0.02,
        never_back: Collection[int] = (),
        hangs_up_on: Collection[int] = (),
        deaf_to_rooms: Collection[int] = (),
        refuses: Collection[int] = (),
        immune: Collection[int] = (),
        mute: Collection[int] = (),
    ) -> None:
        self._downtime = downtime
        self._never_back = never_back
        self._hangs_up_on = hangs_up_on
        self._deaf_to_rooms = deaf_to_rooms
        self._refuses = refuses
        self._immune = immune
        self._mute = set(mute)
        self._rooms: defaultdict[str, dict[int, WebSocketConnection]] = defaultdict(dict)
        self._connections: dict[int, WebSocketConnection] = {}
        self._down_until: dict[int, float] = {}
        self._stamps: dict[int, FaultStamps] = {}

    @asynccontextmanager
    async def serve(self) -> AsyncGenerator[int, None]:
        async with trio.open_nursery() as nursery:
            listen = partial(serve_websocket, self._converse, "127.0.0.1", 0, ssl_context=None, message_queue_size=64)
            server = await nursery.start(listen)
            yield server.port
            nursery.cancel_scope.cancel()

    async def inject(self, clients: Collection[int]) -> None:
        jitter = random.Random(0)  # noqa: S311
        for client in clients:
            if client in self._immune:
                continue
            now = trio.current_time()
            up = now + self._downtime * jitter.uniform(0.5, 1)
            if client in self._never_back:
                self._down_until[client] = float("inf")
                self._stamps[client] = FaultStamps(inject=now, effect=now, detected=now)
            else:
                self._down_until[client] = up
                self._stamps[client] = FaultStamps(inject=now, effect=now, detected=now, restarted=up)
        for client in self._hangs_up_on:
            await self._connections[client].aclose(1011)

    def stamps(self) -> Mapping[int, FaultStamps]:
        return self._stamps

    async def _converse(self, request: WebSocketRequest) -> None:
        [number] = parse_qs(urlsplit(request.path).query)["client"]
        client = int(number)
        connection = await request.accept()
        self._connections[client] = connection
        try:
            while True:
                await self._receive(client, connection, json.loads(await connection.get_message()))
        except ConnectionClosed:
            for members in self._rooms.values():
                members.pop(client, None)

    async def _receive(self, client: int, connection: WebSocketConnection, frame: list[Any]) -> None:
        join_ref, ref, topic, event, payload = frame
        if trio.current_time() < self._down_until.get(client, 0):
            return
        match event:
            case "phx_join" if client in self._refuses:
                refusal = {"status": "error", "response": {"reason": "unmatched topic"}}
                await connection.send_message(json.dumps([None, ref, topic, "phx_reply", refusal]))
            case "phx_join":
                self._rooms[topic][client] = connection
                reply: dict[str, Any] = {"status": "ok", "response": {}}
                await connection.send_message(json.dumps([join_ref, ref, topic, "phx_reply", reply]))
            case "ping" if client not in self._mute:
                reply = {"status": "ok", "response": payload}
                await connection.send_message(json.dumps([join_ref, ref, topic, "phx_reply", reply]))
            case "new_msg":
                text = json.dumps([None, None, topic, "new_msg", payload])
                for member, other in list(self._rooms[topic].items()):
                    if member not in self._deaf_to_rooms:
                        await other.send_message(text)
            case _:
                pass
