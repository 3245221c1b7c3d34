"""A room that shows who is here and remembers what was said: ``regrow serve remember:app``."""

from typing import Any

from regrow.gateway import Channel, Gateway, History, MemoryStore, Ok, Request, Session, Socket


class Room(Channel):
    """One user in one room."""

    history = History(events=("new_msg",), count=100, age=3600)

    def joined(self) -> None:
        self.track(self.assigns["user"], {"device": "terminal"})
        self.push_presences()

    def handle_in(self, event: str, payload: Any) -> Ok:
        self.broadcast("new_msg", {"from": self.assigns["user"], "body": payload["body"]})
        return Ok()


class Rooms(Socket):
    """Who comes in, and where to."""

    channels = {"room:*": Room}

    @classmethod
    def connect(cls, request: Request) -> Session:
        session: Session = super().connect(request)
        session.assign(user=request.params.get("user", "somebody"))
        return session


app = Gateway(routes={"/socket/websocket": Rooms}, history=MemoryStore())
