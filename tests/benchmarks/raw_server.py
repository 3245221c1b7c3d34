"""The raw protocol of the benchmark tools, on a supervised `Handler`.

``python tests/benchmarks/raw_server.py PORT [TRANSPORT]``

``E...`` is echoed to its sender, ``B...`` goes to every connection, ``N...`` is only counted; ``GET /stats`` answers
``active N received M``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

from regrow.gateway import AnyOrigin, Gateway, Handler, Page, RunningGateway, Settings, serve

if TYPE_CHECKING:
    from regrow.gateway import TransportName

_LOBBY = "lobby"
_ECHO = frozenset(("E", ord("E")))
_BROADCAST = frozenset(("B", ord("B")))


class Raw(Handler):
    """Echo, broadcast, count."""

    def open(self) -> None:
        self.subscribe(_LOBBY)

    def receive(self, frame: str | bytes) -> None:
        first = frame[0] if frame else None
        if first in _ECHO:
            self.send(frame)
        elif first in _BROADCAST:
            self.broadcast(_LOBBY, frame)


def main() -> None:
    running: list[RunningGateway] = []

    def stats(_request: object) -> Page:
        active = running[0].transport.raw_pubsub.subscribers(_LOBBY)
        return Page(f"active {active} received {running[0].metrics.received}\n".encode())

    settings = Settings(max_message_size=1 << 20, outbox_limit=64 << 20, origins=AnyOrigin()).unlimited()
    gateway = Gateway(routes={"/ws": Raw}, views={"/stats": stats}, settings=settings)
    transport = cast("TransportName | None", sys.argv[2]) if len(sys.argv) > 2 else None
    serve(gateway, "127.0.0.1", int(sys.argv[1]), running.append, transport=transport)


if __name__ == "__main__":
    main()
