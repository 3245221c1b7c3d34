"""Only members come in, each to the rooms that their token names: ``regrow serve members:app``."""

import os
from typing import Any

from regrow.gateway import Channel, Gateway, JoinRefusedError, Request, Session, Socket, Tokens

tokens = Tokens(secrets=(os.environ["REGROW_TOKEN_SECRET"],), max_age=3600)


class Room(Channel):
    """One member in one room."""

    def join(self, params: Any) -> dict[str, str]:
        member = self.assigns
        if self.topic not in member["rooms"]:
            raise JoinRefusedError(reason="not your room")
        return {"you": member["name"]}


class Members(Socket):
    """Who comes in."""

    channels = {"room:*": Room}

    @classmethod
    def connect(cls, request: Request) -> Session:
        claims = tokens.verify(request.params.get("token"))
        session: Session = super().connect(request)
        session.assign(name=claims.subject, rooms=claims.more.get("rooms", []))
        return session


app = Gateway(routes={"/socket/websocket": Members})
