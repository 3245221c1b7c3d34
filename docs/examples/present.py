"""A room that shows who is in it, and a process without a connection that is shown beside them."""

import json
from typing import Any

import trio
from trio_websocket import WebSocketConnection, open_websocket_url

from regrow.actors import open_node, self_
from regrow.gateway import Channel, Gateway, Socket, open_gateway


class Tea(Channel):
    """A room that shows its clients."""

    def join(self, params: Any) -> None:
        self.user = params["user"]

    def joined(self) -> None:
        self.track(self.user, {"status": "here"})
        self.push_presences()

    def handle_in(self, event: str, payload: Any) -> None:
        self.update(self.user, lambda meta: {**meta, "status": payload["status"]})


class Rooms(Socket):
    """Where the rooms are."""

    channels = {"room:*": Tea}


def with_colour(_topic: str, presences: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    colours = {"ann": "green"}  # if it came from a database: one query for all of them
    return {user: {**presence, "colour": colours.get(user, "grey")} for user, presence in presences.items()}


gateway = Gateway(routes={"/socket/websocket": Rooms}, fetch_presences=with_colour)


async def main() -> None:
    async with open_node(), open_gateway(gateway, port=0) as running:
        url = f"ws://{running.host}:{running.port}/socket/websocket?vsn=2.0.0"
        async with open_websocket_url(url) as socket:
            await socket.send_message('["1", "1", "room:tea", "phx_join", {"user": "ann"}]')
            await show(socket, 3)
            running.presence.track(self_(), "room:tea", "bot", {"status": "here"})
            await show(socket, 1)
            await socket.send_message('["1", "2", "room:tea", "status", {"status": "away"}]')
            await show(socket, 1)


async def show(socket: WebSocketConnection, messages: int) -> None:
    for _ in range(messages):
        _join_ref, _ref, _topic, event, payload = json.loads(await socket.get_message())
        if event == "presence_state":
            print("here:", statuses(payload))
        elif event == "presence_diff":
            print("joins:", statuses(payload["joins"]), "leaves:", statuses(payload["leaves"]))


def statuses(presences: dict[str, Any]) -> dict[str, list[str]]:
    return {
        f"{presence['colour']} {user}": [meta["status"] for meta in presence["metas"]]
        for user, presence in presences.items()
    }


if __name__ == "__main__":
    trio.run(main)
