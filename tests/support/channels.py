"""Channels that do as they are told, inline and as tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import trio

from regrow.actors import ExitReason, Failure, Shutdown
from regrow.gateway import Channel, Error, JoinRefusedError, Ok, Socket, Stop

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AsyncObedient",
    "AsyncObedientSocket",
    "Hanging",
    "HangingSocket",
    "Obedient",
    "ObedientSocket",
    "Unmakeable",
]


class Obedient(Channel):
    """Does what an event names."""

    ended: ClassVar[list[tuple[str, ExitReason]]] = []
    """Topic and reason of every ``terminate``."""

    def join(self, params: Any) -> Any:
        self.heard: list[str] = []
        match params.get("how"):
            case "refuse":
                raise JoinRefusedError(reason="not you")
            case "crash":
                raise RuntimeError
            case "welcome":
                return {"hello": self.topic}
            case _:
                return None

    def handle_in(self, event: str, payload: Any) -> Any:  # noqa: C901 - a table
        match event:
            case "ok":
                return Ok(payload)
            case "error":
                return Error(payload)
            case "crash":
                raise RuntimeError
            case "stop":
                return Stop(Shutdown("enough"), Ok({"bye": True}))
            case "fail":
                return Stop(Failure("enough"))
            case "nonsense":
                return 42
            case "push":
                self.push("pushed", payload)
                return None
            case "broadcast":
                self.broadcast("said", payload)
                return None
            case "broadcast_from":
                self.broadcast_from("said", payload)
                return None
            case "silence":
                return None
            case _:
                return super().handle_in(event, payload)

    def handle_info(self, message: Any) -> Any:
        match message:
            case "crash":
                raise RuntimeError
            case "stop":
                return Stop(Shutdown("told to"))
            case _:
                self.push("info", message)
                return None

    def terminate(self, reason: ExitReason) -> Any:
        self.ended.append((self.topic, reason))


class Hanging(Channel):
    """Counts what it hears; hangs in ``hang`` until it is let go."""

    go: ClassVar[trio.Event]
    heard: ClassVar[int]

    async def handle_in(self, event: str, payload: Any) -> Any:
        type(self).heard += 1
        if event == "hang":
            await self.go.wait()
        return Ok({"heard": self.heard}) if event == "ask" else None


class HangingSocket(Socket):
    """A socket with channels that hang."""

    channels: ClassVar[Mapping[str, type[Channel]]] = {"hang:*": Hanging, "obey:*": Obedient}


class AsyncObedient(Obedient):
    """The same as a task that takes its time."""

    async def join(self, params: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return super().join(params)

    async def handle_in(self, event: str, payload: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return super().handle_in(event, payload)

    async def handle_info(self, message: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return super().handle_info(message)

    async def terminate(self, reason: ExitReason) -> Any:
        await trio.lowlevel.checkpoint()
        super().terminate(reason)


class Unmakeable(Channel):
    """Its constructor raises."""

    def __init__(self) -> None:
        raise RuntimeError


class ObedientSocket(Socket):
    """A socket that crashes on the event ``socket_crash``."""

    channels: ClassVar[Mapping[str, type[Channel]]] = {"obey:*": Obedient, "unmakeable": Unmakeable, "exact": Obedient}

    def receive(self, frame: str | bytes) -> Any:
        if "socket_crash" in str(frame):
            raise RuntimeError
        super().receive(frame)


class AsyncObedientSocket(ObedientSocket):
    """The same as a task, with channels that are tasks."""

    channels: ClassVar[Mapping[str, type[Channel]]] = {
        "obey:*": AsyncObedient,
        "unmakeable": Unmakeable,
        "exact": AsyncObedient,
    }

    async def receive(self, frame: str | bytes) -> None:
        await trio.lowlevel.checkpoint()
        super().receive(frame)
