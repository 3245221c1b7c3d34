"""PartitionSupervisor: many processes of one kind, found by key (otp.md 1.11, after Elixir's)."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    IGNORE,
    KILL,
    KILLED,
    NOPROC,
    SHUTDOWN,
    AlreadyStartedError,
    CallError,
    Down,
    GenServer,
    Ignore,
    InitFailedError,
    Pid,
    SetTable,
    call,
    cast,
    exit_signal,
    monitor,
    open_node,
    receive,
    send,
    send_after,
    stop,
    trap_exit,
    whereis,
    whereis_table,
)
from regrow.supervisors import (
    BadLimitError,
    BadOptionError,
    ChildSpec,
    ChildType,
    Counts,
    DynamicSupervisor,
    PartitionSupervisor,
    Restart,
    Started,
    Strategy,
    Supervisor,
    count_children,
    partition_of,
    start_child,
    terminate_child,
    which_child,
    which_children,
)
from tests.support.assertions import death_of
from tests.support.misbehaving_children import Fragile
from tests.support.supervised import its_end
from tests.support.trio_test import trio_test


def numbered(args: tuple[Any, ...], partition: int) -> tuple[Any, ...]:
    return (*args, partition)


async def partitioned(partitions: int = 4, **options: Any) -> Pid:
    spec = ChildSpec("fragile", Fragile.start_link)
    return await PartitionSupervisor.start_link(
        spec, name="parts", partitions=partitions, with_arguments=numbered, **options
    )


def via(key: Any) -> Any:
    return PartitionSupervisor.via("parts", key)


@trio_test
async def test_children_are_numbered_from_zero() -> None:
    async with open_node():
        supervisor = await partitioned(3)
        children = await which_children("parts")

        assert {child.id for child in children} == {0, 1, 2}
        assert {child.modules for child in children} == {(Fragile.__module__,)}
        assert await count_children(supervisor) == Counts(specs=3, active=3, supervisors=0, workers=3)
        assert PartitionSupervisor.partitions("parts") == 3


@trio_test
async def test_there_are_as_many_partitions_as_cores_by_default() -> None:
    async with open_node():
        await PartitionSupervisor.start_link(ChildSpec("x", Fragile.start_link), name="parts")
        assert PartitionSupervisor.partitions("parts") == os.cpu_count()


@trio_test
async def test_an_integer_key_goes_to_the_remainder_of_its_absolute_value() -> None:
    async with open_node():
        await partitioned(4)
        assert [await call(via(key), "?") for key in (0, 1, 5, -5, -4, 2**80 + 3)] == [0, 1, 1, 1, 0, 3]


@trio_test
async def test_any_other_key_goes_to_one_partition_always() -> None:
    async with open_node() as node:
        await partitioned(4)
        for key in ("user:1", b"x", ("room", 7), 1.5, None, node.pids()[0]):
            served_by = {await call(via(key), "?") for _ in range(3)}
            assert served_by == {partition_of(key, 4)}


@given(
    key=st.one_of(st.integers(), st.text(), st.binary(), st.tuples(st.text(), st.integers())), count=st.integers(1, 64)
)
def test_every_key_has_a_partition(key: Any, count: int) -> None:
    assert 0 <= partition_of(key, count) < count


def test_keys_spread_over_all_partitions() -> None:
    shares = [0] * 8
    for number in range(8000):
        shares[partition_of(f"user:{number}", 8)] += 1
    assert min(shares) > 800


def test_a_key_has_the_same_partition_in_every_run() -> None:
    # Python's own hash of a str differs from run to run.
    code = "from regrow.supervisors import partition_of; print([partition_of(f'user:{n}', 16) for n in range(20)])"
    runs = {
        subprocess.run(  # noqa: S603 - the command is our own
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert runs == {f"{[partition_of(f'user:{n}', 16) for n in range(20)]}\n"}


@trio_test
async def test_a_key_leads_to_the_new_process_after_a_restart_and_to_nobody_in_between() -> None:
    async with open_node():
        await partitioned(2)
        old = via(1).whereis()
        assert old is not None

        exit_signal(old, KILL)
        assert via(1).whereis() is None
        with pytest.raises(CallError) as failure:
            await call(via(1), "?")
        assert failure.value.reason is NOPROC
        cast(via(1), "is no error")
        await wait_all_tasks_blocked()

        assert await call(via(1), "?") == 1
        assert via(1).whereis() not in {old, None}
        assert via(1).whereis() is (await which_child("parts", 1)).pid


@trio_test
async def test_a_partition_that_is_stopped_serves_nobody() -> None:
    async with open_node():
        await partitioned(2)
        await terminate_child("parts", 0)
        assert via(0).whereis() is None
        assert via(1).whereis() is not None
        assert PartitionSupervisor.partitions("parts") == 2


class Listener(GenServer):
    """Tells the process it was started for what it hears, and its number."""

    def init(self, listener: Pid, number: int) -> None:
        self.listener = listener
        self.number = number

    def handle_info(self, message: object) -> None:
        send(self.listener, (self.number, message))


@trio_test
async def test_a_key_is_a_destination_for_messages_monitors_and_timers() -> None:
    async with open_node() as node:
        main = node.main
        spec = ChildSpec("listener", Listener.start_link, (main,))
        await PartitionSupervisor.start_link(spec, name="parts", partitions=3, with_arguments=numbered)

        send(via(4), "now")
        assert await receive() == (1, "now")
        send_after(5, via(5), "later")
        first = via(5).whereis()
        assert first is not None
        ref = monitor(via(5))
        exit_signal(first, KILL)
        assert await receive() == Down(ref, via(5), KILLED)
        await wait_all_tasks_blocked()  # the timer looks for the partition when it fires
        assert await receive() == (2, "later")


@trio_test
async def test_a_key_leads_to_its_process_where_no_process_runs() -> None:
    async with open_node() as node:
        await partitioned(2)
        found: list[Pid | None] = []
        node.timers.after(1, lambda: found.append(via(1).whereis()))
        await trio.sleep(2)
        assert found == [via(1).whereis()]


@trio_test
async def test_a_key_leads_to_nobody_when_no_supervisor_runs() -> None:
    async with open_node():
        assert via(1).whereis() is None
        with pytest.raises(CallError) as failure:
            PartitionSupervisor.partitions("parts")
        assert failure.value.reason is NOPROC

        supervisor = await partitioned(2)
        trap_exit()
        ref = monitor(supervisor)
        await stop(supervisor, SHUTDOWN)
        assert await death_of(ref) is SHUTDOWN
        assert via(1).whereis() is None


@trio_test
async def test_a_table_that_is_no_partition_supervisors_leads_to_nobody() -> None:
    async with open_node():
        SetTable[int, int]("parts", named=True).insert(1, 1)
        assert via(1).whereis() is None


@trio_test
async def test_nothing_can_be_started_under_a_key() -> None:
    async with open_node():
        await partitioned(2)
        await terminate_child("parts", 0)
        with pytest.raises(BadOptionError, match="partitions are started by their supervisor"):
            await Fragile.start_link(name=via(0))
        with pytest.raises(BadOptionError):
            via(0).unregister()


@trio_test
async def test_more_than_three_restarts_in_five_seconds_are_too_many_by_default() -> None:
    async with open_node():
        trap_exit()
        supervisor = await partitioned(2)
        for _ in range(3):
            cast(via(0), "crash")
            await wait_all_tasks_blocked()
        assert await call(via(0), "?") == 0
        cast(via(0), "crash")
        assert await its_end(supervisor) is SHUTDOWN
        assert whereis_table("parts") is None


@trio_test
async def test_a_strategy_may_take_all_partitions_along() -> None:
    async with open_node():
        await partitioned(2, strategy=Strategy.ONE_FOR_ALL)
        before = {via(0).whereis(), via(1).whereis()}
        cast(via(0), "crash")
        await wait_all_tasks_blocked()
        assert before.isdisjoint({via(0).whereis(), via(1).whereis()})
        assert [await call(via(key), "?") for key in (0, 1)] == [0, 1]


@trio_test
async def test_partitions_may_be_supervisors() -> None:
    async with open_node():
        spec = ChildSpec("rooms", DynamicSupervisor.start_link, type=ChildType.SUPERVISOR)
        await PartitionSupervisor.start_link(spec, name="parts", partitions=2)
        pid = await start_child(via("lobby"), ChildSpec("room", Fragile.start_link, ("lobby",)))
        assert pid is not None
        assert await call(pid, "?") == "lobby"
        served = [child.pid for child in await which_children(via("lobby"))]
        assert served == [pid]
        assert (await count_children("parts")).supervisors == 2


@trio_test
async def test_a_start_function_may_tell_more_than_a_pid_or_want_no_process() -> None:
    async def start(partition: int) -> Started | None:
        pid = await Fragile.start_link(partition)
        assert pid is not None
        return Started(pid, "more")

    class Unwanted(GenServer):
        def init(self, *_: object) -> Ignore:
            return IGNORE

    async with open_node():
        spec = ChildSpec("x", start)
        await PartitionSupervisor.start_link(spec, name="parts", partitions=2, with_arguments=numbered)
        assert await call(via(1), "?") == 1
        await PartitionSupervisor.start_link(ChildSpec("x", Unwanted.start_link), name="unwanted", partitions=2)
        assert PartitionSupervisor.via("unwanted", 0).whereis() is None


@trio_test
async def test_a_start_that_fails_leaves_nothing() -> None:
    def boom(partition: int) -> Pid:
        raise RuntimeError(partition)

    async with open_node() as node:
        trap_exit()
        with pytest.raises(InitFailedError, match="RuntimeError"):
            await PartitionSupervisor.start_link(ChildSpec("x", boom), name="parts", with_arguments=numbered)
        assert whereis_table("parts") is None
        assert node.whereis("parts") is None


@trio_test
async def test_two_supervisors_of_one_name_cannot_be() -> None:
    async with open_node():
        supervisor = await partitioned(2)
        with pytest.raises(AlreadyStartedError):
            await partitioned(2)
        assert supervisor.is_alive
        assert await call(via(1), "?") == 1


@trio_test
async def test_bad_options_are_refused_before_anything_starts() -> None:
    async with open_node() as node:
        spec = ChildSpec("x", Fragile.start_link)
        for bad in (0, -1, True, 1.5, "2"):
            with pytest.raises(BadOptionError, match="partitions must be a positive int"):
                await PartitionSupervisor.start_link(spec, name="parts", partitions=bad)  # type: ignore[arg-type]
        with pytest.raises(BadOptionError, match="name must be a str"):
            await PartitionSupervisor.start_link(spec, name="")
        with pytest.raises(BadOptionError, match="a tuple of arguments"):
            await PartitionSupervisor.start_link(spec, name="parts", with_arguments=lambda args, _: [args])  # type: ignore[arg-type, return-value]
        with pytest.raises(BadLimitError):
            await PartitionSupervisor.start_link(spec, name="parts", intensity=-1)
        assert node.pids() == [node.main]


@trio_test
async def test_an_upgrade_gives_partitions_another_recipe_from_their_next_start_on() -> None:
    async with open_node():
        await partitioned(2)
        new = ChildSpec("x", Fragile.start_link, ("new",), restart=Restart.PERMANENT)
        specs = PartitionSupervisor.child_specs(new, name="parts", partitions=2)
        await Supervisor.upgrade("parts", children=specs)
        assert await call(via(1), "?") == 1
        cast(via(1), "crash")
        await wait_all_tasks_blocked()
        assert await call(via(1), "?") == "new"


@trio_test
async def test_it_is_a_child_like_any_other_supervisor() -> None:
    async with open_node():
        spec = ChildSpec("x", Fragile.start_link)
        start = partial(PartitionSupervisor.start_link, spec, name="parts", partitions=2, with_arguments=numbered)
        await Supervisor.start_link([ChildSpec("parts", start, type=ChildType.SUPERVISOR)])
        killed = (await which_child("parts", 0)).pid
        old = whereis("parts")
        assert old is not None
        parts = monitor(old)
        exit_signal(old, KILL)
        assert await death_of(parts) is KILLED
        await wait_all_tasks_blocked()
        assert await call(via(0), "?") == 0
        assert via(0).whereis() is not killed
