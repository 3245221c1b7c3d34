"""Tables with many values a key: each once, or as often as it was inserted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, final

from regrow.actors._tables._table import Table
from regrow.actors._tables._table_values import TableAccess

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from regrow.actors._processes._pid import Pid

__all__ = ["BagTable", "DuplicateBagTable"]

K = TypeVar("K")
V = TypeVar("V")


class _ManyValued(Table[K, V]):
    """A table whose keys lead to collections of values, none of them empty."""

    __slots__ = ("_count",)

    _count: int
    """Invariant: ``_count == sum(len(values) for values in _rows.values())`` until it is gone."""

    def __init__(
        self,
        name: str,
        *,
        access: TableAccess = TableAccess.PROTECTED,
        named: bool = False,
        heir: Pid | None = None,
        heir_data: Any = None,
    ) -> None:
        """Make an empty table: see `Table`."""
        super().__init__(name, access=access, named=named, heir=heir, heir_data=heir_data)
        self._count = 0

    def insert_all(self, rows: Iterable[tuple[K, V]]) -> None:
        """Add many rows, or on an error none."""
        self._writable()
        added = list(rows)
        for key, value in added:  # raises before anything changed
            hash(key)
            self._check_value(value)
        for key, value in added:
            self.insert(key, value)

    def lookup(self, key: K) -> list[V]:
        """The values of a key, in the order of insertion; empty if there are none. See: Erlang ``ets:lookup/2``."""
        if self._guards_reads:
            self._check_owner()
        return list(self._rows.get(key, ()))

    def __getitem__(self, key: K) -> list[V]:
        """The values of a key.

        Raises:
            KeyError: there are none.

        See: Erlang ``ets:lookup_element/3``.
        """
        return list(self._readable()[key])

    def take(self, key: K) -> list[V]:
        """Take out a key and return its values; empty if there are none. See: Erlang ``ets:take/2``."""
        values = list(self._writable().get(key, ()))
        if values:
            self._drop(key)
        return values

    def delete_all_objects(self) -> None:
        """Take out every row. See: Erlang ``ets:delete_all_objects/1``."""
        super().delete_all_objects()
        self._count = 0

    def _row_count(self) -> int:
        return self._count if self._rows else 0

    def _each(self) -> Iterable[tuple[K, V]]:
        return [(key, value) for key, values in self._rows.items() for value in values]

    def _drop(self, key: K) -> None:
        values: Collection[V] = self._rows.pop(key)
        self._count -= len(values)

    def _check_value(self, _value: V) -> None:
        """Raise if it cannot be a value of this kind."""


@final
class BagTable(_ManyValued[K, V]):
    """A table with many values a key, each of them once. Values are hashable. See: Erlang ``ets``, ``bag``."""

    __slots__ = ()

    _kind: ClassVar[str] = "bag"
    _rows: dict[K, dict[V, None]]

    def insert(self, key: K, value: V, /) -> None:
        """Add a value to a key; nothing changes if it is there. See: Erlang ``ets:insert/2``."""
        if self._guards_writes:
            self._check_owner()
        rows = self._rows
        values = rows.get(key)
        if values is None:
            rows[key] = {value: None}
            self._count += 1
        elif value not in values:
            values[value] = None
            self._count += 1

    def delete_object(self, key: K, value: V) -> None:
        """Take out one value of a key. See: Erlang ``ets:delete_object/2``."""
        values = self._writable().get(key)
        if values is None or value not in values:
            return
        del values[value]
        self._count -= 1
        if not values:
            del self._rows[key]

    def _check_value(self, value: V) -> None:
        hash(value)


@final
class DuplicateBagTable(_ManyValued[K, V]):
    """A table with many values a key, each as often as it was inserted. See: Erlang ``ets``, ``duplicate_bag``."""

    __slots__ = ()

    _kind: ClassVar[str] = "duplicate_bag"
    _rows: dict[K, list[V]]

    def insert(self, key: K, value: V, /) -> None:
        """Add a value to a key. See: Erlang ``ets:insert/2``."""
        if self._guards_writes:
            self._check_owner()
        rows = self._rows
        values = rows.get(key)
        if values is None:
            rows[key] = [value]
        else:
            values.append(value)
        self._count += 1

    def delete_object(self, key: K, value: V) -> None:
        """Take out every occurrence of a value of a key. See: Erlang ``ets:delete_object/2``."""
        rows = self._writable()
        if key not in rows:
            return
        kept = [other for other in rows[key] if other != value]
        self._count -= len(rows[key]) - len(kept)
        if kept:
            rows[key] = kept
        else:
            del rows[key]
