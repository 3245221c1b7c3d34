"""Tables with one value a key, in no order and in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeGuard, TypeVar, cast, final, overload

from sortedcontainers import SortedList

from regrow.actors._tables._table import Table
from regrow.actors._tables._table_values import END_OF_TABLE, EndOfTable, GoneRows, TableAccess

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from regrow.actors._processes._pid import Pid

__all__ = ["OrderedSetTable", "SetTable"]

D = TypeVar("D")
K = TypeVar("K")
V = TypeVar("V")


class SetTable(Table[K, V]):
    """A table with one value a key: inserting replaces. A look-up costs twice one in a dict.

    For a walk from key to key take an `OrderedSetTable`; over this one iterate. See: Erlang ``ets``, ``set``.
    """

    __slots__ = ()

    _kind: ClassVar[str] = "set"

    def insert(self, key: K, value: V, /) -> None:
        """Set the value of a key. See: Erlang ``ets:insert/2``."""
        if self._guards_writes:
            self._check_owner()
        self._rows[key] = value

    def insert_all(self, rows: Iterable[tuple[K, V]]) -> None:
        """Set the values of many keys, or on an error of none; of two rows with one key the later counts."""
        self._writable().update(dict(rows))

    @overload
    def lookup(self, key: K) -> V | None: ...
    @overload
    def lookup(self, key: K, default: D) -> V | D: ...
    def lookup(self, key: K, default: Any = None) -> Any:
        """The value of a key, or ``default``. See: Erlang ``ets:lookup/2``, ``ets:lookup_element/4``."""
        if self._guards_reads:
            self._check_owner()
        return self._rows.get(key, default)

    def __getitem__(self, key: K) -> V:
        """The value of a key.

        Raises:
            KeyError: there is none.

        See: Erlang ``ets:lookup_element/3``.
        """
        return cast("V", self._readable()[key])

    @overload
    def take(self, key: K) -> V | None: ...
    @overload
    def take(self, key: K, default: D) -> V | D: ...
    def take(self, key: K, default: Any = None) -> Any:
        """Take out a key and return its value, or ``default``. See: Erlang ``ets:take/2``."""
        rows = self._writable()
        if key not in rows:
            return default
        value = rows[key]
        self._drop(key)
        return value

    def update_element(self, key: K, value: V) -> bool:
        """Replace the value of a key that is there; whether it was. See: Erlang ``ets:update_element/3``."""
        rows = self._writable()
        if key not in rows:
            return False
        rows[key] = value
        return True

    def update_counter(
        self: SetTable[K, int],
        key: K,
        increment: int = 1,
        *,
        default: int | None = None,
        threshold: tuple[int, int] | None = None,
    ) -> int:
        """Add to an integer value; the result.

        ``default`` is the value before, for a key that is not there. With a ``threshold`` of ``(limit, reset)``
        a result beyond the limit, above it when counting up and below it when counting down, becomes ``reset``.

        Raises:
            KeyError: there is no such key, and no default.
            TypeError: the value or the increment is not an int.

        See: Erlang ``ets:update_counter/4``.
        """
        rows = self._writable()
        before: object = rows.get(key, default)
        if before is None and key not in rows:
            raise KeyError(key)
        if not _is_int(before) or not _is_int(increment):
            raise TypeError(
                f"a counter is an int and counts in ints: {before!r} + {increment!r} of {key!r} in {self!r}"
            )
        result = before + increment
        if threshold is not None:
            limit, reset = threshold
            if (increment > 0 and result > limit) or (increment < 0 and result < limit):
                result = reset
        self.insert(key, result)
        return result

    def delete_object(self, key: K, value: V) -> None:
        """Take out a key if it has this value. See: Erlang ``ets:delete_object/2``."""
        rows = self._writable()
        if key in rows and rows[key] == value:
            self._drop(key)

    def _each(self) -> Iterable[tuple[K, V]]:
        return self._rows.items()


def _is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


class _Order(Protocol[K]):
    """What is used of a `SortedList`, which has no type information."""

    def __getitem__(self, index: int, /) -> K: ...
    def __iter__(self) -> Iterator[K]: ...
    def __len__(self) -> int: ...
    def add(self, key: K, /) -> None: ...
    def bisect_left(self, key: K, /) -> int: ...
    def bisect_right(self, key: K, /) -> int: ...
    def clear(self) -> None: ...
    def remove(self, key: K, /) -> None: ...


@final
class OrderedSetTable(SetTable[K, V]):
    """A set whose keys are in ascending order; they must be comparable with ``<``. See: Erlang ``ordered_set``.

    Looking up costs what it costs in a `SetTable`; a new key, a key deleted and a step cost the logarithm of the size.

    Raises:
        TypeError: from the operations that take a key: it cannot be compared with those that are there. Erlang
            has an order between any two values, Python has none between a number and a string.
    """

    __slots__ = ("_order",)

    _kind: ClassVar[str] = "ordered_set"
    _order: _Order[K]
    """Invariant: ``list(_order) == sorted(_rows)``."""

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
        self._order = cast("_Order[K]", SortedList())

    def insert(self, key: K, value: V, /) -> None:
        """Set the value of a key; of two keys that are equal, like 1 and 1.0, the first stays."""
        if self._guards_writes:
            self._check_owner()
        if key not in self._rows:
            self._order.add(key)
        self._rows[key] = value

    def insert_all(self, rows: Iterable[tuple[K, V]]) -> None:
        """Set the values of many keys, or on an error of none; of two rows with one key the later counts."""
        table = self._writable()
        added = dict(rows)
        fresh = [key for key in added if key not in table]
        trial = cast("_Order[K]", SortedList(fresh))  # all are comparable, or it raises before anything changed
        for key in trial:
            self._order.bisect_left(key)
        for key in fresh:
            self._order.add(key)
        table.update(added)

    def delete_all_objects(self) -> None:
        """Take out every row. See: Erlang ``ets:delete_all_objects/1``."""
        super().delete_all_objects()
        self._order.clear()

    def keys(self) -> list[K]:
        """Each key, in ascending order."""
        self._readable()
        return list(self._order)

    def first(self) -> K | Literal[EndOfTable.END_OF_TABLE]:
        """The least key. See: Erlang ``ets:first/1``."""
        return self._at(0)

    def last(self) -> K | Literal[EndOfTable.END_OF_TABLE]:
        """The greatest key. See: Erlang ``ets:last/1``."""
        self._readable()
        return self._at(len(self._order) - 1)

    def next(self, key: K) -> K | Literal[EndOfTable.END_OF_TABLE]:
        """The least key above this one, which need not be there. See: Erlang ``ets:next/2``."""
        self._readable()
        return self._at(self._order.bisect_right(key))

    def prev(self, key: K) -> K | Literal[EndOfTable.END_OF_TABLE]:
        """The greatest key below this one, which need not be there. See: Erlang ``ets:prev/2``."""
        self._readable()
        return self._at(self._order.bisect_left(key) - 1)

    def _at(self, index: int) -> K | Literal[EndOfTable.END_OF_TABLE]:
        self._readable()
        return self._order[index] if 0 <= index < len(self._order) else END_OF_TABLE

    def _each(self) -> Iterable[tuple[K, V]]:
        rows = self._rows
        return [(key, rows[key]) for key in self._order]

    def _drop(self, key: K) -> None:
        del self._rows[key]
        self._order.remove(key)

    def _end(self) -> None:
        super()._end()
        self._order = cast("_Order[K]", GoneRows(self._name))
