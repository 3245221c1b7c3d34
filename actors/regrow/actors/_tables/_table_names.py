"""Names of tables: at most one living table a name on each node. See: Erlang ``ets:new/2``, ``named_table``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regrow.actors._errors import NameTakenError
from regrow.actors._processes._context import current_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regrow.actors._tables._table import Table

__all__ = ["TableNames", "whereis_table"]


class TableNames:
    """The named tables of one node. A process may have the same name as a table.

    Invariant: ``all(t.owner is not None and t.name == name for name, t in tables.items())``.
    """

    __slots__ = ("_tables",)

    def __init__(self) -> None:
        self._tables: dict[str, Table[Any, Any]] = {}

    def find(self, name: str) -> Table[Any, Any] | None:
        """The table that has the name."""
        return self._tables.get(name)

    def take(self, name: str, table: Table[Any, Any]) -> None:
        """Give a name to a table that has none.

        Raises:
            NameTakenError: another table has it.
        """
        if name in self._tables:
            raise NameTakenError(f"the table name {name!r} is taken by a table of {self._tables[name].owner}")
        self._tables[name] = table

    def release(self, name: str) -> None:
        """Free the name of a table that has one."""
        del self._tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)


def whereis_table(name: str) -> Table[Any, Any] | None:
    """The named table of this name, if there is one. See: Erlang ``ets:whereis/1``.

    Raises:
        NotAProcessError: the caller belongs to no node.
    """
    return current_node().tables.find(name)
