"""Handlers and channels that raise, hang, flood and leak, in the callback or in the way a test chooses."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, ClassVar

import trio

from regrow.actors import ExitProcess, Shutdown, self_, send, spawn_link
from regrow.actors import receive as receive_message
from regrow.gateway import Channel, Handler, Socket
from tests.support.channels import Obedient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "CHANNEL_CALLBACKS",
    "HANDLER_CALLBACKS",
    "AsyncVandal",
    "AsyncVandalChannel",
    "Vandal",
    "VandalChannel",
    "raising",
    "socket_with",
]

HANDLER_CALLBACKS = ("__init__", "connect", "open", "receive", "info", "recovered", "overrun", "close", "ended")
CHANNEL_CALLBACKS = ("__init__", "join", "joined", "handle_in", "handle_out", "handle_info", "terminate")

TURNS = 20_000
"""Messages of a flood."""


def _raise(*_args: Any) -> Any:
    raise RuntimeError("on purpose")


async def _raise_later(*_args: Any) -> Any:
    await trio.lowlevel.checkpoint()
    raise RuntimeError("on purpose")


def raising(base: type[Any], callback: str, *, later: bool) -> type[Any]:
    """A handler or channel with one callback that raises, as a plain function or, later, as a coroutine."""
    function: Callable[..., Any] = _raise_later if later and callback not in {"__init__", "ended"} else _raise
    method: Any = classmethod(function) if callback in {"connect", "ended"} else function
    return type(f"Raising{callback.title()}", (base,), {callback: method})


class Vandal(Handler):
    """Does what a message says."""

    living: ClassVar[weakref.WeakSet[Vandal]] = weakref.WeakSet()

    def open(self) -> None:
        self.living.add(self)
        self.kept: list[Any] = []

    def receive(self, frame: str | bytes) -> Any:
        match frame:
            case "crash":
                raise RuntimeError("on purpose")
            case "loop":
                while True:
                    pass
            case "flood the client":
                for _ in range(TURNS):
                    self.send(b"x" * 1024)
            case "flood yourself":
                for number in range(TURNS):
                    send(self.pid, number)
            case "leak":
                self.kept.append(bytearray(1_000_000))
                for number in range(50):
                    self.subscribe(f"leaked:{number}")
                    self.kept.append(spawn_link(_idle))
            case _:
                self.send(frame)

    def info(self, message: Any) -> Any:
        self.kept.append(message)

    def close(self, code: int | None, reason: str) -> Any:
        raise ExitProcess(Shutdown("closed"))  # a normal end would not reach what is linked


class AsyncVandal(Vandal):
    """The same as a task; it may hang, too."""

    async def receive(self, frame: str | bytes) -> None:
        await trio.lowlevel.checkpoint()
        if frame == "hang":
            await trio.sleep_forever()
        super().receive(frame)


class VandalChannel(Channel):
    """Does what an event says."""

    intercepts = frozenset({"seen"})

    def join(self, params: Any) -> None:
        self.kept: list[Any] = []

    def handle_in(self, event: str, payload: Any) -> Any:  # noqa: C901 - a table
        match event:
            case "crash":
                raise RuntimeError("on purpose")
            case "loop":
                while True:
                    pass
            case "flood the client":
                for _ in range(TURNS):
                    self.push("flood", "x" * 1024)
            case "flood yourself":
                for number in range(TURNS):
                    send(self.pid, number)
            case "leak":
                self.kept.append(bytearray(1_000_000))
                for number in range(50):
                    self.subscribe(f"leaked:{number}")
                    self.kept.append(spawn_link(_idle))
                self.track("leak", {})
            case "seen":
                self.broadcast("seen", {})
            case _:
                send(self_(), event)

    def handle_out(self, event: str, payload: Any) -> Any:
        self.push(event, payload)

    def handle_info(self, message: Any) -> Any:
        self.kept.append(message)


class AsyncVandalChannel(VandalChannel):
    """The same as a task; it may hang, too."""

    async def handle_in(self, event: str, payload: Any) -> Any:
        await trio.lowlevel.checkpoint()
        if event == "hang":
            await trio.sleep_forever()
        return super().handle_in(event, payload)


def socket_with(channel: type[Channel]) -> type[Socket]:
    """A socket with this channel under ``bad:*``, and a good one under ``good``."""
    channels: Mapping[str, type[Channel]] = {"bad:*": channel, "good": Obedient}
    return type("SocketOf" + channel.__name__, (Socket,), {"channels": channels})


async def _idle() -> None:
    while True:
        await receive_message()
