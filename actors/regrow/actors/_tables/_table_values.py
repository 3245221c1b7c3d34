"""What is said about tables: who may touch one, what it is, that it has changed hands, and that it is gone."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, final

from regrow.actors._errors import TableGoneError

if TYPE_CHECKING:
    from regrow.actors._processes._pid import Pid
    from regrow.actors._tables._table import Table

__all__ = ["END_OF_TABLE", "EndOfTable", "GoneRows", "TableAccess", "TableInfo", "TableTransfer"]


class TableAccess(enum.StrEnum):
    """Who may touch the rows of a table. See: Erlang ``ets:new/2``, *Access*."""

    PUBLIC = "public"
    """Everybody reads and writes."""
    PROTECTED = "protected"
    """Everybody reads, the owner writes."""
    PRIVATE = "private"
    """The owner reads and writes."""


class EndOfTable(enum.Enum):
    """The type of `END_OF_TABLE`."""

    END_OF_TABLE = enum.auto()

    def __repr__(self) -> str:
        return self.name


END_OF_TABLE: Final[Literal[EndOfTable.END_OF_TABLE]] = EndOfTable.END_OF_TABLE
"""There is no such key: the walk is over. See: Erlang ``'$end_of_table'``."""


@final
@dataclass(frozen=True, slots=True)
class TableInfo:
    """What is known of a table. See: Erlang ``ets:info/1``."""

    name: str
    kind: str
    """``set``, ``ordered_set``, ``bag`` or ``duplicate_bag``."""
    access: TableAccess
    is_named: bool
    """Whether `whereis_table` finds it."""
    owner: Pid
    heir: Pid | None
    """Who inherits it, dead or alive."""
    size: int
    """How many rows it has."""


@final
@dataclass(frozen=True, slots=True)
class TableTransfer:
    """A table is yours now: its owner died and you are the heir, or gave it away.

    See: Erlang ``{'ETS-TRANSFER', Table, FromPid, Data}``.
    """

    table: Table[Any, Any]
    giver: Pid
    """The owner before; dead, if the table was inherited."""
    data: Any
    """What `Table.give_away` or the choice of the heir said."""


@final
class GoneRows:
    """In place of the rows of a table that is gone. Every access raises, so the living pay for no test."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def _refuse(self, *_: object) -> NoReturn:
        raise TableGoneError(self._name)

    __contains__ = __getitem__ = __iter__ = __len__ = __setitem__ = _refuse
    bisect_left = bisect_right = clear = get = items = pop = update = _refuse
