"""Names: at most one living process a name, at most one name a process. See: Erlang ``register/2``.

A `Via` is a name in some other registry. Wherever a server is started or addressed by name, either kind will do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from regrow.actors._errors import NameTakenError, NotAProcessError, UnknownNameError
from regrow.actors._processes._context import current_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regrow.actors._processes._node import Node
    from regrow.actors._processes._pid import Pid
    from regrow.actors._processes._process import Process

__all__ = ["Name", "Names", "Via", "find", "register", "registered", "take", "unregister", "whereis"]


class Via:
    """A name in a registry of one's own; hashable, and equal to another that names the same.

    See: the ``{via, Module, Name}`` of OTP's ``gen_server:start_link/4`` (rule N-2).
    """

    __slots__ = ()

    def register(self, pid: Pid, /) -> None:
        """Give the name to a living process, for as long as it lives.

        Raises:
            NameTakenError: another living process holds it.

        See: ``register_name/2`` of a ``via`` module.
        """
        raise NotImplementedError

    def unregister(self) -> None:
        """Free the name; no error if nobody holds it. See: ``unregister_name/1`` of a ``via`` module."""
        raise NotImplementedError

    def whereis(self) -> Pid | None:
        """The living process that holds the name. See: ``whereis_name/1`` of a ``via`` module."""
        raise NotImplementedError


Name = str | Via
"""What a process can be started as: a name of the node, or one of another registry."""


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


def find(node: Node, name: Name) -> Process | None:
    """The living process that holds a name of either kind."""
    if isinstance(name, Via):
        pid = name.whereis()
        return None if pid is None else pid.process
    return node.names.find(name)


def take(node: Node, name: Name, process: Process) -> None:
    """Give a process a name of either kind."""
    if isinstance(name, Via):
        name.register(process.pid)
    else:
        node.names.take(name, process)


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
