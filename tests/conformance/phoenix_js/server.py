"""The gateway that the clients in this folder are pointed at."""

from __future__ import annotations

from itertools import count
from typing import Any, ClassVar

from regrow.actors import ExitReason, Shutdown, send
from regrow.gateway import (
    Broadcast,
    Channel,
    Error,
    Gateway,
    JoinRefusedError,
    Ok,
    RefuseError,
    Request,
    Session,
    Settings,
    Socket,
    Stop,
)

__all__ = ["app"]

SERVICE_RESTART = 1012
SESAME = "open sesame"
"""The token the scenarios know."""


class Room(Channel):
    """Does what an event names."""

    def join(self, params: Any) -> Any:
        match params.get("how"):
            case "refuse":
                raise JoinRefusedError(reason="not you", topic=self.topic)
            case "crash":
                raise RuntimeError("crashed in join, as it was told to")
            case _:
                self.count = 0
                return {"topic": self.topic, "params": params}

    def handle_in(self, event: str, payload: Any) -> Any:  # noqa: C901 - a table
        match event:
            case "echo":
                return Ok(payload)
            case "deny":
                return Error(payload)
            case "ignore":
                return None
            case "count":
                self.count += 1
                return Ok({"count": self.count})
            case "poke":
                self.push("poked", payload)
                return None
            case "shout":
                self.broadcast("said", payload)
                return Ok()
            case "whisper":
                self.broadcast_from("said", payload)
                return Ok()
            case "crash":
                raise RuntimeError("crashed, as it was told to")
            case "stop":
                return Stop(Shutdown("enough"), Ok({"bye": True}))
            case "restart":
                self.connection.close(SERVICE_RESTART, "restarting, as it was told to")
                return None
            case "throw out":
                topic = f"users:{payload['user']}"
                self.connection.port.pubsub.broadcast(topic, Broadcast(topic, "disconnect", {}))
                return None
            case _:
                return super().handle_in(event, payload)


class Crowd(Channel):
    """Who is here, told in the messages of Phoenix.Presence: a meta for each device, under the user's name."""

    _refs: ClassVar = count(1)
    _present: ClassVar[dict[str, dict[str, tuple[str, dict[str, Any]]]]] = {}
    """By topic, by ``phx_ref``: a key and its meta."""

    def join(self, params: Any) -> None:
        self.user: str = params["user"]
        self.meta = {"device": params["device"], "phx_ref": f"ref{next(self._refs)}"}
        send(self.pid, "after join")

    def handle_info(self, message: Any) -> None:
        # The state first and oneself in the diff: clients before 1.4 do not look whether they know a meta already.
        here = self._present.setdefault(self.topic, {})
        state: dict[str, Any] = {}
        for user, meta in here.values():
            state.setdefault(user, {"metas": []})["metas"].append(meta)
        self.push("presence_state", state)
        here[self.meta["phx_ref"]] = (self.user, self.meta)
        self.broadcast("presence_diff", {"joins": self._entry(self.meta), "leaves": {}})

    def handle_in(self, event: str, payload: Any) -> Any:
        if event == "update":
            old = self.meta
            ref = f"ref{next(self._refs)}"
            self.meta = {**old, **payload, "phx_ref": ref, "phx_ref_prev": old["phx_ref"]}
            here = self._present[self.topic]
            del here[old["phx_ref"]]
            here[ref] = (self.user, self.meta)
            self.broadcast("presence_diff", {"joins": self._entry(self.meta), "leaves": self._entry(old)})
            return Ok()
        if event == "crash":
            raise RuntimeError("crashed, as it was told to")
        return super().handle_in(event, payload)

    def terminate(self, reason: ExitReason) -> None:
        if self._present.get(self.topic, {}).pop(self.meta["phx_ref"], None) is not None:
            self.broadcast_from("presence_diff", {"joins": {}, "leaves": self._entry(self.meta)})

    def _entry(self, meta: dict[str, Any]) -> dict[str, Any]:
        return {self.user: {"metas": [meta]}}


class Main(Socket):
    """Anyone may connect, and say who they are."""

    channels: ClassVar = {"room:*": Room, "crowd:*": Crowd}

    @classmethod
    def identify(cls, session: Session) -> str | None:
        user = session.params.get("user")
        return None if user is None else f"users:{user}"


class Guarded(Socket):
    """Only who has the right token may connect."""

    channels: ClassVar = {"room:*": Room}

    @classmethod
    def connect(cls, request: Request) -> Any:
        if request.auth_token != SESAME:
            raise RefuseError(403, "not you")
        return super().connect(request)


class Deaf(Socket):
    """Answers no heartbeat."""

    channels: ClassVar = {"room:*": Room}

    def receive(self, frame: str | bytes) -> Any:
        if '"heartbeat"' not in str(frame):
            super().receive(frame)


app = Gateway(
    routes={"/socket/websocket": Main, "/guarded/websocket": Guarded, "/deaf/websocket": Deaf},
    settings=Settings().unlimited(),
)
