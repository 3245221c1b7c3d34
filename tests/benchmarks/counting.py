"""A channel that counts: what a message costs when a channel does next to nothing with it.

``count`` is counted, ``counted`` is answered with how many this channel has counted; ``GET /stats`` answers
``received M``, the messages all channels of the gateway have received.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

import msgspec

from regrow.gateway import Channel, Error, Gateway, Ok, Page, Socket


class Total:
    """The messages of all channels, those that are gone included."""

    received = 0


class Counting(Channel):
    """Counts."""

    events: ClassVar = {"count": msgspec.Raw}

    def join(self, params: Any) -> None:
        self.count = 0
        Total.received += 1

    def handle_in(self, event: str, payload: Any) -> Ok | Error | None:
        Total.received += 1
        if event == "count":
            self.count += 1
            return None
        if event == "counted":
            return Ok({"count": self.count})
        return Error({"reason": f"unmatched event: {event}"})


class CountingSocket(Socket):
    """One topic for all."""

    channels: ClassVar = {"room:*": Counting}


app: Final = Gateway(
    routes={"/socket/websocket": CountingSocket},
    views={"/stats": lambda _request: Page(f"received {Total.received}\n".encode())},
)
