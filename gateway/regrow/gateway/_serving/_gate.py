"""The gate: answers HTTP requests, lets WebSockets in, and has a process started for each."""

from __future__ import annotations

import logging
from http import HTTPStatus
from itertools import cycle
from typing import TYPE_CHECKING, final

from regrow.gateway._handlers._handler import RefuseError, start_handler
from regrow.gateway._http._handshake import Refused, negotiate
from regrow.gateway._http._request import BadRequestError, RequestParser
from regrow.gateway._http._response import response
from regrow.supervisors import ChildSpec, Restart, RestartLimit, start_child_soon

from ._route import Route

if TYPE_CHECKING:
    from regrow.gateway._http._request import Request
    from regrow.gateway._transport._connection import Connection
    from regrow.gateway._transport._transport import Transport

    from ._route import Gateway, View

__all__ = ["Gate", "connection_supervisor"]

logger = logging.getLogger("regrow.gateway")

_RETRY = (("Retry-After", "5"),)


def connection_supervisor(partition: int) -> str:
    """The name of the supervisor of one partition of the connections."""
    return f"regrow.connections.{partition}"


@final
class Gate:
    """What becomes of the connections of one gateway before a process serves them."""

    def __init__(self, gateway: Gateway, port: Transport, views: dict[str, View]) -> None:
        self._settings = gateway.settings
        self._port = port
        self._views = views
        self._routes = {path: Route(handler, number) for number, (path, handler) in enumerate(gateway.routes.items())}
        self._limit = RestartLimit(gateway.settings.connection_restarts, gateway.settings.connection_restart_period)
        self._partitions = cycle(range(gateway.settings.partitions))
        self.is_draining = False

    def heard(self, connection: Connection, data: bytes) -> None:
        """Bytes of a request came; once it is complete it is answered, or the socket opens."""
        parser = connection.parser
        assert isinstance(parser, RequestParser)
        try:
            request = parser.feed(data)
        except BadRequestError as error:
            self._refuse(connection, error.status, error.reason)
            return
        if request is None:
            return
        route = self._routes.get(request.path)
        if route is not None:
            self._upgrade(connection, request, route, parser.leftover)
        else:
            self._show(connection, request)

    def _show(self, connection: Connection, request: Request) -> None:
        view = self._views.get(request.path)
        if view is None:
            self._refuse(connection, HTTPStatus.NOT_FOUND, "There is nothing at this path.")
        elif request.method != "GET":
            self._refuse(connection, HTTPStatus.METHOD_NOT_ALLOWED, "Only GET is answered here.", (("Allow", "GET"),))
        else:
            try:
                page = view(request)
                answer = response(page.status, page.body, content_type=page.content_type)
            except Exception:
                logger.exception("the page at %s failed", request.path)
                self._refuse(connection, HTTPStatus.INTERNAL_SERVER_ERROR, "The page could not be made.")
            else:
                connection.answer(answer)

    def _upgrade(self, connection: Connection, request: Request, route: Route, leftover: bytes) -> None:
        if self._is_full(connection):
            return
        decision = negotiate(request, self._settings, route.handler.subprotocols)
        if isinstance(decision, Refused):
            self._port.metrics.refused += 1
            connection.answer(decision.response)
            return
        try:
            session = route.handler.connect(request)
        except RefuseError as error:
            self._refuse(connection, error.status, error.reason)
            return
        except Exception:
            logger.exception("%s.connect failed", route.handler.__qualname__)
            self._refuse(connection, HTTPStatus.INTERNAL_SERVER_ERROR, "The connection could not be judged.")
            return
        connection.session = session
        connection.dialect = route.handler.dialect(connection.framing, decision.subprotocol)
        connection.route = route
        self._port.opened(connection, decision.response, leftover)
        self._start_process(connection)

    def _start_process(self, connection: Connection) -> None:
        spec = ChildSpec(
            id=connection.sock.fileno(),
            start=start_handler,
            args=(connection,),
            restart=Restart.TRANSIENT,
            limit=self._limit,
            given_up=connection.given_up,
        )
        supervisor = self._port.node.whereis(connection_supervisor(next(self._partitions)))
        if supervisor is not None:  # if it is being restarted, the sweep ends the connection
            start_child_soon(supervisor, spec)

    def _is_full(self, connection: Connection) -> bool:
        settings = self._settings
        if self.is_draining:
            self._refuse(connection, HTTPStatus.SERVICE_UNAVAILABLE, "The server is stopping.", _RETRY)
        elif len(self._port.connections) > settings.max_connections:
            self._refuse(connection, HTTPStatus.SERVICE_UNAVAILABLE, "The server is full.", _RETRY)
        elif self._port.per_address[connection.address] > settings.max_connections_per_address:
            self._refuse(connection, HTTPStatus.TOO_MANY_REQUESTS, "Too many connections of this address.", _RETRY)
        else:
            return False
        return True

    def _refuse(
        self, connection: Connection, status: int, reason: str, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self._port.metrics.refused += 1
        connection.answer(response(status, f"{reason}\n".encode(), headers=headers))
