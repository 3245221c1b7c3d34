"""Becoming a server: a process that began as a function goes on as a `GenServer`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from regrow.actors._errors import CannotWaitError
from regrow.actors._processes._task import own_task
from regrow.actors._system._system import start_debugging

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regrow.actors._servers._gen_server import GenServer
    from regrow.actors._servers._outcomes import Ok
    from regrow.actors._system._system_events import Option

__all__ = ["enter_loop"]


async def enter_loop(server: GenServer, outcome: Ok | None = None, *, debug: Iterable[Option] = ()) -> NoReturn:
    """Have the running task process go on as ``server``, whose attributes are its state from here on. Never returns.

    For a process that has to do something before it can serve which ``init`` is no place for: negotiate, or wait for
    what its spawner sends. ``init`` does not run; ``outcome`` is what it might have returned: a timeout, `HIBERNATE`
    or a continuation. Messages that wait already are the first it handles. The process that spawned this one is its
    parent: if it traps exits, it terminates with that. A server whose callbacks are all plain functions does as well.

    When the server terminates, the functions that led here are unwound by the exit, ``finally`` blocks included.

    Raises:
        CannotWaitError: the running process is inline, or ``main``, or the calling task is not the process itself.
        NotAProcessError: the caller is not a process.

    See: OTP ``gen_server:enter_loop/3``.
    """
    process = own_task("enter the loop of a server")
    if process.parent is None:
        raise CannotWaitError("main cannot become a server: its stack belongs to whoever opened the node")
    server.pid = process.pid
    server._parent = process.parent
    start_debugging(server, debug)
    process.server = server
    more = server._begun(outcome)
    if more is not None:
        await server._run(server.handle_continue, (more.continue_,), None)
    while True:
        await server._run(*server._route(await process.wait()))
