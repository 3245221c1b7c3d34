"""Who is running: the process whose code is on the stack."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from ._errors import NotAProcessError

if TYPE_CHECKING:
    from ._node import Node
    from ._pid import Pid
    from ._process import Process

__all__ = ["Running", "current", "current_node", "running", "self_"]


class Running:
    """A place that says which process runs: one for each task process, one for all inline processes of a node.

    The tick changes the attribute rather than the context variable: an attribute store is three times cheaper.
    """

    __slots__ = ("process",)

    def __init__(self, process: Process | None) -> None:
        self.process = process


running: ContextVar[Running] = ContextVar("regrow.running")


def current() -> Process:
    """The process that is running.

    Raises:
        NotAProcessError: the caller is not a process.
    """
    place = running.get(None)
    if place is None or place.process is None:
        raise NotAProcessError(
            "this is not a process: use process primitives inside `async with open_node():` or in a callback"
        )
    return place.process


def self_() -> Pid:
    """The pid of the running process. See: Erlang ``self/0``.

    Raises:
        NotAProcessError: the caller is not a process.
    """
    return current().pid


def current_node() -> Node:
    """The node of the running process. See: Erlang ``node/0``.

    Raises:
        NotAProcessError: the caller is not a process.
    """
    return current().node
