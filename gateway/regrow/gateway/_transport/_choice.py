"""Which transport a gateway runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from ._poller import can_poll
from ._readiness import ReadinessPort
from ._tasks import TaskPort

if TYPE_CHECKING:
    from regrow.actors import Node
    from regrow.gateway._settings._settings import Settings

    from ._transport import Transport

__all__ = ["TransportName", "open_transport"]

TransportName: TypeAlias = Literal["readiness", "tasks"]
"""How a gateway waits for its sockets. They differ in nothing else.

``readiness``: one epoll or kqueue, looked at by the tick. ``tasks``: a trio task for each socket, wherever trio runs.
"""


def open_transport(name: TransportName | None, node: Node, settings: Settings) -> Transport:
    """Make a transport; None is readiness where the operating system can do it, else tasks.

    Raises:
        OSError: the operating system cannot.
        ValueError: there is none of this name.
    """
    if name is None:
        name = "readiness" if can_poll() else "tasks"
    if name == "readiness":
        return ReadinessPort(node, settings)
    if name == "tasks":
        return TaskPort(node, settings)
    raise ValueError(f"transport={name!r}: must be 'readiness' or 'tasks'")
