"""News for many readers, of whom the slow ones are told what they missed: ``regrow serve lagging:app``.

::

    regrow connect ws://127.0.0.1:4000/socket --topic news
    /push publish {"headline": "It rains"}

A reader whose socket is full is sent no more news. As soon as it has read on it gets ``missed`` with the number of news
that it will never see, before any other. See: ``RecvError::Lagged`` of ``tokio::sync::broadcast``.
"""

from typing import Any

from regrow.actors import self_, send_after
from regrow.gateway import Channel, Error, Gateway, Ok, Socket

LOOK_EVERY = 0.25
LOOK = "has it read on?"


class News(Channel):
    """One reader, who may publish too."""

    intercepts = ("news",)

    def join(self, params: Any) -> None:
        self.missed = 0

    def handle_in(self, event: str, payload: Any) -> Ok | Error:
        if event != "publish":
            return Error({"reason": f"unmatched event: {event}"})
        self.broadcast("news", payload)
        return Ok()

    def handle_out(self, event: str, payload: Any) -> None:
        if not self.missed and not self.connection.is_blocked:
            self.push(event, payload)
            return
        self.missed += 1
        if self.missed == 1:
            send_after(LOOK_EVERY, self_(), LOOK)

    def handle_info(self, message: Any) -> None:
        if self.connection.is_blocked:
            send_after(LOOK_EVERY, self_(), LOOK)
        else:
            self.push("missed", {"count": self.missed})
            self.missed = 0


class Readers(Socket):
    """Who reads."""

    channels = {"news": News}


app = Gateway(routes={"/socket/websocket": Readers})
