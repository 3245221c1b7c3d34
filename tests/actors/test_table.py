"""What holds for tables of every kind: owner, heir, access, names, and their end. Checked against OTP's ``ets``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    NORMAL,
    BagTable,
    Down,
    DuplicateBagTable,
    NameTakenError,
    NotAProcessError,
    OrderedSetTable,
    Pid,
    Reply,
    SetTable,
    Table,
    TableAccess,
    TableAccessError,
    TableGoneError,
    TableTransfer,
    current_node,
    exit_signal,
    monitor,
    open_node,
    receive,
    self_,
    spawn,
    whereis_table,
)
from tests.support.assertions import mailbox
from tests.support.misbehaving import Puppet, answers, ask, started, wait_forever
from tests.support.trio_test import trio_test

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS: list[type[Table[Any, Any]]] = [SetTable, OrderedSetTable, BagTable, DuplicateBagTable]
every_kind = pytest.mark.parametrize("kind", KINDS)
PUBLIC, PROTECTED, PRIVATE = TableAccess.PUBLIC, TableAccess.PROTECTED, TableAccess.PRIVATE


async def as_process(action: Callable[[], Any]) -> Any:
    """What an action gives or raises in a process of its own."""
    pid = await started(Puppet, [])

    def attempt() -> Any:
        try:
            return action()
        except Exception as error:  # noqa: BLE001 - what it raises is what is asked for
            return error

    return await ask(pid, answers(lambda _puppet, _caller: Reply(attempt())))


async def owned_by_another(make: Callable[[], Table[Any, Any]]) -> tuple[Pid, Table[Any, Any]]:
    """A process, and a table that it makes."""
    pid = await Puppet.start([])
    assert pid is not None
    return pid, await ask(pid, answers(lambda _puppet, _caller: Reply(make())))


# The owner and its end.


@every_kind
@trio_test
async def test_the_maker_owns_a_table_and_its_info_says_so(kind: type[Table[Any, Any]]) -> None:
    async with open_node():
        table = kind("t", named=True)
        table.insert(1, "a")

        info = table.info()
        assert info is not None
        assert (info.name, info.access, info.is_named, info.owner, info.heir) == ("t", PROTECTED, True, self_(), None)
        assert info.size == len(table) == 1
        assert table.owner is self_()


@pytest.mark.parametrize(
    ("kind", "name"), list(zip(KINDS, ["set", "ordered_set", "bag", "duplicate_bag"], strict=True))
)
@trio_test
async def test_info_names_the_kind(kind: type[Table[Any, Any]], name: str) -> None:
    async with open_node():
        info = kind("t").info()
        assert info is not None
        assert info.kind == name


@every_kind
@trio_test
async def test_a_table_is_gone_and_its_name_free_before_the_down_of_its_owner(kind: type[Table[Any, Any]]) -> None:
    async with open_node():  # P-7
        seen: list[object] = []
        owner, table = await owned_by_another(lambda: kind("t", named=True))

        class Watch:
            def fire(self, _reason: object) -> None:
                seen.append((whereis_table("t"), table.owner, table.info()))

        assert owner.process is not None
        owner.process.watchers = {Watch()}
        exit_signal(owner, KILL)

        assert seen == [(None, None, None)]
        kind("t", named=True)


def operations(table: Any) -> dict[str, Callable[[], object]]:
    """Everything that can be done to a table, but for asking what it is."""
    kind = type(cast("object", table))

    def every(_key: object, _value: object) -> bool:
        return True

    def total(so_far: int, _key: object, value: int) -> int:
        return so_far + value

    found: dict[str, Callable[[], object]] = {
        "insert": lambda: table.insert(1, 2),
        "insert_all": lambda: table.insert_all([(1, 2)]),
        "insert_new": lambda: table.insert_new(1, 2),
        "lookup": lambda: table.lookup(1),
        "getitem": lambda: table[1],
        "member": lambda: table.member(1),
        "in": lambda: 1 in table,
        "len": lambda: len(table),
        "delete": lambda: table.delete(1),
        "delete_object": lambda: table.delete_object(1, 2),
        "delete_all_objects": table.delete_all_objects,
        "take": lambda: table.take(1),
        "keys": table.keys,
        "iter": lambda: list(table),
        "to_list": table.to_list,
        "select": lambda: table.select(every),
        "select_count": lambda: table.select_count(every),
        "select_delete": lambda: table.select_delete(every),
        "fold": lambda: table.fold(total, 0),
        "rename": lambda: table.rename("other"),
        "give_away": lambda: table.give_away(self_()),
        "set_heir": lambda: table.set_heir(None),
        "delete_table": table.delete_table,
    }
    if issubclass(kind, SetTable):
        found["update_counter"] = lambda: table.update_counter(1, default=0)
        found["update_element"] = lambda: table.update_element(1, 2)
    if issubclass(kind, OrderedSetTable):
        found |= {
            "first": table.first,
            "last": table.last,
            "next": lambda: table.next(1),
            "prev": lambda: table.prev(1),
        }
    return found


@every_kind
@pytest.mark.parametrize("access", TableAccess)
@trio_test
async def test_every_operation_on_a_table_that_is_gone_says_so(
    kind: type[Table[Any, Any]], access: TableAccess
) -> None:
    async with open_node():
        table = kind("t", access=access)
        table.insert(1, 2)
        table.delete_table()

        for name, operation in operations(table).items():
            with pytest.raises(TableGoneError, match="'t' is gone"):
                pytest.fail(f"{name} gave {operation()!r}")
        assert "gone" in repr(table)
        assert table.info() is None


READS = {"lookup", "member", "in", "len", "keys", "iter", "to_list", "select", "select_count", "fold", "getitem"}
WALKS = {"first", "last", "next", "prev"}
OWNERS_ALONE = {"give_away", "set_heir"}


@every_kind
@pytest.mark.parametrize("access", TableAccess)
@trio_test
async def test_others_may_do_what_the_access_mode_allows(kind: type[Table[Any, Any]], access: TableAccess) -> None:
    async with open_node():
        for name in operations(kind("t")):
            table = kind("t", access=access)
            table.insert(1, 2)
            outcome = await as_process(operations(table)[name])
            allowed = {
                PUBLIC: name not in OWNERS_ALONE,
                PROTECTED: name in READS | WALKS,
                PRIVATE: False,
            }[access]
            assert isinstance(outcome, TableAccessError) is not allowed, (name, outcome)
            if not allowed:
                assert "'t'" in str(outcome)


@every_kind
@trio_test
async def test_code_outside_processes_reads_what_is_not_private_and_writes_what_is_public(
    kind: type[Table[Any, Any]],
) -> None:
    async with open_node() as node:
        tables = {access: kind("t", access=access) for access in TableAccess}
        for table in tables.values():
            table.insert(1, 2)

        def port() -> None:
            tables[PUBLIC].insert(2, 3)
            assert 2 in tables[PUBLIC]
            assert 1 in tables[PROTECTED]
            with pytest.raises(TableAccessError, match="outside every process"):
                tables[PROTECTED].insert(2, 3)
            with pytest.raises(TableAccessError):
                tables[PRIVATE].member(1)

        node.scheduler.context.run(port)


@trio_test
async def test_only_a_living_process_can_make_a_table() -> None:
    tried: list[object] = []

    async def zombie() -> None:
        try:
            await wait_forever()
        finally:
            try:
                SetTable[str, int]("late")
            except NotAProcessError as error:
                tried.append(error)

    async with open_node():
        pid = spawn(zombie)
        await wait_all_tasks_blocked()
        exit_signal(pid, KILL)
        await wait_all_tasks_blocked()
        assert len(tried) == 1
    with pytest.raises(NotAProcessError):
        SetTable[str, int]("t")


# Heirs and gifts.


@every_kind
@trio_test
async def test_the_heir_has_the_table_and_the_transfer_before_the_down_of_the_owner(
    kind: type[Table[Any, Any]],
) -> None:
    async with open_node():
        me = self_()
        owner, table = await owned_by_another(lambda: kind("t", named=True, heir=me, heir_data="gift"))
        ref = monitor(owner)
        exit_signal(owner, KILL)

        transfer, down = await mailbox()
        assert transfer == TableTransfer(table, owner, "gift")
        assert isinstance(down, Down)
        assert down.ref is ref
        assert table.owner is me
        assert whereis_table("t") is table
        table.insert(1, 2)
        info = table.info()
        assert info is not None
        assert info.heir is me  # as in OTP: whoever inherits stays the heir, in vain


@trio_test
async def test_a_heir_that_is_dead_or_the_owner_itself_inherits_nothing() -> None:
    async with open_node():
        dead = spawn(wait_forever)
        exit_signal(dead, KILL)
        owner, table = await owned_by_another(lambda: SetTable[str, int]("t", heir=dead))
        exit_signal(owner, KILL)
        assert table.owner is None

        owner, table = await owned_by_another(lambda: SetTable[str, int]("t", heir=self_()))
        exit_signal(owner, KILL)
        assert table.owner is None


@trio_test
async def test_the_heir_can_be_changed_and_taken_back() -> None:
    async with open_node():
        me = self_()

        def with_heir(last: Pid | None) -> Callable[[], SetTable[Any, Any]]:
            def make() -> SetTable[Any, Any]:
                table = SetTable[Any, Any]("t", heir=None if last else me)
                table.set_heir(last, "data")
                return table

            return make

        owner, table = await owned_by_another(with_heir(None))
        exit_signal(owner, KILL)
        assert table.owner is None
        owner, table = await owned_by_another(with_heir(me))
        exit_signal(owner, KILL)
        assert await receive(TableTransfer) == TableTransfer(table, owner, "data")


@trio_test
async def test_a_table_given_away_belongs_to_the_other_and_dies_with_it() -> None:
    async with open_node():
        log: list[object] = []
        table = SetTable[str, int]("t", named=True)
        other = await Puppet.start(log)
        assert other is not None
        table.give_away(other, "for you")
        await wait_all_tasks_blocked()

        assert log == [TableTransfer(table, self_(), "for you")]
        assert table.owner is other
        with pytest.raises(TableAccessError):
            table.insert("a", 1)
        exit_signal(other, KILL)
        assert table.owner is None


@trio_test
async def test_what_was_given_away_survives_the_giver() -> None:
    async with open_node():
        me = self_()

        def make() -> SetTable[str, int]:
            table = SetTable[str, int]("t")
            table.give_away(me)
            return table

        giver, table = await owned_by_another(make)
        exit_signal(giver, KILL)
        assert table.owner is me


@trio_test
async def test_a_table_cannot_be_given_to_the_dead_to_its_owner_or_to_another_node() -> None:
    async with open_node("one@localhost"):
        foreigner = spawn(wait_forever)
        async with open_node("two@localhost"):
            table = SetTable[str, int]("t")
            dead = spawn(wait_forever)
            exit_signal(dead, KILL)
            with pytest.raises(NotAProcessError, match="no living process"):
                table.give_away(dead)
            with pytest.raises(NotAProcessError, match="no living process"):
                table.give_away(foreigner)
            with pytest.raises(NotAProcessError, match="cannot inherit"):
                table.set_heir(foreigner)
            with pytest.raises(NotAProcessError, match="cannot inherit"):
                SetTable[str, int]("u", heir=foreigner, named=True)
            with pytest.raises(ValueError, match="already"):
                table.give_away(self_())
            assert table.owner is self_()
            assert whereis_table("u") is None
        exit_signal(foreigner, KILL)


@trio_test
async def test_tables_end_with_their_node() -> None:
    async with open_node():
        table = SetTable[str, int]("t")
    with pytest.raises(TableGoneError):
        len(table)


# Names.


@trio_test
async def test_a_name_is_had_by_one_table_at_most() -> None:
    async with open_node():
        table = SetTable[str, int]("t", named=True)
        with pytest.raises(NameTakenError, match="'t' is taken"):
            BagTable[str, int]("t", named=True)
        SetTable[str, int]("t")
        assert whereis_table("t") is table
        assert list(current_node().tables) == ["t"]
        table.delete_table()
        assert whereis_table("t") is None


@trio_test
async def test_names_are_those_of_one_node() -> None:
    async with open_node("one@localhost"):
        one = SetTable[str, int]("t", named=True)
        async with open_node("two@localhost"):
            assert whereis_table("t") is None
            SetTable[str, int]("t", named=True)
        assert whereis_table("t") is one


@trio_test
async def test_a_named_table_can_be_renamed_to_what_is_free() -> None:
    async with open_node():
        table, other = SetTable[str, int]("one", named=True), SetTable[str, int]("two", named=True)
        with pytest.raises(NameTakenError):
            table.rename("two")
        assert table.name == "one"
        table.rename("one")
        table.rename("three")

        assert (whereis_table("one"), whereis_table("three"), whereis_table("two")) == (None, table, other)


@trio_test
async def test_renaming_a_table_that_is_not_named_changes_what_it_is_called() -> None:
    async with open_node():
        table = SetTable[str, int]("one")
        table.rename("two")

        assert table.name == "two"
        assert whereis_table("two") is None


@trio_test
async def test_a_process_that_ends_normally_frees_its_tables_too() -> None:
    async with open_node():
        made: list[SetTable[str, int]] = []
        pid = spawn(lambda: made.append(SetTable[str, int]("t", named=True)))
        monitor(pid)

        assert (await receive(Down)).reason is NORMAL
        assert made[0].owner is None
        assert whereis_table("t") is None
