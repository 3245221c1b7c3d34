"""Asking victims whether they are back, cheaply enough not to keep them from coming back."""

import heapq
from collections.abc import Awaitable, Callable, Iterable

import trio

from ._load_protocol import Answer, Kind, Request
from ._load_schedule import probe_pause

BATCH = 4
"""Pings handed over at once: more delay the schedule of the load, which must not feel the probes."""


class Prober:
    """Pings each of a set of clients until it has had an ok reply.

    One task and one heap serve all of them: a polling task per victim was measured to make a recovery of 50
    ms look like one of a second.

    Invariant: one `run` at a time.
    """

    def __init__(self, ping: Callable[[int, float], Awaitable[None]]) -> None:
        """Probe through `ping(client, intended)`, which returns once the ping is with the kernel."""
        self._ping = ping
        self._silent: set[int] = set()
        self._began = 0.0

    async def run(self, clients: Iterable[int]) -> None:
        """Probe `clients` at once, then ever less often; return when each has answered.

        In batches, so that answers are read between them: pinging hundreds of victims takes longer than the
        pause before a second probe, and all would be probed twice before the first answer was seen.
        """
        self._silent = set(clients)
        self._began = trio.current_time()
        agenda = [(self._began, client) for client in sorted(self._silent)]
        while self._silent:
            await trio.sleep_until(agenda[0][0])
            async with trio.open_nursery() as batch:
                for _ in range(BATCH):
                    if not agenda or agenda[0][0] > trio.current_time():
                        break
                    due, client = heapq.heappop(agenda)
                    if client in self._silent:
                        batch.start_soon(self._ping, client, due)
                        again = trio.current_time() + probe_pause(trio.current_time() - self._began)
                        heapq.heappush(agenda, (again, client))

    def saw(self, request: Request) -> None:
        """Take note of an answered request, and stop probing its client if it shows service.

        Only probes of the present `run` count: a late reply to an earlier one says nothing about now.
        """
        if request.kind is Kind.PROBE and request.answer is Answer.OK and request.intended >= self._began:
            self._silent.discard(request.client)
