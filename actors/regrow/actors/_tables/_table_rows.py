"""What can be done with the rows of a table of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Rows"]

A = TypeVar("A")
K = TypeVar("K")
V = TypeVar("V")


class Rows(Generic[K, V]):
    """Rows of a key and a value. Who may touch them is up to `Table`, what a key leads to is up to the kind."""

    __slots__ = ("_rows",)

    _rows: dict[K, Any]
    """`GoneRows` once the table is gone."""

    def _readable(self) -> dict[K, Any]:
        """The rows, if the running process may read them."""
        raise NotImplementedError

    def _writable(self) -> dict[K, Any]:
        """The rows, if the running process may write them."""
        raise NotImplementedError

    def insert(self, key: K, value: V, /) -> None:
        """Add a row. What becomes of other rows with this key is up to the kind. See: Erlang ``ets:insert/2``."""
        raise NotImplementedError

    def insert_all(self, rows: Iterable[tuple[K, V]]) -> None:
        """Add rows, one after the other: all of them, or on an error none. See: Erlang ``ets:insert/2``."""
        raise NotImplementedError

    def insert_new(self, key: K, value: V) -> bool:
        """Add a row if there is none with this key; whether it did. See: Erlang ``ets:insert_new/2``."""
        if key in self._writable():
            return False
        self.insert(key, value)
        return True

    def delete(self, key: K) -> None:
        """Take out the rows with this key; no error if there are none. See: Erlang ``ets:delete/2``."""
        if key in self._writable():
            self._drop(key)

    def delete_object(self, key: K, value: V) -> None:
        """Take out the rows with this key and this value; no error if there are none.

        See: Erlang ``ets:delete_object/2``.
        """
        raise NotImplementedError

    def delete_all_objects(self) -> None:
        """Take out every row. See: Erlang ``ets:delete_all_objects/1``."""
        self._writable().clear()

    def keys(self) -> list[K]:
        """Each key once: in ascending order in an ordered set, else as they were first inserted."""
        return list(self._readable())

    def __iter__(self) -> Iterator[K]:
        return iter(self.keys())

    def to_list(self) -> list[tuple[K, V]]:
        """Every row, in the order of `keys`. See: Erlang ``ets:tab2list/1``."""
        self._readable()
        return list(self._each())

    def select(self, predicate: Callable[[K, V], object]) -> list[tuple[K, V]]:
        """The rows whose key and value satisfy a predicate. Looks at every row.

        A predicate stands for ETS's match patterns and match specifications: Python's own ``match`` statement is
        theirs, and type-checked. See: Erlang ``ets:select/2``, ``ets:match_object/2``.
        """
        return [row for row in self.to_list() if predicate(*row)]

    def select_count(self, predicate: Callable[[K, V], object]) -> int:
        """How many rows satisfy a predicate. See: Erlang ``ets:select_count/2``."""
        return len(self.select(predicate))

    def select_delete(self, predicate: Callable[[K, V], object]) -> int:
        """Take out the rows that satisfy a predicate; how many there were. See: Erlang ``ets:select_delete/2``."""
        self._writable()
        doomed = self.select(predicate)
        for key, value in doomed:
            self.delete_object(key, value)
        return len(doomed)

    def fold(self, function: Callable[[A, K, V], A], initial: A) -> A:
        """Combine all rows: ``function(so_far, key, value)`` for each. See: Erlang ``ets:foldl/3``."""
        result = initial
        for key, value in self.to_list():
            result = function(result, key, value)
        return result

    def __len__(self) -> int:
        self._readable()
        return self._row_count()

    def _row_count(self) -> int:
        return len(self._rows)

    def _each(self) -> Iterable[tuple[K, V]]:
        raise NotImplementedError

    def _drop(self, key: K) -> None:
        """Take out the rows with a key that is there."""
        del self._rows[key]
