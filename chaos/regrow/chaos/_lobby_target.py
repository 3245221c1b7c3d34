"""The lobby chat as a target of experiments."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn, final

import trio

from regrow.actors import CrashReport, intercept, open_node, send
from regrow.gateway import Gateway, RunningGateway, Session, lobby, open_gateway
from regrow.supervisors import ChildRestarted, ChildTerminated

from ._stamps import FaultStamps

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Mapping

    from regrow.actors import Pid, Report
    from regrow.gateway import Connection

__all__ = ["ChaosCrash", "LobbyTarget"]


class ChaosCrash(Exception):  # noqa: N818 - a fault is injected, not an error made
    """What an experiment raises in a handler."""


@final
class LobbyTarget:
    """The gateway with the lobby application, in this process, on a free loopback port.

    Nothing of the lobby is written for it: the fault is raised right before a handler gets its message, and the
    stamps are taken from the reports of the runtime.
    """

    def __init__(self) -> None:
        self._gateway: RunningGateway | None = None
        self._stamps: dict[int, FaultStamps] = {}
        self._client_of: dict[Pid, int] = {}

    @asynccontextmanager
    async def serve(self) -> AsyncGenerator[int]:
        """Run the gateway inside the context; its value is the port."""
        logging.getLogger("regrow").addFilter(_is_not_of_the_experiment)
        try:
            async with open_node() as node:
                node.reports.listeners.append(self._note)
                target = Gateway(routes=lobby.routes, settings=replace(lobby.settings).unlimited())
                async with open_gateway(target, port=0) as self._gateway:
                    yield self._gateway.port
        finally:
            logging.getLogger("regrow").removeFilter(_is_not_of_the_experiment)

    async def inject(self, clients: Collection[int]) -> None:
        """Make the connection process of each of `clients` raise in its handler, all of them in one tick."""
        wanted = set(clients)
        victims = [(number, one.pid) for number, one in self._connections() if number in wanted and one.pid is not None]
        for number, pid in victims:
            self._client_of[pid] = number
            intercept(pid, lambda _message, number=number: self._raise(number))  # type: ignore[misc]
        for _, pid in victims:
            send(pid, None)
        while any(pid.is_alive for _, pid in victims):
            await trio.lowlevel.checkpoint()

    def stamps(self) -> Mapping[int, FaultStamps]:
        """Return what has been seen of each fault so far, by client."""
        return self._stamps

    def _connections(self) -> list[tuple[int, Connection]]:
        assert self._gateway is not None
        numbered: list[tuple[int, Connection]] = []
        for connection in self._gateway.transport.connections.values():
            session = connection.session
            if isinstance(session, Session) and session.params.get("client", "").isdecimal():
                numbered.append((int(session.params["client"]), connection))
        return numbered

    def _raise(self, number: int) -> NoReturn:
        self._stamps[number] = FaultStamps(inject=trio.current_time())
        raise ChaosCrash(f"injected into the connection of client {number}")

    def _note(self, report: Report) -> None:
        """Stamp what the runtime reports of a victim."""
        now = trio.current_time()
        match report:
            case CrashReport(pid=pid) if pid in self._client_of:
                self._stamp(pid, effect=now)
            case ChildTerminated(pid=pid) if pid in self._client_of:
                self._stamp(pid, detected=now)
            case ChildRestarted(predecessor=pid) if pid in self._client_of:
                self._stamp(pid, restarted=now)
            case _:
                pass

    def _stamp(self, pid: Pid, **stamp: float) -> None:
        number = self._client_of[pid]
        self._stamps[number] = replace(self._stamps[number], **stamp)


def _is_not_of_the_experiment(record: logging.LogRecord) -> bool:
    """Keep the log for what was not asked for: the crashes are the experiment's own, and its report tells them."""
    return record.levelno >= logging.CRITICAL
