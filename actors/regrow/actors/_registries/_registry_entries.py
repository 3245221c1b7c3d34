"""The data of a registry: what keys lead to, and what each process holds. No process and no message in here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regrow.actors._registries._registry_values import Registration, RegistryEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from regrow.actors._processes._pid import Pid

__all__ = ["DuplicateEntries", "Entries", "UniqueEntries"]


class Entries:
    """Registrations, found by key and by process; what both kinds of keys have in common."""

    __slots__ = ("_held", "size")

    _held: dict[Pid, dict[Hashable, int]]
    """How many registrations each process has, by key; neither the dicts nor the counts are ever empty."""
    size: int
    """How many registrations there are."""

    def __init__(self) -> None:
        self._held = {}
        self.size = 0

    def holder(self, key: Hashable, /) -> Pid | None:
        """The process that alone holds a key, if there is one."""
        raise NotImplementedError

    def add(self, key: Hashable, pid: Pid, value: Any) -> None:
        """Add a registration; with unique keys the key is held by nobody."""
        self._put(key, pid, value)
        held = self._held.get(pid)
        if held is None:
            self._held[pid] = {key: 1}
        else:
            held[key] = held.get(key, 0) + 1
        self.size += 1

    def entries(self, key: Hashable) -> list[RegistryEntry]:
        """What a key leads to."""
        raise NotImplementedError

    def values(self, key: Hashable, pid: Pid) -> list[Any]:
        """What a process has registered with a key."""
        raise NotImplementedError

    def keys(self, pid: Pid) -> list[Any]:
        """The keys of a process, as often as it has registered them."""
        return [key for key, times in self._held.get(pid, {}).items() for _ in range(times)]

    def is_held_by(self, pid: Pid) -> bool:
        """Whether a process has any registration."""
        return pid in self._held

    def holders(self) -> list[Pid]:
        """The processes that have registrations."""
        return list(self._held)

    def remove(self, key: Hashable, pid: Pid, predicate: Callable[[Any], object] | None = None) -> int:
        """Take out a process's registrations of a key, those whose value satisfies the predicate; how many."""
        held = self._held.get(pid)
        if held is None or key not in held:
            return 0
        removed = self._cut(key, pid, predicate)
        self.size -= removed
        held[key] -= removed
        if not held[key]:
            del held[key]
            if not held:
                del self._held[pid]
        return removed

    def remove_all(self, pid: Pid) -> list[Any]:
        """Take out everything of a process; its keys, as often as it had registered them."""
        keys = self.keys(pid)
        for key in dict.fromkeys(keys):
            self.remove(key, pid)
        return keys

    def __iter__(self) -> Iterator[Registration]:
        raise NotImplementedError

    def _put(self, key: Hashable, pid: Pid, value: Any) -> None:
        raise NotImplementedError

    def _cut(self, key: Hashable, pid: Pid, predicate: Callable[[Any], object] | None, /) -> int:
        raise NotImplementedError


class UniqueEntries(Entries):
    """One registration a key."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        super().__init__()
        self._rows: dict[Hashable, RegistryEntry] = {}

    def holder(self, key: Hashable, /) -> Pid | None:
        """The process that holds a key."""
        entry = self._rows.get(key)
        return None if entry is None else entry.pid

    def entries(self, key: Hashable) -> list[RegistryEntry]:
        """What a key leads to: one entry or none."""
        entry = self._rows.get(key)
        return [] if entry is None else [entry]

    def values(self, key: Hashable, pid: Pid) -> list[Any]:
        """What a process has registered with a key: one value or none."""
        return [entry.value for entry in self.entries(key) if entry.pid is pid]

    def replace(self, key: Hashable, value: Any) -> None:
        """Change the value of a key that is held."""
        self._rows[key] = RegistryEntry(self._rows[key].pid, value)

    def __iter__(self) -> Iterator[Registration]:
        for key, (pid, value) in self._rows.items():
            yield Registration(key, pid, value)

    def _put(self, key: Hashable, pid: Pid, value: Any) -> None:
        self._rows[key] = RegistryEntry(pid, value)

    def _cut(self, key: Hashable, _pid: Pid, predicate: Callable[[Any], object] | None, /) -> int:
        if predicate is not None and not predicate(self._rows[key].value):
            return 0
        del self._rows[key]
        return 1


class DuplicateEntries(Entries):
    """Any number of registrations a key, grouped by process, so that one leaves a topic of thousands at no cost."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        super().__init__()
        self._rows: dict[Hashable, dict[Pid, list[Any]]] = {}

    def holder(self, _key: Hashable, /) -> Pid | None:
        """None: nobody holds a key alone."""
        return None

    def entries(self, key: Hashable) -> list[RegistryEntry]:
        """What a key leads to."""
        return [RegistryEntry(pid, value) for pid, values in self._rows.get(key, {}).items() for value in values]

    def values(self, key: Hashable, pid: Pid) -> list[Any]:
        """What a process has registered with a key."""
        return list(self._rows.get(key, {}).get(pid, ()))

    def __iter__(self) -> Iterator[Registration]:
        for key in self._rows:
            for pid, value in self.entries(key):
                yield Registration(key, pid, value)

    def _put(self, key: Hashable, pid: Pid, value: Any) -> None:
        self._rows.setdefault(key, {}).setdefault(pid, []).append(value)

    def _cut(self, key: Hashable, pid: Pid, predicate: Callable[[Any], object] | None, /) -> int:
        row = self._rows[key]
        kept = [] if predicate is None else [value for value in row[pid] if not predicate(value)]
        removed = len(row[pid]) - len(kept)
        if kept:
            row[pid] = kept
        else:
            del row[pid]
            if not row:
                del self._rows[key]
        return removed
