"""Actors that do what a test tells them to: crash, hang, trap, overstay, return nonsense.

`Puppet` is the general one: it carries out the functions it is sent. Each kind of trouble that a test has to
name by class has a class of its own below it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from regrow.actors import ExitReason, From, GenServer, Pid, call, cast, send, trap_exit


class Puppet(GenServer):
    """A server whose callbacks do what the message says, and which writes down what happened to it."""

    log: list[object]

    def init(self, log: list[object], begin: Callable[[Puppet], Any] | None = None) -> Any:
        self.log = log
        return None if begin is None else begin(self)

    def handle_call(self, request: Any, caller: From) -> Any:
        return request(self, caller)

    def handle_cast(self, request: Any) -> Any:
        return request(self)

    def handle_info(self, message: Any) -> Any:
        if callable(message):
            return message(self)
        self.log.append(message)
        return None

    def handle_continue(self, continuation: Any) -> Any:
        if callable(continuation):
            return continuation(self)
        self.log.append(("continue", continuation))
        return None

    def terminate(self, reason: ExitReason) -> Any:
        self.log.append(("terminate", reason))


Server = type[Puppet]
Driver = Callable[[Server], Server]


def inline(server: Server) -> Server:
    """The server as it is: driven by the tick."""
    assert server._inline
    return server


def as_task(server: Server) -> Server:
    """The same server driven by a trio task."""

    class TaskPuppet(server):  # type: ignore[valid-type, misc]
        async def handle_continue(self, continuation: Any) -> Any:
            return super().handle_continue(continuation)

    assert not TaskPuppet._inline
    return TaskPuppet


DRIVERS: tuple[Driver, ...] = (inline, as_task)


async def started(server: type[GenServer], *args: Any, name: str | None = None) -> Pid:
    """Start a linked server that is expected to come up."""
    pid = await server.start_link(*args, name=name)
    assert pid is not None
    return pid


async def ask(server: Pid, action: Callable[[Puppet, From], Any], *, timeout: float = 5.0) -> Any:
    """Call a puppet: ``action`` is what its `handle_call` does."""
    return await call(server, action, timeout=timeout)


def tell(server: Pid, action: Callable[[Puppet], Any]) -> None:
    """Cast to a puppet: ``action`` is what its `handle_cast` does."""
    cast(server, action)


def does(action: Callable[[Puppet], Any]) -> Callable[[Puppet], Any]:
    """Give a lambda its type, where it is to be `Puppet.init`, or a cast or a message to one."""
    return action


def answers(action: Callable[[Puppet, From], Any]) -> Callable[[Puppet, From], Any]:
    """Give a lambda its type, where it is to be the request of a call to a puppet."""
    return action


def inform(server: Pid, action: Callable[[Puppet], Any]) -> None:
    """Send a puppet a plain message: ``action`` is what its `handle_info` does."""
    send(server, action)


def raising(error: BaseException) -> Any:
    """Raise, where only an expression may stand."""
    raise error


def trapping(_puppet: Puppet) -> None:
    """What `Puppet.init` is told to make it trap exits."""
    trap_exit()


class TerminateFails(Puppet):
    """A server whose terminate raises."""

    def terminate(self, reason: ExitReason) -> Any:
        super().terminate(reason)
        raise ArithmeticError("terminate failed")


class SlowTerminate(Puppet):
    """A server that takes a minute to terminate."""

    async def terminate(self, reason: ExitReason) -> Any:
        await trio.sleep(60)
        self.log.append(("terminate", reason))


class RaisingTextError(Exception):
    """An exception that cannot be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no text for you")


async def wait_forever() -> None:
    """A task process that does nothing."""
    await trio.sleep_forever()


async def overstay(seconds: float) -> None:
    """A task process that shields itself from its own death for a while."""
    with trio.CancelScope(shield=True):
        await trio.sleep(seconds)
