"""A lobby beside direct messages: ``regrow serve lobby_and_dms:app``.

In two terminals, one of them for ``bob``::

    regrow connect 'ws://127.0.0.1:4000/socket?user=ann' --topic user:ann
    /push send {"to": "bob", "body": "psst"}
    /join lobby
    /push say {"body": "hello"}

A direct message is a broadcast to the topic that only its reader may join: it is written to the reader's sockets in the
tick in which it comes, and no process of the reader and nobody in the lobby is in its way.
"""

import re
from typing import Annotated, Any

from msgspec import Meta, Struct

from regrow.gateway import Channel, Gateway, JoinRefusedError, Ok, RefuseError, Request, Session, Socket

NAME = re.compile(r"[a-z]{1,32}")
Body = Annotated[str, Meta(min_length=1, max_length=500)]


class Say(Struct):
    """To all."""

    body: Body


class Send(Struct):
    """To one user."""

    to: str
    body: Body


class Lobby(Channel):
    """One client among all."""

    events = {"say": Say}

    def handle_in(self, event: str, payload: Any) -> Any:
        if event != "say":
            return super().handle_in(event, payload)
        self.broadcast("said", {"from": self.assigns["user"], "body": payload.body})
        return Ok()


class Inbox(Channel):
    """One device of a user: it gets what is sent to them, and what they send from their other devices."""

    events = {"send": Send}

    def join(self, params: Any) -> None:
        if self.subtopic != self.assigns["user"]:
            raise JoinRefusedError(reason="not your inbox")

    def handle_in(self, event: str, payload: Any) -> Any:
        if event != "send":
            return super().handle_in(event, payload)
        message = {"from": self.assigns["user"], "to": payload.to, "body": payload.body}
        self.broadcast_to(f"user:{payload.to}", "message", message)
        if payload.to != self.subtopic:
            self.broadcast_from("message", message)
        return Ok()


class Users(Socket):
    """Who comes in."""

    channels = {"lobby": Lobby, "user:*": Inbox}

    @classmethod
    def connect(cls, request: Request) -> Session:
        user = request.params.get("user", "")
        if NAME.fullmatch(user) is None:
            raise RefuseError(403, "user must be 1 to 32 small letters.")
        session: Session = super().connect(request)
        session.assign(user=user)
        return session


app = Gateway(routes={"/socket/websocket": Users})
