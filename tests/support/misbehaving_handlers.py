"""Handlers that do as they are told, and that is no good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import trio

from regrow.gateway import Handler

if TYPE_CHECKING:
    from regrow.gateway import Connection

__all__ = ["AsyncCrashing", "Crashing", "Fountain", "Mourning", "Stubborn", "Unopenable", "Waiting"]


class Crashing(Handler):
    """Echoes; crashes on ``crash``; says how often it was told that it had crashed."""

    def open(self) -> None:
        self.count = 0

    def receive(self, frame: str | bytes) -> Any:
        if frame == "crash":
            raise RuntimeError
        self.count += 1
        self.send(f"{self.count}: {frame!r}")

    def recovered(self, frame: str | bytes | None) -> Any:
        self.send(f"recovered from {frame!r}")


class AsyncCrashing(Crashing):
    """The same as a task."""

    async def receive(self, frame: str | bytes) -> None:
        await trio.lowlevel.checkpoint()
        super().receive(frame)


class Unopenable(Handler):
    """Its ``open`` always raises."""

    def open(self) -> None:
        raise RuntimeError


class Stubborn(Handler):
    """Opens once, and never again."""

    @classmethod
    def connect(cls, request: object) -> list[str]:
        return []

    def open(self) -> None:
        self.session.append("opened")
        if len(self.session) > 1:
            raise RuntimeError

    def receive(self, frame: str | bytes) -> None:
        raise RuntimeError


class Waiting(Handler):
    """Takes no message before it is let go."""

    go: trio.Event

    async def receive(self, frame: str | bytes) -> None:
        await self.go.wait()
        self.send(frame)


class Fountain(Handler):
    """Sends as many bytes as it is asked for, a kilobyte at a time."""

    def receive(self, frame: str | bytes) -> None:
        for _ in range(int(frame) // 1024):
            self.send(b"x" * 1024)


class Mourning(Handler):
    """Raises when its connection has ended."""

    @classmethod
    def ended(cls, connection: Connection) -> None:
        raise RuntimeError
