"""Actors that crash, hang, refuse to start and refuse to stop, each named by what it does."""

from __future__ import annotations

from typing import Any

import trio

from regrow.actors import (
    IGNORE,
    ExitReason,
    From,
    GenServer,
    Ignore,
    Pid,
    Reply,
    Stop,
    exit_,
    exit_signal,
    trap_exit,
    unlink,
)


class Fragile(GenServer):
    """Answers with what it was started with; cast it an exit reason and it stops, anything else and it crashes."""

    def init(self, value: object = None) -> None:
        self.value = value

    def handle_call(self, request: Any, caller: From) -> Reply:
        return Reply(self.value)

    def handle_cast(self, request: Any) -> Stop:
        if isinstance(request, ExitReason):
            return Stop(request)
        raise RuntimeError(request)


class Witness(GenServer):
    """Traps exits and writes its starts and ends into a list: ``a+``, ``a-``. A `Fragile` otherwise."""

    def init(self, name: str, events: list[str]) -> None:
        trap_exit()
        self.name = name
        self.events = events
        events.append(f"{name}+")

    def handle_cast(self, request: Any) -> Stop:
        if isinstance(request, ExitReason):
            return Stop(request)
        raise RuntimeError(request)

    def terminate(self, reason: ExitReason) -> None:
        self.events.append(f"{self.name}-")


class Moody(GenServer):
    """Starts as its list of moods says, the first of which each start takes: None, `IGNORE`, or an exception.

    With no moods left it is well. Writes ``a+`` into ``events`` when it starts, ``a!`` when it fails to, ``a0`` when
    it is ignored, ``a-`` when it ends.
    """

    def init(self, name: str, events: list[str], moods: list[Exception | Ignore | None]) -> Ignore | None:
        trap_exit()
        self.name = name
        self.events = events
        mood = moods.pop(0) if moods else None
        if isinstance(mood, Exception):
            events.append(f"{name}!")
            raise type(mood)(*mood.args)  # a new one each time: an exception raised twice has two stacks
        if mood is IGNORE:
            events.append(f"{name}0")
            return mood
        events.append(f"{name}+")
        return None

    def handle_cast(self, request: Any) -> Stop:
        if isinstance(request, ExitReason):
            return Stop(request)
        raise RuntimeError(request)

    def terminate(self, reason: ExitReason) -> None:
        self.events.append(f"{self.name}-")


class Slow(GenServer):
    """A task that takes ``start`` seconds to start and ``stop`` seconds to stop."""

    async def init(self, start: float = 0.0, stop: float = 0.0) -> None:
        trap_exit()
        self.stop_seconds = stop
        await trio.sleep(start)

    async def terminate(self, reason: ExitReason) -> None:
        await trio.sleep(self.stop_seconds)


class Stubborn(GenServer):
    """A task that traps exits and never finishes terminating: only a kill ends it."""

    async def init(self) -> None:
        trap_exit()

    async def terminate(self, reason: ExitReason) -> None:
        await trio.sleep_forever()


class SoreLoser(GenServer):
    """Traps exits and, told to stop, exits with a reason of its own."""

    def init(self, reason: ExitReason) -> None:
        trap_exit()
        self.reason = reason

    def handle_cast(self, request: Any) -> None:
        raise RuntimeError(request)

    def terminate(self, reason: ExitReason) -> None:
        exit_(self.reason)


class Deserter(GenServer):
    """Unlinks itself from its supervisor, which then hears nothing of its end (OTP: ``naughty_child``)."""

    def init(self, parent: Pid) -> None:
        unlink(parent)

    def handle_cast(self, request: Any) -> None:
        raise RuntimeError(request)


class Crier(GenServer):
    """Sends its supervisor exit signals while it lives."""

    def init(self, parent: Pid) -> None:
        self.parent = parent

    def handle_cast(self, request: ExitReason) -> None:
        exit_signal(self.parent, request)
