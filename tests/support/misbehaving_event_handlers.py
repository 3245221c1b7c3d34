"""Event handlers that do what a test tells them to, and one that waits."""

from __future__ import annotations

from typing import Any

import trio

from regrow.actors import EventHandler


class Listener(EventHandler):
    """Writes down what happens to it; an event or request that is callable it carries out."""

    def init(self, log: list[object], name: str, *left: Any) -> Any:
        self.log = log
        self.name = name
        log.append((name, "init", *left))
        return None

    def handle_event(self, event: Any) -> Any:
        if callable(event):
            return event(self)
        self.log.append((self.name, event))
        return None

    def handle_call(self, request: Any) -> Any:
        return request(self)

    def handle_info(self, message: Any) -> Any:
        self.log.append((self.name, "info", message))

    def terminate(self, why: Any) -> Any:
        self.log.append((self.name, "terminate", why))
        return f"what {self.name} left"


class OtherListener(Listener):
    """A second class of them."""


class SlowListener(Listener):
    """It waits a second with each event."""

    async def handle_event(self, event: Any) -> Any:
        await trio.sleep(1)
        return super().handle_event(event)


class FailsToInit(EventHandler):
    """Its ``init`` does what it is told."""

    def init(self, begin: Any, *_left: Any) -> Any:
        return begin()


class FailsToTerminate(Listener):
    """Its ``terminate`` raises."""

    def terminate(self, why: Any) -> Any:
        super().terminate(why)
        raise ArithmeticError("terminate failed")


class FailsToBeMade(EventHandler):
    """Its constructor raises."""

    def __init__(self) -> None:
        raise ArithmeticError("no such handler")
