"""Code that does not return: loops, blocking calls, long C code, and code that refuses to be interrupted."""

from __future__ import annotations

import contextlib
import queue
import re
import threading
import time
from typing import TYPE_CHECKING, Any

import trio

from regrow.actors import GenServer, Via, link, register, self_, send, spawn, unlink, unregister, whereis

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors import From, Pid


def loop() -> None:
    """The plain endless loop."""
    while True:
        pass


def loop_that_catches_exceptions() -> None:
    while True:
        with contextlib.suppress(Exception):
            loop()


def loop_that_catches_everything() -> None:
    while True:
        try:
            while True:
                pass
        except BaseException:  # noqa: BLE001, S110 - it misbehaves
            pass


def sleep() -> None:
    time.sleep(60)


def catastrophic_regular_expression() -> None:
    re.match(r"(a+)+$", "a" * 60 + "b")


def huge_power() -> None:
    pow(7, 10**9)


def blocking_get() -> None:
    """Blocks inside a module that is interrupted with reluctance only."""
    queue.Queue[int]().get()


def loop_in_finally() -> None:
    try:
        loop()
    finally:
        loop()


RUNAWAYS: tuple[Callable[[], None], ...] = (
    loop,
    loop_that_catches_exceptions,
    loop_that_catches_everything,
    loop_in_finally,
    sleep,
    catastrophic_regular_expression,
    huge_power,
    blocking_get,
)

LOOPS: tuple[Callable[[], None], ...] = (loop, loop_that_catches_exceptions)
"""Those that a watchdog thread can interrupt."""


def swallow() -> None:
    """Takes the interruption for an error to go on from, and returns."""
    with contextlib.suppress(BaseException):
        loop()


async def swallow_and_wait() -> None:
    """The same, in a task that then waits for ever."""
    swallow()
    with trio.CancelScope(shield=True):
        await trio.sleep(5)


async def run_away_in_a_nursery() -> None:
    """Overruns in a child task of the process, beside another one."""

    async def child() -> None:
        loop()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        nursery.start_soon(child)


class Runaway(GenServer):
    """Does in each callback what it is told, and writes down what it comes to."""

    def init(self, log: list[object], begin: Callable[[], None] | None = None) -> None:
        self.log = log
        if begin is not None:
            begin()

    def handle_cast(self, action: Callable[[], Any]) -> None:
        self.log.append("began")
        action()
        self.log.append("ended")

    def handle_call(self, action: Callable[[], Any], _caller: From) -> None:
        action()

    def handle_info(self, message: Any) -> None:
        self.log.append(message)

    def terminate(self, reason: Any) -> None:
        self.log.append(("terminate", reason))


class TaskRunaway(Runaway):
    """The same as a task process."""

    async def handle_continue(self, continuation: Any) -> None:
        await trio.lowlevel.checkpoint()


class LoopsInTerminate(GenServer):
    """Terminates never."""

    def handle_cast(self, _request: Any) -> None:
        raise ValueError("time to terminate")

    def terminate(self, _reason: Any) -> None:
        loop()


class BlockingRegistry(Via):
    """A registry that never answers: code of the process's own, called by the runtime."""

    def whereis(self) -> Pid | None:
        loop()
        return None


# Loops that do nothing but call the runtime, where an interruption must not fall.


def flood(victim: Pid) -> None:
    while True:
        send(victim, "flood")


def rename(_victim: Pid) -> None:
    while True:
        register("runaway", self_())
        assert whereis("runaway") is self_()
        unregister("runaway")


def relink(victim: Pid) -> None:
    while True:
        link(victim)
        unlink(victim)


def breed(_victim: Pid) -> None:
    while True:
        spawn(_nothing)


def contend(_victim: Pid) -> None:
    while True:
        with LOCK:
            pass


def _nothing() -> None:
    pass


LOCK = threading.Lock()

RUNTIME_LOOPS: tuple[Callable[[Pid], None], ...] = (flood, rename, relink, breed, contend)
