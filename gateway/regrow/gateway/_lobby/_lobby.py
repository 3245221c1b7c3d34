"""The lobby: the chat that ``regrow serve`` serves when it is given nothing else, with its page and a raw echo."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast, final

import msgspec

from regrow.gateway._channels._channel import Channel
from regrow.gateway._channels._messages import INVALID_MESSAGE
from regrow.gateway._channels._outcomes import Error, JoinRefusedError, Ok
from regrow.gateway._channels._socket import Socket
from regrow.gateway._handlers._handler import Handler
from regrow.gateway._history._history import History
from regrow.gateway._serving._route import Gateway

from ._page import page_views

if TYPE_CHECKING:
    from regrow.gateway._channels._joined import Joined
    from regrow.gateway._channels._messages import Message
    from regrow.gateway._channels._socket import Session
    from regrow.gateway._wire._decoder import Frame

__all__ = ["Echo", "Lobby", "LobbyChannel", "lobby"]

MAX_LENGTH: Final = 1_024
"""Characters of a message."""

MAX_NAME: Final = 32
"""Characters of a name."""

_ROOM_ID = re.compile(r"room:[A-Za-z0-9_-]{1,64}")


@final
class NewMessage(msgspec.Struct, frozen=True):
    """The payload of ``new_msg``; further fields are passed on."""

    body: str = ""


@final
class LobbyChannel(Channel):
    """A chat room, ``room:<id>``.

    ``new_msg`` is broadcast to everyone in the room, and kept for those who come back if the gateway has a store;
    ``typing`` goes to everyone else; ``ping`` is answered with its own payload. Who joins with ``{"name": "Ann"}`` is
    shown to the others as ``Ann``, is sent ``presence_state``, and what they say and that they type carries their name,
    whatever they claim. What they say also carries its time, as ``at``, in milliseconds since 1970. Names are not
    reserved: two clients with one name are two metas of one presence.
    """

    history: ClassVar = History(events=("new_msg",))
    events: ClassVar = {"new_msg": msgspec.Raw, "typing": msgspec.Raw, "ping": msgspec.Raw}

    name: str | None = None

    def join(self, params: Any) -> None:
        """Anyone may join a room whose id is a short word, with a name or without one."""
        if _ROOM_ID.fullmatch(self.topic) is None:
            raise JoinRefusedError(reason="invalid room id", expected="room: and 1 to 64 letters, digits, - or _")
        if isinstance(params, dict) and "name" in params:
            name = cast("dict[str, Any]", params)["name"]
            if not _is_name(name):
                raise JoinRefusedError(reason="invalid name", expected=f"1 to {MAX_NAME} printable characters")
            self.name = name

    def joined(self) -> None:
        """Show who has a name to everyone, and everyone to them."""
        if self.name is not None:
            self.track(self.name, {"online_at": int(time.time())})
            self.push_presences()

    def handle_in(self, event: str, payload: msgspec.Raw) -> Ok | Error | None:
        """Serve the three events."""
        match event:
            case "ping":
                return Ok(payload)
            case "new_msg":
                return self._say(payload)
            case "typing":
                self.broadcast_from(event, payload if self.name is None else {"name": self.name})
                return None
            case _:
                return Error({"reason": f"unmatched event: {event}"})

    def _say(self, payload: msgspec.Raw) -> Error | None:
        try:
            message = _NEW_MESSAGE.decode(payload)
            said = payload if self.name is None else self._signed(payload)
        except INVALID_MESSAGE as error:
            return Error({"reason": "invalid payload", "detail": str(error)})
        if len(message.body) > MAX_LENGTH:
            return Error({"reason": "message too long", "limit": MAX_LENGTH, "length": len(message.body)})
        self.broadcast("new_msg", said)
        return None

    def _signed(self, payload: msgspec.Raw) -> dict[str, Any]:
        """The fields of a message, who says it, and when in milliseconds since 1970."""
        return {**_FIELDS.decode(payload), "from": self.name, "at": time.time_ns() // 1_000_000}


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and 1 <= len(name) <= MAX_NAME and name.isprintable() and not name.isspace()


_NEW_MESSAGE = msgspec.json.Decoder(NewMessage)
_FIELDS = msgspec.json.Decoder(dict[str, Any])


@final
class CrashRequestedError(Exception):
    """The client wants to see the process of its connection come back."""


@final
class Lobby(Socket):
    """The socket of the lobby.

    Beside the rooms it answers two events on the topic ``connection``. ``who`` is answered with the process that
    serves the connection: its ``pid``, and as its ``incarnation`` how many have served it. ``crash`` crashes that
    process, and no other: the reply ``socket crashed`` comes from the next.
    """

    channels: ClassVar = {"room:*": LobbyChannel}

    def recovered(self, frame: Frame | None) -> None:
        """Count the processes of this connection."""
        session: Session = self.session
        session.assign(incarnation=session.assigns.get("incarnation", 1) + 1)
        super().recovered(frame)

    def _outside(self, message: Message, joined: Joined | None) -> None:
        # Only what is for no channel comes here, so that the two events cost the rooms nothing.
        match message.topic, message.event:
            case "connection", "who":
                who = {"pid": str(self.pid), "incarnation": self.session.assigns.get("incarnation", 1)}
                self._reply(None, message.ref, message.topic, "ok", who)
            case "connection", "crash":
                raise CrashRequestedError
            case _:
                super()._outside(message, joined)


@final
class Echo(Handler):
    """Sends every message back."""

    def receive(self, frame: str | bytes) -> None:
        """Send it back."""
        self.send(frame)


lobby = Gateway(routes={"/socket/websocket": Lobby, "/echo": Echo}, views=page_views())
"""What ``regrow serve`` serves without an argument."""
