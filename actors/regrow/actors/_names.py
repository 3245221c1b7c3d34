"""Names: at most one living process a name, at most one name a process. See: Erlang ``register/2``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._context import current_node
from ._errors import NameTakenError, NotAProcessError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._pid import Pid
    from ._process import Process

__all__ = ["Names", "register", "registered", "unregister", "whereis"]


class Names:
    """The name table of one node.

    Invariant: ``all(p.pid.is_alive and p.name == name for name, p in table.items())``.
    """

    __slots__ = ("_table",)

    def __init__(self) -> None:
        self._table: dict[str, Process] = {}

    def find(self, name: str) -> Process | None:
        """The process that holds the name."""
        return self._table.get(name)

    def take(self, name: str, process: Process) -> None:
        """Give a name to a process that has none."""
        holder = self._table.get(name)
        if holder is not None:
            raise NameTakenError(f"the name {name!r} is held by {holder}")
        if process.name is not None:
            raise NameTakenError(f"{process} has a name already: {process.name!r}")
        self._table[name] = process
        process.name = name

    def release(self, process: Process) -> None:
        """Free the name of a process that holds one."""
        if process.name is not None:
            del self._table[process.name]
            process.name = None

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)


def register(name: str, pid: Pid) -> None:
    """Give a living process a name; it is freed when the process dies, before anyone hears of the death.

    Raises:
        NameTakenError: the name is held, or the process has one.
        NotAProcessError: the pid is dead, or of another node.

    See: Erlang ``register/2`` (rule N-1).
    """
    node = current_node()
    if pid.process is None or pid.process.node is not node:
        raise NotAProcessError(f"{pid} is no living process of {node} and cannot be named {name!r}")
    node.names.take(name, pid.process)


def unregister(name: str) -> None:
    """Free a name.

    Raises:
        UnknownNameError: nobody holds it.

    See: Erlang ``unregister/1`` (rule N-1).
    """
    names = current_node().names
    process = names.find(name)
    if process is None:
        raise UnknownNameError(f"no process is registered as {name!r}")
    names.release(process)


def whereis(name: str) -> Pid | None:
    """The process that holds the name, if any. See: Erlang ``whereis/1`` (rule N-2)."""
    process = current_node().names.find(name)
    return None if process is None else process.pid


def registered() -> list[str]:
    """All names held on this node. See: Erlang ``registered/0``."""
    return list(current_node().names)
