"""Channels that show their clients, inline and as tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import trio

from regrow.gateway import Channel, JoinRefusedError, Ok, Socket, Stop
from regrow.gateway._channels._outcomes import LEFT

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AsyncPresentSocket", "PresentSocket"]


class Present(Channel):
    """Shows its client under the name it joins with, and does what an event names."""

    def join(self, params: Any) -> Any:
        self.name: str = params["name"]
        self.how: str = params.get("how", "")
        if self.how == "refuse":
            raise JoinRefusedError(reason="not you")
        if self.how == "early":
            self.push_presences()

    def joined(self) -> Any:
        if self.how == "crash":
            raise RuntimeError
        self.track(self.name, {"status": "here"})
        self.push_presences()
        return Stop(LEFT) if self.how == "stop" else None

    def handle_in(self, event: str, payload: Any) -> Any:
        match event:
            case "track":
                self.track(self.name, payload)
            case "untrack":
                self.untrack(self.name)
            case "update":
                self.update(self.name, payload)
            case "away":
                self.update(self.name, lambda meta: {**meta, "status": "away"})
            case "come and go":
                self.untrack(self.name)
                self.track(self.name, {"status": "back"})
            case "who":
                return Ok(self.presences())
            case "crash":
                raise RuntimeError
            case _:
                self.connection.close(1008, "kicked")
        return None


class AsyncPresent(Present):
    """The same as a task that takes its time."""

    async def joined(self) -> Any:
        await trio.lowlevel.checkpoint()
        return super().joined()

    async def handle_in(self, event: str, payload: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return super().handle_in(event, payload)


class PresentSocket(Socket):
    """Crashes on the event ``socket_crash``."""

    channels: ClassVar[Mapping[str, type[Channel]]] = {"room:*": Present}

    def receive(self, frame: str | bytes) -> Any:
        if "socket_crash" in str(frame):
            raise RuntimeError
        super().receive(frame)


class AsyncPresentSocket(PresentSocket):
    """The same with channels that are tasks."""

    channels: ClassVar[Mapping[str, type[Channel]]] = {"room:*": AsyncPresent}
