"""A chat room as in Phoenix's guide: ``regrow serve phoenix_chat:app``.

With Phoenix's own client, ``phoenix`` of npm::

    const socket = new Socket("ws://127.0.0.1:4000/socket", {params: {name: "ann"}})
    const room = socket.channel("room:tea")
    room.on("new_msg", ({from, body}) => console.log(from, body))
    socket.connect(); room.join(); room.push("new_msg", {body: "hello"})
"""

import logging
import re
import time
from typing import Any

from regrow.actors import ExitReason
from regrow.gateway import Channel, Error, Gateway, JoinRefusedError, Ok, RefuseError, Request, Session, Socket

logger = logging.getLogger("phoenix_chat")
MAX_LENGTH = 200
WORD = re.compile(r"[A-Za-z0-9_-]{1,32}")


class RoomChannel(Channel):
    """One user in one room."""

    events = {"new_msg": dict[str, str]}
    volatile = frozenset({"typing"})

    def join(self, params: Any) -> None:
        if WORD.fullmatch(self.subtopic) is None:
            raise JoinRefusedError(reason="invalid_room_id", expected="room: and 1 to 32 letters, digits, - or _")
        self.name = self.assigns["name"]

    def joined(self) -> None:
        self.track(self.name, {"online_at": int(time.time())})
        self.push_presences()

    def handle_in(self, event: str, payload: Any) -> Ok | Error | None:
        match event, payload:
            case "new_msg", {"body": body}:
                if len(body) > MAX_LENGTH:
                    return Error({"reason": "message_too_long", "limit": MAX_LENGTH, "length": len(body)})
                self.broadcast("new_msg", {"from": self.name, "body": body})
                return Ok()
            case "typing", _:
                self.broadcast_from("typing", {"from": self.name})
                return None
            case _:
                return Error({"reason": f"cannot handle {event}"})

    def terminate(self, reason: ExitReason) -> None:
        logger.info("%s is gone from %s: %s", self.name, self.topic, reason)


class UserSocket(Socket):
    """Who says their name comes in."""

    channels = {"room:*": RoomChannel}

    @classmethod
    def connect(cls, request: Request) -> Session:
        name = request.params.get("name", "")
        if WORD.fullmatch(name) is None:
            raise RefuseError(403, "name must be 1 to 32 letters, digits, - or _.")
        session: Session = super().connect(request)
        session.assign(name=name)
        return session


app = Gateway(routes={"/socket/websocket": UserSocket})
