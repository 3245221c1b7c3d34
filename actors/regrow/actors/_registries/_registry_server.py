"""The process behind a registry: it owns the entries, and everyone who registers is linked to it.

Nobody calls it. Whoever registers or looks up does so on its data, as on the ETS tables of Elixir's registry, which
are public for the same reason: a look-up must cost no message. So Elixir's partitions have no place here either:
they spread the load over cores, and a node has one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from regrow.actors._errors import AlreadyRegisteredError, NotAProcessError, NotRegisteredError, RegistryKeysError
from regrow.actors._processes._context import current
from regrow.actors._processes._links import trap_exit
from regrow.actors._processes._process import bind
from regrow.actors._processes._signals import Exit
from regrow.actors._registries._registry_entries import DuplicateEntries, UniqueEntries
from regrow.actors._registries._registry_values import Registered, RegistryKeys, Unregistered
from regrow.actors._servers._gen_server import GenServer

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from regrow.actors._processes._pid import Pid
    from regrow.actors._processes._process import Process
    from regrow.actors._registries._registry_entries import Entries

__all__ = ["RegistryServer"]


@final
class RegistryServer(GenServer):
    """A registry that runs. It is the holding of each process that has registered, and of its own.

    Invariant: ``all(pid.is_alive and self in pid.process.holdings for pid in entries.holders())``.
    """

    entries: Entries
    meta: dict[Hashable, Any]

    def init(self, name: str, keys: RegistryKeys, listeners: tuple[str, ...], meta: Mapping[Hashable, Any]) -> None:
        """Begin without entries."""
        trap_exit()
        self._name = name
        self._listeners = listeners
        self._process = current()
        self._bound: dict[Pid, Process] = {}  # who has a link only because of its registrations
        self.entries = UniqueEntries() if keys is RegistryKeys.UNIQUE else DuplicateEntries()
        self.meta = dict(meta)
        self._process.hold(self)

    def handle_info(self, message: object) -> None:
        """Ignore the death of those who had linked to it themselves."""
        if not isinstance(message, Exit):
            super().handle_info(message)

    def unique(self, operation: str) -> UniqueEntries:
        """The entries, if keys are unique.

        Raises:
            RegistryKeysError: they are not.
        """
        if not isinstance(self.entries, UniqueEntries):
            raise RegistryKeysError(self._name, operation)
        return self.entries

    def register(self, process: Process, key: Hashable, value: Any) -> None:
        """Add a registration and tell the listeners.

        Raises:
            AlreadyRegisteredError: keys are unique, and this one is held.
            NotAProcessError: the process is dead, and unwinds.
        """
        pid = process.pid
        if pid.process is None:
            raise NotAProcessError(f"{process} is dead and cannot register {key!r}")
        holder = self.entries.holder(key)
        if holder is not None:
            raise AlreadyRegisteredError(self._name, key, holder)
        if not self.entries.is_held_by(pid):
            process.hold(self)
            if self._process not in process.linked():
                bind(process, self._process)
                self._bound[pid] = process
        self.entries.add(key, pid, value)
        if self._listeners:
            self._tell(Registered(self._name, key, pid, value))

    def unregister(self, process: Process, key: Hashable, predicate: Callable[[Any], object] | None = None) -> None:
        """Take out registrations of a process and tell the listeners."""
        pid = process.pid
        removed = self.entries.remove(key, pid, predicate)
        if removed and not self.entries.is_held_by(pid):
            process.let_go(self)
            self._unbind(pid)
        for _ in range(removed if self._listeners else 0):
            self._tell(Unregistered(self._name, key, pid))

    def update(self, process: Process, key: Hashable, function: Callable[[Any], Any]) -> tuple[Any, Any]:
        """Replace the value of a key the process holds; the new one and the old one.

        Raises:
            NotRegisteredError: the process does not hold it.
            RegistryKeysError: keys are not unique.
        """
        entries = self.unique("update_value")
        values = entries.values(key, process.pid)
        if not values:
            raise NotRegisteredError(self._name, key, process.pid)
        new = function(values[0])
        entries.replace(key, new)
        return new, values[0]

    def holder_died(self, pid: Pid, /) -> None:
        """Forget a process that has registered, or, if it is this one, everything."""
        if pid is self.pid:
            self._let_all_go()
            return
        keys = self.entries.remove_all(pid)
        self._unbind(pid)  # its exit signal would tell nothing new
        if self._listeners:
            for key in keys:
                self._tell(Unregistered(self._name, key, pid))

    def _let_all_go(self) -> None:
        for pid in self.entries.holders():
            if pid.process is not None:
                pid.process.let_go(self)
        self._bound.clear()

    def _unbind(self, pid: Pid) -> None:
        process = self._bound.pop(pid, None)
        if process is not None:
            process.part(self._process)
            self._process.part(process)

    def _tell(self, message: Registered | Unregistered) -> None:
        names = self._process.node.names
        for name in self._listeners:
            listener = names.find(name)
            if listener is not None:
                listener.post(message)
