"""The partition supervisor: many processes of one kind, each for its share of the keys.

It is a static supervisor whose children are numbered. Which process is which is written into a table by the
supervisor as it starts them, so that whoever has a key finds its process without asking anybody.

See: Elixir ``PartitionSupervisor``.
"""

from __future__ import annotations

import inspect
import os
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, cast, final
from zlib import crc32

from regrow.actors import NOPROC, CallError, Pid, SetTable, Via, self_, whereis_table

from ._child_spec import Started
from ._errors import BadOptionError
from ._starting import pid_of
from ._strategy import Strategy
from ._supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from ._child_spec import ChildSpec

__all__ = ["PartitionSupervisor", "partition_of"]

COUNT = "partitions"
"""The row of the table that says how many partitions there are; the other keys are their numbers."""


@final
class PartitionSupervisor:
    """Processes that share the work of one, each under a `Supervisor` of its own number.

    ::

        spec = ChildSpec("counter", Counter.start_link, (0,))
        ChildSpec("counters", partial(PartitionSupervisor.start_link, spec, name="counters"), type=ChildType.SUPERVISOR)
        ...
        cast(PartitionSupervisor.via("counters", user), "increment")

    The supervisor is asked by its name like any other: `which_children`, `count_children` and so on. Its children's
    ids are 0 to ``partitions - 1``.

    See: Elixir ``PartitionSupervisor``.
    """

    @staticmethod
    async def start_link(
        child: ChildSpec,
        *,
        name: str,
        partitions: int | None = None,
        with_arguments: Callable[[tuple[Any, ...], int], tuple[Any, ...]] | None = None,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        intensity: int = 3,
        period: int = 5,
    ) -> Pid:
        """Start a linked supervisor and its partitions, one after the other.

        Its table is a named one of the same ``name``. The other options are those of `Supervisor.start_link`, with
        Elixir's defaults, and `child_specs`.

        Raises:
            AlreadyStartedError: the name is held.
            BadLimitError, BadOptionError: an option is outside its contract.
            InitFailedError: a partition failed to start, or another table has the name.

        See: Elixir ``PartitionSupervisor.start_link/1``.
        """
        specs = PartitionSupervisor.child_specs(child, name=name, partitions=partitions, with_arguments=with_arguments)
        return await Supervisor.start_link(specs, strategy=strategy, intensity=intensity, period=period, name=name)

    @staticmethod
    def child_specs(
        child: ChildSpec,
        *,
        name: str,
        partitions: int | None = None,
        with_arguments: Callable[[tuple[Any, ...], int], tuple[Any, ...]] | None = None,
    ) -> list[ChildSpec]:
        """The specs of the partitions, as `Supervisor.upgrade` takes them when the child is to become another.

        ``child`` is the recipe of each, but for its id. There are as many ``partitions`` as the machine has cores
        unless it says otherwise; ``with_arguments(args, partition)`` makes the arguments of each.

        Raises:
            BadOptionError: an option is outside its contract.
        """
        count = (os.cpu_count() or 1) if partitions is None else partitions
        if not name or not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance] - not all run a checker
            raise BadOptionError("name", name, "a str: partitions are found by it")
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:  # pyright: ignore[reportUnnecessaryIsInstance] - the same
            raise BadOptionError("partitions", partitions, "a positive int")
        specs: list[ChildSpec] = []
        for partition in range(count):
            args = child.args if with_arguments is None else with_arguments(child.args, partition)
            if not isinstance(args, tuple):  # pyright: ignore[reportUnnecessaryIsInstance] - the same
                raise BadOptionError("what with_arguments returns", args, "a tuple of arguments")
            start = partial(_start_partition, name, count, partition, child.start)
            specs.append(replace(child, id=partition, start=start, args=args, modules=child.code))
        return specs

    @staticmethod
    def via(name: str, key: Hashable) -> Via:
        """The partition a key belongs to, as a name to call, cast, send to, and monitor.

        It is looked up at each use, so that it leads to the process that serves the partition now: the new one right
        after a restart, none between the two, nor when no such supervisor runs. Works in ports and timers too.
        Nothing can be started under it. See `partition_of` for which it is.

        See: Elixir ``{:via, PartitionSupervisor, {name, key}}``.
        """
        return _PartitionVia(name, key)

    @staticmethod
    def partitions(name: str) -> int:
        """How many partitions there are. Does not wait.

        Raises:
            CallError: no partition supervisor runs under this name (`NOPROC`).

        See: Elixir ``PartitionSupervisor.partitions/1``.
        """
        table = _table_of(name)
        if table is None:
            raise CallError(NOPROC, name)
        return cast("int", table[COUNT])


def partition_of(key: Hashable, partitions: int) -> int:
    """The number of the partition that serves a key.

    An int goes to the remainder of its absolute value; anything else to that of the CRC-32 of its ``repr``, which is
    the same in every run and on every machine, as ``hash`` is not. So a key must print the same whenever it is the
    same: a str, bytes, a pid, a tuple or frozen dataclass of such does, a set does not.

    See: Elixir ``PartitionSupervisor``, which takes ``rem(abs(key), partitions)`` and ``:erlang.phash2``.
    """
    return (abs(key) if isinstance(key, int) else crc32(repr(key).encode())) % partitions


@final
@dataclass(frozen=True, slots=True)
class _PartitionVia(Via):
    """A key of a partition supervisor as a name."""

    supervisor: str
    key: Hashable

    def __repr__(self) -> str:
        return f"PartitionSupervisor.via({self.supervisor!r}, {self.key!r})"

    def register(self, _pid: Pid, /) -> NoReturn:
        """Refuse: the supervisor alone says who serves a key."""
        raise BadOptionError("name", self, "a name a process can be given: partitions are started by their supervisor")

    def unregister(self) -> NoReturn:
        """Refuse, for the same reason."""
        raise BadOptionError("name", self, "a name that can be freed: partitions are stopped by their supervisor")

    def whereis(self) -> Pid | None:
        """The living process of the partition."""
        table = _table_of(self.supervisor)
        pid = None if table is None else table.lookup(partition_of(self.key, table[COUNT]))
        return pid if pid is not None and pid.is_alive else None


def _table_of(name: str) -> SetTable[Any, Any] | None:
    table = whereis_table(name)
    return table if isinstance(table, SetTable) and COUNT in table else None


async def _start_partition(
    name: str,
    count: int,
    partition: int,
    start: Callable[..., Pid | Started | Awaitable[Pid | Started | None] | None],
    *args: Any,
) -> Pid | Started | None:
    """Start one partition, as the supervisor, and write down who serves it."""
    table = _table_of(name)
    if table is None or table.owner is not self_():
        table = SetTable[Any, Any](name, named=True)
        table.insert(COUNT, count)
    started: Any = start(*args)
    if inspect.isawaitable(started):
        started = await started
    if isinstance(started, (Pid, Started)):
        table.insert(partition, pid_of(started))
    return cast("Pid | Started | None", started)
