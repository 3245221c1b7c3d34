"""Who is running: the process whose code is on the stack."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from regrow.actors._errors import NotAProcessError

if TYPE_CHECKING:
    from regrow.actors._processes._node import Node
    from regrow.actors._processes._pid import Pid
    from regrow.actors._processes._process import Process

__all__ = ["Running", "current", "current_node", "running", "self_", "sender"]


class Running:
    """A place that says which process runs: one for each task process, one for all inline processes of a node.

    The tick changes the attribute rather than the context variable: an attribute store is three times cheaper.
    """

    __slots__ = ("late", "node", "process")

    late: Process | None
    """Who ran here before it died; its code may still unwind, but is no process any more."""

    def __init__(self, node: Node, process: Process | None) -> None:
        self.late = None
        self.node = node
        self.process = process

    def bury(self) -> None:
        """The process is dead."""
        self.late, self.process = self.process, None


running: ContextVar[Running] = ContextVar("regrow.running")


def current() -> Process:
    """The process that is running.

    Raises:
        NotAProcessError: the caller is not a process.
    """
    place = running.get(None)
    if place is None or place.process is None:
        if place is not None and place.late is not None:
            raise NotAProcessError(f"{place.late} is dead: its code only unwinds and is no process any more")
        raise NotAProcessError(
            "this is not a process: use process primitives inside `async with open_node():` or in a callback"
        )
    return place.process


def sender() -> Process | None:
    """The process that is running and wants to send a signal; None if it is dead and its code only unwinds.

    Raises:
        NotAProcessError: the caller never was a process.
    """
    place = running.get(None)
    return None if place is not None and place.late is not None else current()


def self_() -> Pid:
    """The pid of the running process. See: Erlang ``self/0``.

    Raises:
        NotAProcessError: the caller is not a process.
    """
    return current().pid


def current_node() -> Node:
    """The node of the running process, or of the port or timer that runs. See: Erlang ``node/0``.

    Raises:
        NotAProcessError: the caller belongs to no node.
    """
    place = running.get(None)
    if place is None:
        raise NotAProcessError("this belongs to no node: use it inside `async with open_node():`")
    return place.node
