"""The gate: answers HTTP requests, lets WebSockets in, and has a process started for each."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import lru_cache
from http import HTTPStatus
from itertools import cycle
from math import inf
from typing import TYPE_CHECKING, Any, final

from regrow.actors import spawn_link
from regrow.gateway._errors import InvalidTokenError
from regrow.gateway._handlers._handler import RefuseError, start_handler
from regrow.gateway._http._forwarded import TrustedProxies, client_address
from regrow.gateway._http._handshake import Refused, negotiate
from regrow.gateway._http._request import BadRequestError, RequestParser
from regrow.gateway._http._response import response
from regrow.gateway._operations._metrics import Refusal, refusal_of
from regrow.gateway._transport._outbound import State
from regrow.gateway._transport._rate import refill
from regrow.gateway._transport._tls_socket import TlsSocket
from regrow.supervisors import ChildSpec, Restart, RestartLimit, start_child_soon

from ._judging import Judging
from ._route import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.gateway._http._handshake import Accepted
    from regrow.gateway._http._request import Request
    from regrow.gateway._transport._connection import Connection
    from regrow.gateway._transport._transport import Transport

    from ._route import Gateway, View

__all__ = ["Gate", "connection_supervisor"]

logger = logging.getLogger("regrow.gateway")

_CHALLENGE = (("WWW-Authenticate", "Bearer"),)
"""What a 401 must say (RFC 9110 section 15.5.2)."""
_READING = frozenset(("GET", "HEAD"))
"""RFC 9110 section 9.1: whoever answers GET answers HEAD, the same without the body."""
_ALLOW = (("Allow", "GET, HEAD"),)
_REFUSED_HANDSHAKES = {HTTPStatus.FORBIDDEN: Refusal.ORIGIN}
"""What a handshake that is refused means where the status alone would say something else."""


def connection_supervisor(partition: int) -> str:
    """The name of the supervisor of one partition of the connections."""
    return f"regrow.connections.{partition}"


@final
class Gate:
    """What becomes of the connections of one gateway before a process serves them.

    ``spread(1, n)`` picks one of n seconds: each client that is refused for a while is told to come back at another,
    so that those who left together do not come back together.
    """

    def __init__(
        self, gateway: Gateway, port: Transport, views: dict[str, View], spread: Callable[[int, int], int]
    ) -> None:
        self._settings = gateway.settings
        self._port = port
        self._views = views
        self._routes = {path: Route(handler, number) for number, (path, handler) in enumerate(gateway.routes.items())}
        self._limit = RestartLimit(gateway.settings.connection_restarts, gateway.settings.connection_restart_period)
        self._proxies = TrustedProxies.of(gateway.settings.trusted_proxies)
        self._spread = spread
        self._allowance = gateway.settings.accept_burst
        self._stamp = port.now()
        self._partitions = cycle(range(gateway.settings.partitions))
        self.is_draining = False

    def came(self, connection: Connection) -> None:
        """A client has connected; too many of its address that have not said what they want are refused unheard.

        Otherwise one address could hold every descriptor with requests that never end.
        """
        address = connection.address
        if (
            self._port.per_address[address] > 2 * self._settings.max_connections_per_address
            and address not in self._proxies
        ):
            self._defer(connection, None, Refusal.ADDRESS, "Too many connections of this address.")

    def heard(self, connection: Connection, data: bytes) -> None:
        """Bytes of a request came; once it is complete it is answered, or the socket opens."""
        parser = connection.parser
        if isinstance(parser, Judging):
            self._wait(connection, parser, data)
            return
        assert isinstance(parser, RequestParser)
        try:
            request = parser.feed(data)
        except BadRequestError as error:
            self._refuse(connection, None, error.status, error.reason)
            return
        if request is None:
            return
        if self._proxies:
            address = client_address(connection.address, request.headers, self._settings.proxy_header, self._proxies)
            if address != connection.address:
                self._port.comes_from(connection, address)
        scheme = "https" if isinstance(connection.sock, TlsSocket) else "http"
        request = replace(request, address=connection.address, scheme=scheme)
        route = self._routes.get(request.path)
        if route is not None:
            self._upgrade(connection, request, route, parser.leftover)
        else:
            self._show(connection, request)

    def left(self, connection: Connection) -> None:
        """A connection ended that had no answer yet: nobody needs to be judged any more."""
        judging = connection.parser
        if isinstance(judging, Judging):
            judging.scope.cancel()

    def busy(self) -> bytes:
        """The answer to a client for whom there is no descriptor."""
        return _later(
            HTTPStatus.SERVICE_UNAVAILABLE, "The server is full.", self._spread(1, self._settings.retry_after)
        )

    def _show(self, connection: Connection, request: Request) -> None:
        view = self._views.get(request.path)
        if view is None:
            self._refuse(connection, request, HTTPStatus.NOT_FOUND, "There is nothing at this path.")
        elif request.method not in _READING:
            reason = "Only GET and HEAD are answered here."
            self._refuse(connection, request, HTTPStatus.METHOD_NOT_ALLOWED, reason, _ALLOW)
        else:
            try:
                page = view(request)
                answer = response(page.status, page.body, content_type=page.content_type, headers=page.headers)
            except Exception:
                logger.exception("the page at %r failed", request.path)
                self._refuse(connection, request, HTTPStatus.INTERNAL_SERVER_ERROR, "The page could not be made.")
            else:
                connection.answer(answer if request.method == "GET" else answer[: len(answer) - len(page.body)])

    def _upgrade(self, connection: Connection, request: Request, route: Route, leftover: bytes) -> None:
        if self._is_full(connection, request):
            return
        decision = negotiate(request, self._settings, route.handler.subprotocols)
        if isinstance(decision, Refused):
            why = _REFUSED_HANDSHAKES.get(decision.status)
            self._note(connection, request, decision.status, decision.reason, why)
            connection.answer(decision.response)
        elif route.judges_slowly:
            connection.parser = Judging(request, leftover)
            self._start(
                ChildSpec(
                    id=connection.sock.fileno(),
                    start=spawn_link,
                    args=(self._judge, connection, connection.parser, request, route, decision),
                    restart=Restart.TEMPORARY,
                )
            )
        else:
            try:
                session = route.handler.connect(request)
            except Exception as error:  # noqa: BLE001 - it is answered, and logged if it was not meant
                self._reject(connection, request, route, error)
            else:
                self._open(connection, request, route, decision, session=session, leftover=leftover)

    async def _judge(
        self, connection: Connection, judging: Judging, request: Request, route: Route, decision: Accepted
    ) -> None:
        """The process that runs an asynchronous `connect`."""
        with judging.scope:
            try:
                session = await route.handler.connect(request)
            except Exception as error:  # noqa: BLE001 - the same
                if connection.state is State.HANDSHAKE:
                    self._reject(connection, request, route, error)
            else:
                if connection.state is State.HANDSHAKE:
                    self._open(connection, request, route, decision, session=session, leftover=judging.leftover)

    def _wait(self, connection: Connection, judging: Judging, data: bytes) -> None:
        """Keep what the client says while it is judged, if it is not too much."""
        judging.leftover += data
        if len(judging.leftover) > self._settings.max_header_size:
            judging.scope.cancel()
            reason = "Wait for the answer before you say more."
            self._refuse(connection, judging.request, HTTPStatus.BAD_REQUEST, reason)

    def _reject(self, connection: Connection, request: Request, route: Route, error: Exception) -> None:
        """Answer what `connect` raised."""
        if isinstance(error, RefuseError | BadRequestError):
            challenge = _CHALLENGE if error.status is HTTPStatus.UNAUTHORIZED else ()
            why = error.why if isinstance(error, RefuseError) else None
            self._refuse(connection, request, error.status, error.reason, challenge, why=why)
        elif isinstance(error, InvalidTokenError):
            reason = f"{str(error).capitalize()}."
            self._refuse(connection, request, HTTPStatus.UNAUTHORIZED, reason, _CHALLENGE)
        else:
            logger.error("%s.connect failed", route.handler.__qualname__, exc_info=error)
            reason = "The connection could not be judged."
            self._refuse(connection, request, HTTPStatus.INTERNAL_SERVER_ERROR, reason)

    def _open(
        self,
        connection: Connection,
        request: Request,
        route: Route,
        decision: Accepted,
        *,
        session: Any,
        leftover: bytes,
    ) -> None:
        connection.session = session
        connection.framing = decision.framing
        connection.dialect = route.handler.dialect(connection.framing, decision.subprotocol)
        connection.route = route
        self._port.opened(connection, decision.response, leftover)
        self._port.access.opened(connection, request)
        self._start(
            ChildSpec(
                id=connection.sock.fileno(),
                start=start_handler,
                args=(connection,),
                restart=Restart.TRANSIENT,
                limit=self._limit,
                given_up=connection.given_up,
            )
        )

    def _start(self, spec: ChildSpec) -> None:
        supervisor = self._port.node.whereis(connection_supervisor(next(self._partitions)))
        if supervisor is not None:  # if it is being restarted, the sweep ends the connection
            start_child_soon(supervisor, spec)

    def _is_full(self, connection: Connection, request: Request) -> bool:
        settings = self._settings
        if self.is_draining:
            self._defer(connection, request, Refusal.DRAINING, "The server is stopping.")
        elif len(self._port.connections) > settings.max_connections:
            self._defer(connection, request, Refusal.FULL, "The server is full.")
        elif self._port.per_address[connection.address] > settings.max_connections_per_address:
            self._defer(connection, request, Refusal.ADDRESS, "Too many connections of this address.")
        elif not self._is_within_rate():
            self._defer(connection, request, Refusal.RATE, "Too many clients come at once.")
        else:
            return False
        return True

    def _is_within_rate(self) -> bool:
        """Take a token for one more WebSocket. Who gets none does not lengthen the wait of the others."""
        settings = self._settings
        if settings.accept_rate == inf:
            return True
        now = self._port.now()
        self._allowance = refill(self._allowance, now - self._stamp, settings.accept_rate, settings.accept_burst)
        self._stamp = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True

    def _defer(self, connection: Connection, request: Request | None, why: Refusal, reason: str) -> None:
        """Refuse a client that may come back. It is written once: a storm costs no formatting."""
        crowded = HTTPStatus.TOO_MANY_REQUESTS if why is Refusal.ADDRESS else HTTPStatus.SERVICE_UNAVAILABLE
        self._note(connection, request, crowded, reason, why)
        connection.answer(_later(crowded, reason, self._spread(1, self._settings.retry_after)))

    def _refuse(
        self,
        connection: Connection,
        request: Request | None,
        status: int,
        reason: str,
        headers: tuple[tuple[str, str], ...] = (),
        *,
        why: Refusal | None = None,
    ) -> None:
        self._note(connection, request, status, reason, why)
        connection.answer(response(status, f"{reason}\n".encode(), headers=headers))

    def _note(
        self, connection: Connection, request: Request | None, status: int, reason: str, why: Refusal | None
    ) -> None:
        """Count and log a refusal; without a ``why`` the status says it."""
        self._port.metrics.refuse(why or refusal_of(status))
        self._port.access.refused(connection, request, status, reason)


@lru_cache(maxsize=1024)
def _later(status: HTTPStatus, reason: str, seconds: int) -> bytes:
    """A refusal for the time being."""
    return response(status, f"{reason}\n".encode(), headers=(("Retry-After", str(seconds)),))
