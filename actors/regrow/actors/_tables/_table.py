"""Tables: data that outlives a crash, because it belongs to another process than the one that uses it.

This file holds what every table has: an owner, a life and an access mode. `SetTable`, `OrderedSetTable`, `BagTable`
and `DuplicateBagTable` are the kinds.

See: Erlang ``ets``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar, cast

from regrow.actors._errors import NotAProcessError, TableAccessError, TableGoneError
from regrow.actors._processes._context import current, running
from regrow.actors._tables._table_rows import Rows
from regrow.actors._tables._table_values import GoneRows, TableAccess, TableInfo, TableTransfer

if TYPE_CHECKING:
    from regrow.actors._processes._pid import Pid
    from regrow.actors._processes._process import Process

__all__ = ["Table"]

K = TypeVar("K")
V = TypeVar("V")


class Table(Rows[K, V]):
    """Rows of a key and a value, in memory, owned by one process and gone with it. Make one of its four kinds.

    ETS stores tuples and is told which position is the key. Here a row is a key and one value, which is what Python
    calls a mapping; a value of many fields is a frozen dataclass. Keys are hashable, and equal when Python says
    so: 1, 1.0 and True are one key.

    The process that makes a table owns it. When the owner dies the table is gone before anyone hears of the death,
    its name free (rule P-7); an heir that is alive gets it instead, with a `TableTransfer`. A table survives the
    crash of those who use it if its owner does nothing but own it, or if its heir gives it back.

    Rows are shared, not copied: store frozen values. All operations are immediate and atomic, and none suspends:
    no other process runs in between. Lists of rows or keys are snapshots, so a table may change while one walks
    over them, which is what ETS needs ``safe_fixtable`` for.

    Ports, timers and other code outside processes can read what is not private and write what is public, in the
    thread of the node. Another thread may look up single keys; nothing else is promised to it.

    Raises:
        NameTakenError: it is to be named, and another table of this node has the name.
        NotAProcessError: the caller is not a process, or ``heir`` is one of another node.
        TableAccessError: from any operation: the access mode does not allow it.
        TableGoneError: from any operation but `info`: the table was deleted or died with its owner.

    See: Erlang ``ets:new/2``.
    """

    __slots__ = (
        "_access",
        "_guards_reads",
        "_guards_writes",
        "_heir",
        "_heir_data",
        "_holder",
        "_is_named",
        "_name",
        "_node",
    )

    _kind: ClassVar[str]
    _holder: Process | None
    """The owner; None once it is gone. Invariant: ``_holder is None or self in _holder.holdings`` while that lives."""

    def __init__(
        self,
        name: str,
        *,
        access: TableAccess = TableAccess.PROTECTED,
        named: bool = False,
        heir: Pid | None = None,
        heir_data: Any = None,
    ) -> None:
        """Make an empty table, owned by the running process.

        Args:
            name: what it is called in errors; `whereis_table` finds it by this name if it is ``named``.
            access: who may touch the rows.
            named: whether the name is to be unique on this node.
            heir: the process that gets the table when its owner dies; one that is dead then inherits nothing.
            heir_data: `TableTransfer.data` for the heir.
        """
        owner = current()
        if owner.pid.process is None:
            raise NotAProcessError(f"{owner} is dead and cannot own a table")
        self._node = owner.node
        self._check_heir(heir)
        self._name = name
        self._is_named = named
        if named:
            self._node.tables.take(name, self)
        self._access = access
        self._guards_reads = access is TableAccess.PRIVATE
        self._guards_writes = access is not TableAccess.PUBLIC
        self._heir = heir
        self._heir_data = heir_data
        self._holder = owner
        self._rows = {}
        owner.hold(self)

    def __repr__(self) -> str:
        state = "gone" if self._holder is None else f"owned by {self._holder.pid}"
        return f"<{type(self).__name__} {self._name!r}, {state}>"

    # Its life.

    @property
    def name(self) -> str:
        """What it is called."""
        return self._name

    @property
    def owner(self) -> Pid | None:
        """The process it belongs to; None once it is gone."""
        return None if self._holder is None else self._holder.pid

    def info(self) -> TableInfo | None:
        """What is known of it, whoever asks; None if it is gone. See: Erlang ``ets:info/1``."""
        owner = self.owner
        if owner is None:
            return None
        return TableInfo(self._name, self._kind, self._access, self._is_named, owner, self._heir, self._row_count())

    def rename(self, name: str) -> None:
        """Call it something else. Whoever may write may rename.

        Raises:
            NameTakenError: it is a named table, and another table has the name.

        See: Erlang ``ets:rename/2``.
        """
        self._writable()
        if self._is_named and name != self._name:
            self._node.tables.take(name, self)
            self._node.tables.release(self._name)
        self._name = name

    def delete_table(self) -> None:
        """End it: whoever uses it from now on gets a `TableGoneError`. Whoever may write may.

        See: Erlang ``ets:delete/1``.
        """
        self._writable()
        self._end()

    def give_away(self, pid: Pid, data: Any = None) -> None:
        """Make another process its owner, which gets a `TableTransfer`. The heir stays. Only the owner may.

        Raises:
            NotAProcessError: the pid is dead, or of another node.
            ValueError: the process owns it already.

        See: Erlang ``ets:give_away/3``.
        """
        self._check_owner()
        process = pid.process
        if process is None or process.node is not self._node:
            raise NotAProcessError(f"{pid} is no living process of {self._node} and cannot be given {self!r}")
        if process is self._holder:
            raise ValueError(f"{pid} owns {self!r} already")
        giver = current()
        giver.let_go(self)
        self._pass_on(process, giver.pid, data)

    def set_heir(self, heir: Pid | None, data: Any = None) -> None:
        """Choose who gets it when its owner dies, or with None that nobody does. Only the owner may.

        Raises:
            NotAProcessError: the process is one of another node.

        See: Erlang ``ets:setopts/2``.
        """
        self._check_owner()
        self._check_heir(heir)
        self._heir = heir
        self._heir_data = data

    def holder_died(self, pid: Pid, /) -> None:
        """Go to the heir, or end. Called inside the dying of the owner."""
        process = None if self._heir is None else self._heir.process
        if process is None:
            self._end()
        else:
            self._pass_on(process, pid, self._heir_data)

    def _pass_on(self, process: Process, giver: Pid, data: Any) -> None:
        self._holder = process
        process.hold(self)
        process.post(TableTransfer(self, giver, data))

    def _end(self) -> None:
        assert self._holder is not None
        self._holder.let_go(self)
        if self._is_named:
            self._node.tables.release(self._name)
        self._holder = None
        self._heir = self._heir_data = None
        self._rows = cast("dict[K, Any]", GoneRows(self._name))

    # Who may.

    def _check_owner(self) -> None:
        place = running.get(None)
        if place is None or place.process is not self._holder or self._holder is None:
            self._refuse(None if place is None else place.process)

    def _refuse(self, process: Process | None) -> NoReturn:
        if self._holder is None:
            raise TableGoneError(self._name)
        who = "code outside every process" if process is None else str(process)
        raise TableAccessError(
            f"{who} may not do this to the {self._access} table {self._name!r}: its owner, {self._holder.pid}, may"
        )

    def _check_heir(self, heir: Pid | None) -> None:
        if heir is not None and heir.process is not None and heir.process.node is not self._node:
            raise NotAProcessError(f"{heir} is no process of {self._node} and cannot inherit a table there")

    def _readable(self) -> dict[K, Any]:
        if self._guards_reads:
            self._check_owner()
        return self._rows

    def _writable(self) -> dict[K, Any]:
        if self._guards_writes or self._holder is None:
            self._check_owner()
        return self._rows

    def member(self, key: K) -> bool:
        """Whether there is a row with this key; ``key in table`` is the same. See: Erlang ``ets:member/2``."""
        return key in self

    def __contains__(self, key: K) -> bool:
        if self._guards_reads:
            self._check_owner()
        return key in self._rows
