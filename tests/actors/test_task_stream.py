"""Streams of tasks: one function over many items, a bounded number at a time (after Elixir's Task.async_stream)."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    TIMEOUT,
    CallError,
    CannotWaitError,
    Failure,
    OnTimeout,
    Pid,
    Task,
    TaskDone,
    TaskExited,
    async_stream,
    exit_,
    exit_signal,
    open_node,
    self_,
    spawn,
    trap_exit,
)
from tests.support.assertions import mailbox
from tests.support.misbehaving import Puppet, started, tell
from tests.support.trio_test import trio_test


async def wait(seconds: float) -> float:
    await trio.sleep(seconds)
    return seconds


@trio_test
async def test_outcomes_come_in_the_order_of_the_items() -> None:
    async with open_node(), async_stream([3, 1, 2], wait, max_concurrency=3) as outcomes:
        assert [outcome async for outcome in outcomes] == [TaskDone(3), TaskDone(1), TaskDone(2)]


@trio_test
async def test_outcomes_come_as_they_are_ready_if_order_does_not_matter() -> None:
    async with open_node(), async_stream([3, 1, 2], wait, max_concurrency=3, is_ordered=False) as outcomes:
        assert [outcome async for outcome in outcomes] == [TaskDone(1), TaskDone(2), TaskDone(3)]


@trio_test
async def test_a_plain_function_will_do() -> None:
    async with open_node(), async_stream([7, -9], abs) as outcomes:
        assert [outcome async for outcome in outcomes] == [TaskDone(7), TaskDone(9)]


@trio_test
async def test_no_more_than_max_concurrency_run_at_a_time_and_none_before_it_is_asked_for() -> None:
    running: set[Pid] = set()
    most = 0

    async def count(_item: int) -> None:
        nonlocal most
        running.add(self_())
        most = max(most, len(running))
        await trio.sleep(1)
        running.discard(self_())

    async with open_node(), async_stream(range(10), count, max_concurrency=3) as outcomes:
        await wait_all_tasks_blocked()
        assert most == 0
        assert len([outcome async for outcome in outcomes]) == 10
        assert most == 3


@trio_test
async def test_items_are_taken_as_tasks_start() -> None:
    taken: list[int] = []

    def items() -> object:
        for item in range(100):
            taken.append(item)
            yield item

    async with open_node(), async_stream(items(), wait, max_concurrency=2) as outcomes:  # type: ignore[arg-type]
        assert await anext(outcomes) == TaskDone(0)

        assert len(taken) <= 3


@trio_test
async def test_a_task_that_takes_too_long_ends_the_stream() -> None:
    async with open_node():
        async with async_stream([1, 9], wait, max_concurrency=2) as outcomes:
            assert await anext(outcomes) == TaskDone(1)
            with pytest.raises(CallError) as caught:
                await anext(outcomes)

        assert caught.value.reason is TIMEOUT


@trio_test
async def test_a_task_that_takes_too_long_can_be_killed_alone() -> None:
    async with (
        open_node(),
        async_stream([9, 1, 9], wait, max_concurrency=2, timeout=2, on_timeout=OnTimeout.KILL_TASK) as outcomes,
    ):
        assert [outcome async for outcome in outcomes] == [TaskExited(TIMEOUT), TaskDone(1), TaskExited(TIMEOUT)]


@trio_test
async def test_a_crash_is_an_outcome_for_an_owner_that_traps_exits() -> None:
    async with open_node():
        trap_exit()
        async with async_stream([1], lambda _item: exit_(Failure("enough"))) as outcomes:
            assert [outcome async for outcome in outcomes] == [TaskExited(Failure("enough"))]


@trio_test
async def test_leaving_the_block_kills_what_runs_and_leaves_nothing_in_the_mailbox() -> None:
    pids: list[Pid] = []

    async def run(seconds: float) -> None:
        pids.append(self_())
        await trio.sleep(seconds)

    async with open_node():
        async with async_stream([1, 1, 50, 50], run, max_concurrency=4, timeout=100) as outcomes:
            async for _outcome in outcomes:
                break
            await wait_all_tasks_blocked()

        assert len(pids) == 4
        assert not any(pid.is_alive for pid in pids)
        assert await mailbox() == []


@trio_test
async def test_the_tasks_die_with_their_owner_however_it_ends() -> None:
    pids: list[Pid] = []

    async def run(_item: int) -> None:
        trap_exit()
        pids.append(self_())
        await trio.sleep_forever()

    async def owner() -> None:
        async with async_stream(range(3), run, max_concurrency=3) as outcomes:
            await anext(outcomes)

    async with open_node():
        pid = spawn(owner)
        await wait_all_tasks_blocked()
        assert len(pids) == 3
        exit_signal(pid, KILL)

        assert not any(pid.is_alive for pid in pids)


@trio_test
async def test_a_stream_is_entered_before_it_is_iterated() -> None:
    async with open_node():
        with pytest.raises(RuntimeError, match="async with"):
            aiter(async_stream([1], wait))


@trio_test
async def test_an_inline_process_cannot_wait_for_a_stream() -> None:
    async with open_node():
        log: list[object] = []

        def begin(puppet: Puppet) -> None:
            try:
                async_stream([1], wait).__aenter__().send(None)
            except CannotWaitError as error:
                puppet.log.append(type(error))

        tell(await started(Puppet, log), begin)
        await wait_all_tasks_blocked()

        assert log == [CannotWaitError]


def test_at_least_one_task_must_be_allowed_to_run() -> None:
    with pytest.raises(ValueError, match="max_concurrency"):
        async_stream([1], wait, max_concurrency=0)


@trio_test
async def test_other_messages_stay_in_the_mailbox() -> None:
    async with open_node():
        other = Task.async_(wait, 0.5)
        async with async_stream([1], wait) as outcomes:
            assert [outcome async for outcome in outcomes] == [TaskDone(1)]

        assert await other == 0.5
