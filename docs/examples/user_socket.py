"""A user socket that keeps a list of live connections, counted by ``/metrics``: ``regrow serve user_socket:app``.

::

    regrow connect 'ws://127.0.0.1:4000/socket?user_id=ann' --topic echo
    curl -s http://127.0.0.1:4000/metrics | grep ^chat_
"""

import re
from typing import Any, cast

from regrow.actors import GenServer, SetTable, TableAccess, whereis_table
from regrow.gateway import Channel, Connection, Gateway, Ok, RefuseError, Request, Session, Socket
from regrow.supervisors import ChildSpec

USER_ID = re.compile(r"[a-z0-9_-]{1,32}")


class Keeper(GenServer):
    """Owns the list and does nothing else, so that it does not crash: the list outlives whoever does."""

    def init(self) -> None:
        SetTable[Connection, str]("live", named=True, access=TableAccess.PUBLIC)


def live() -> SetTable[Connection, str]:
    """The user of each connection."""
    return cast("SetTable[Connection, str]", whereis_table("live"))


class Echo(Channel):
    """Answers."""

    def handle_in(self, event: str, payload: Any) -> Ok:
        return Ok({"you": self.assigns["user_id"], "said": payload})


class UserSocket(Socket):
    """One connection of a user: on the list from its first process until it is gone for good, whatever crashes."""

    channels = {"echo": Echo}

    @classmethod
    def connect(cls, request: Request) -> Session:
        user_id = request.params.get("user_id", "")
        if USER_ID.fullmatch(user_id) is None:
            raise RefuseError(403, "user_id must be 1 to 32 small letters, digits, - or _.")
        session: Session = super().connect(request)
        session.assign(user_id=user_id)
        return session

    def open(self) -> None:
        super().open()
        live().insert(self.connection, self.session.assigns["user_id"])

    @classmethod
    def ended(cls, connection: Connection) -> None:
        super().ended(connection)
        live().delete(connection)


app = Gateway(
    routes={"/socket/websocket": UserSocket},
    children=[ChildSpec("keeper", Keeper.start_link)],
    metrics={
        "chat_connections": ("Connections of users.", lambda: len(live())),
        "chat_users": ("Users connected.", lambda: len({user for _, user in live().to_list()})),
    },
)
