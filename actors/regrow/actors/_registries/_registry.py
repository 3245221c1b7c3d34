"""Registries: processes found by keys of any kind. A `Registry` says where; the process behind it does the work.

::

    rooms = Registry("rooms")
    await Supervisor.start_link([ChildSpec("rooms", rooms.start_link)])
    await Room.start_link(name=rooms.via("lobby"))
    cast(rooms.via("lobby"), "hello")

See: Elixir ``Registry``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

from regrow.actors._errors import NotAProcessError, RegistryKeysError, UnknownRegistryError
from regrow.actors._processes._context import current, current_node
from regrow.actors._processes._names import Via
from regrow.actors._registries._registry_server import RegistryServer
from regrow.actors._registries._registry_values import Registration, RegistryEntry, RegistryKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from regrow.actors._processes._pid import Pid

__all__ = ["Registry"]


@final
@dataclass(frozen=True, slots=True)
class Registry:
    """A registry by its name: a value to keep in a module, whether or not the registry runs.

    Every operation looks up the running registry of this name on the node of the caller. What is registered belongs
    to the process that registered it and is gone before anyone hears of its death (rule P-7; in Elixir a moment
    later), so a look-up never finds the dead. Who has a registration is linked to the registry: if that dies
    abnormally they die with it, and come back registered when their supervisors restart them after it.

    Keys are hashable, and equal when Python says so: 1 and 1.0 are one key. Where Elixir takes match patterns this
    takes predicates. All operations are immediate; those that read, and `dispatch`, work in ports and timers too.

    Raises:
        UnknownRegistryError: from every operation but `start_link` and `via`: no registry of this name runs.

    See: Elixir ``Registry``; its partitions are left out, because a node has one core.
    """

    name: str
    """The name of its process; two registries with the same name are equal."""
    keys_are: RegistryKeys = field(default=RegistryKeys.UNIQUE, compare=False)
    """How many registrations a key may have, once it is started."""
    listeners: tuple[str, ...] = field(default=(), compare=False)
    """Names of processes that get `Registered` and `Unregistered`; one that nobody holds is no error."""
    initial_meta: Mapping[Hashable, Any] = field(default_factory=dict[Any, Any], compare=False)
    """What `meta` finds at the start."""

    async def start_link(self) -> Pid:
        """Start the registry, linked to the running process: what a `ChildSpec` starts.

        Raises:
            AlreadyStartedError: the name is held.

        See: Elixir ``Registry.start_link/1``.
        """
        pid = await RegistryServer.start_link(
            self.name, self.keys_are, self.listeners, self.initial_meta, name=self.name
        )
        assert pid is not None
        return pid

    # Registering.

    def register(self, key: Hashable, value: Any = None) -> Pid:
        """Register the running process, which gets linked to the registry; the pid of the registry.

        With duplicate keys a process may register the same key many times.

        Raises:
            AlreadyRegisteredError: keys are unique and the key is held, maybe by the running process.
            NotAProcessError: the caller is not a process.

        See: Elixir ``Registry.register/3``.
        """
        server = self._server()
        server.register(current(), key, value)
        return server.pid

    def unregister(self, key: Hashable) -> None:
        """Take out what the running process has registered with a key; no error if that is nothing.

        Whoever has no registration left is no longer linked to the registry, unless it was before.

        See: Elixir ``Registry.unregister/2``.
        """
        self._server().unregister(current(), key)

    def unregister_match(self, key: Hashable, predicate: Callable[[Any], object]) -> None:
        """Like `unregister`, for the registrations whose value satisfies a predicate.

        See: Elixir ``Registry.unregister_match/4``.
        """
        self._server().unregister(current(), key, predicate)

    def update_value(self, key: Hashable, function: Callable[[Any], Any]) -> tuple[Any, Any]:
        """Replace the value of a key of the running process by ``function(value)``; the new value and the old.

        Raises:
            NotRegisteredError: the running process does not hold it.
            RegistryKeysError: keys are duplicate.

        See: Elixir ``Registry.update_value/3``.
        """
        return self._server().update(current(), key, function)

    def via(self, key: Hashable, value: Any = None) -> Via:
        """The key as a name: to start a server with, registered with ``value``, and to send to.

        When no registry runs nobody holds the name, and a start fails with `UnknownRegistryError`.

        Raises:
            RegistryKeysError: keys are duplicate.

        See: Elixir ``{:via, Registry, {registry, key, value}}``.
        """
        if self.keys_are is not RegistryKeys.UNIQUE:
            raise RegistryKeysError(self.name, "via")
        return _RegistryVia(self, key, value)

    # Looking up.

    def lookup(self, key: Hashable) -> list[RegistryEntry]:
        """What a key leads to, in no particular order. See: Elixir ``Registry.lookup/2``."""
        return self._server().entries.entries(key)

    def whereis(self, key: Hashable) -> Pid | None:
        """The process that holds a unique key, if any.

        Raises:
            RegistryKeysError: keys are duplicate.

        See: Elixir ``Registry.whereis_name/1``.
        """
        return self._server().unique("whereis").holder(key)

    def dispatch(self, key: Hashable, function: Callable[[list[RegistryEntry]], object]) -> None:
        """Call ``function`` with what a key leads to, in the caller; not at all if that is nothing.

        See: Elixir ``Registry.dispatch/4``.
        """
        entries = self.lookup(key)
        if entries:
            function(entries)

    def keys(self, pid: Pid) -> list[Any]:
        """The keys of a process, as often as it has registered each. See: Elixir ``Registry.keys/2``."""
        return self._server().entries.keys(pid)

    def values(self, key: Hashable, pid: Pid) -> list[Any]:
        """What a process has registered with a key. See: Elixir ``Registry.values/3``."""
        return self._server().entries.values(key, pid)

    def match(self, key: Hashable, predicate: Callable[[Any], object]) -> list[RegistryEntry]:
        """What a key leads to, where the value satisfies a predicate. See: Elixir ``Registry.match/4``."""
        return [entry for entry in self.lookup(key) if predicate(entry.value)]

    def select(self, predicate: Callable[[Any, Pid, Any], object]) -> list[Registration]:
        """The registrations whose key, pid and value satisfy a predicate. See: Elixir ``Registry.select/2``."""
        return [row for row in list(self._server().entries) if predicate(*row)]

    def count(self) -> int:
        """How many registrations there are. See: Elixir ``Registry.count/1``."""
        return self._server().entries.size

    def count_match(self, key: Hashable, predicate: Callable[[Any], object]) -> int:
        """How many `match` finds. See: Elixir ``Registry.count_match/4``."""
        return len(self.match(key, predicate))

    def count_select(self, predicate: Callable[[Any, Pid, Any], object]) -> int:
        """How many `select` finds. See: Elixir ``Registry.count_select/2``."""
        return len(self.select(predicate))

    # What the registry itself carries.

    def meta(self, key: Hashable, default: Any = None) -> Any:
        """A value of the registry itself. See: Elixir ``Registry.meta/2``."""
        return self._server().meta.get(key, default)

    def put_meta(self, key: Hashable, value: Any) -> None:
        """Set such a value; lost when the registry dies. See: Elixir ``Registry.put_meta/3``."""
        self._server().meta[key] = value

    def delete_meta(self, key: Hashable) -> None:
        """Delete such a value; no error if there is none. See: Elixir ``Registry.delete_meta/2``."""
        self._server().meta.pop(key, None)

    def _server(self) -> RegistryServer:
        server = self._running()
        if server is None:
            raise UnknownRegistryError(self.name, current_node())
        return server

    def _running(self) -> RegistryServer | None:
        process = current_node().names.find(self.name)
        server = None if process is None else process.server
        return server if isinstance(server, RegistryServer) else None


@final
@dataclass(frozen=True, slots=True)
class _RegistryVia(Via):
    """A key of a registry as a name; equal to another of the same registry and key."""

    registry: Registry
    key: Hashable
    value: Any = field(compare=False)

    def __repr__(self) -> str:
        return f"{self.registry.name}.via({self.key!r})"

    def register(self, pid: Pid, /) -> None:
        """Register a living process. Called where servers are started, as their starter."""
        server = self.registry._server()
        server.unique("via")
        if pid.process is None or pid.process.node is not current_node():
            raise NotAProcessError(f"{pid} is no living process of {current_node()} and cannot be named {self!r}")
        server.register(pid.process, self.key, self.value)

    def unregister(self) -> None:
        """Free the key."""
        server = self.registry._running()
        pid = self.whereis()
        if server is not None and pid is not None and pid.process is not None:
            server.unregister(pid.process, self.key)

    def whereis(self) -> Pid | None:
        """The process that holds the key; None also if no registry runs."""
        server = self.registry._running()
        return None if server is None else server.entries.holder(self.key)
