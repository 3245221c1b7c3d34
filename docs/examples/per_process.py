"""One portal in each process of a server that forks: opened when it is first needed, so never before the fork."""

import os
import threading
from functools import partial

from regrow.actors import From, GenServer, Portal, Reply, run_in_thread
from regrow.supervisors import ChildSpec, Supervisor


class Visits(GenServer):
    """Counts the visits to each page."""

    def init(self) -> None:
        self.visits: dict[str, int] = {}

    def handle_call(self, request: str, caller: From) -> Reply:
        self.visits[request] = self.visits.get(request, 0) + 1
        return Reply(self.visits[request])


_portals: dict[int, Portal] = {}
_opening = threading.Lock()


def portal() -> Portal:
    """The portal of this process."""
    with _opening:
        if os.getpid() not in _portals:
            opened = run_in_thread()
            opened.start(Supervisor.start_link, [ChildSpec("visits", partial(Visits.start_link, name="visits"))])
            _portals[os.getpid()] = opened
        return _portals[os.getpid()]
