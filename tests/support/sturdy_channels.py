"""Channels that take whatever a client says: whatever goes wrong with them is the gateway's fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

import msgspec

from regrow.gateway import Channel, LobbyChannel, Ok, Socket

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EVENTS", "SturdySocket"]

EVENTS = ("echo", "raw", "push", "say", "relay", "track", "leave me", "new_msg", "typing", "ping")
"""What one of the channels answers."""


class Sturdy(Channel):
    """Hands what it is told on in every way there is."""

    events: ClassVar[Mapping[str, Any]] = {"raw": msgspec.Raw, "relay": msgspec.Raw}

    def join(self, params: Any) -> Any:
        return params

    def joined(self) -> None:
        self.track("all", {})
        self.push_presences()

    def handle_in(self, event: str, payload: Any) -> Any:
        match event:
            case "echo" | "raw":
                return Ok(payload)
            case "push":
                self.push(event, payload)
                return None
            case "say" | "relay":
                self.broadcast(event, payload)
                return None
            case "track":
                if isinstance(payload, dict):
                    self.update("all", cast("dict[str, Any]", payload))
                return None
            case "leave me":
                self.untrack("all")
                self.track("all", {})
                return None
            case _:
                return super().handle_in(event, payload)


class AsyncSturdy(Sturdy):
    """The same as a task."""

    async def handle_in(self, event: str, payload: Any) -> Any:
        return super().handle_in(event, payload)


class SturdySocket(Socket):
    """Both, and the channel of the lobby."""

    channels: ClassVar[Mapping[str, type[Channel]]] = {
        "room:*": LobbyChannel,
        "inline:*": Sturdy,
        "task:*": AsyncSturdy,
    }
