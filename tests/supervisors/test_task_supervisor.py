"""TaskSupervisor: tasks that may fail alone (after Elixir's Task.Supervisor)."""

from __future__ import annotations

from functools import partial

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    KILLED,
    TIMEOUT,
    CallError,
    Exit,
    Failure,
    OnTimeout,
    Pid,
    TaskDone,
    TaskExited,
    call,
    exit_,
    exit_signal,
    monitor,
    open_node,
    receive,
    self_,
    spawn,
    spawn_monitor,
    stop,
    trap_exit,
)
from regrow.supervisors import (
    ChildSpec,
    ChildType,
    MaxChildrenError,
    Restart,
    Supervisor,
    TaskSupervisor,
    UnknownChildError,
    count_children,
)
from tests.support.assertions import death_of, mailbox
from tests.support.trio_test import trio_test


async def slowly(value: int, seconds: float = 1) -> int:
    await trio.sleep(seconds)
    return value


async def wait(seconds: int) -> int:
    return await slowly(seconds, seconds)


@trio_test
async def test_a_task_under_a_supervisor_computes_a_value() -> None:
    async with open_node():
        tasks = await TaskSupervisor.start_link(name="tasks")

        task = await TaskSupervisor.async_("tasks", slowly, 1)
        assert await TaskSupervisor.children(tasks) == [task.pid]
        assert await task == 1
        await wait_all_tasks_blocked()
        assert await TaskSupervisor.children(tasks) == []
        assert await mailbox() == []


@trio_test
async def test_a_task_without_link_crashes_alone() -> None:
    async with open_node():
        tasks = await TaskSupervisor.start_link()
        task = await TaskSupervisor.async_nolink(tasks, exit_, Failure("enough"))

        assert await task.yield_() == TaskExited(Failure("enough"))
        with pytest.raises(CallError):
            await (await TaskSupervisor.async_nolink(tasks, exit_, Failure("enough"))).await_()
        assert tasks.is_alive
        assert await mailbox() == []


@trio_test
async def test_a_linked_task_takes_its_owner_along_but_not_the_supervisor() -> None:
    async with open_node():
        tasks = await TaskSupervisor.start_link()

        async def owner() -> None:
            await TaskSupervisor.async_(tasks, exit_, Failure("enough"))
            await trio.sleep_forever()

        assert await death_of(spawn_monitor(owner)[1]) == Failure("enough")
        assert tasks.is_alive


@trio_test
async def test_a_task_without_link_outlives_its_owner() -> None:
    async with open_node():
        tasks = await TaskSupervisor.start_link()
        done: list[int] = []

        async def work() -> None:
            done.append(await slowly(1))

        async def owner() -> None:
            await TaskSupervisor.async_nolink(tasks, work)

        await death_of(spawn_monitor(owner)[1])
        await trio.sleep(2)

        assert done == [1]


@trio_test
async def test_a_task_whose_owner_died_before_it_had_work_ends() -> None:
    async with open_node():
        tasks = await TaskSupervisor.start_link()

        async def owner() -> None:
            await TaskSupervisor.async_nolink(tasks, slowly, 1)

        exit_signal(spawn(owner), KILL)
        pid = spawn(owner)
        await trio.lowlevel.checkpoint()
        exit_signal(pid, KILL)
        await wait_all_tasks_blocked()

        assert await TaskSupervisor.children(tasks) == []


@trio_test
async def test_tasks_stop_with_their_supervisor() -> None:
    async with open_node():
        tasks = await TaskSupervisor.start_link()
        pids = [await TaskSupervisor.start_child(tasks, trio.sleep_forever) for _ in range(3)]
        trap_exit()

        await stop(tasks)

        assert not any(pid.is_alive for pid in pids)


@trio_test
async def test_a_job_is_not_restarted_unless_its_spec_says_so() -> None:
    async with open_node():
        tasks = await TaskSupervisor.start_link()
        runs: list[str] = []

        async def job(kind: str) -> None:
            runs.append(kind)
            if runs.count(kind) == 1:
                exit_(Failure("the first time"))

        await TaskSupervisor.start_child(tasks, job, "temporary")
        await TaskSupervisor.start_child(tasks, job, "transient", restart=Restart.TRANSIENT)
        await wait_all_tasks_blocked()

        assert sorted(runs) == ["temporary", "transient", "transient"]


@trio_test
async def test_a_full_supervisor_refuses() -> None:
    async with open_node():
        tasks = await TaskSupervisor.start_link(max_children=1)
        await TaskSupervisor.start_child(tasks, trio.sleep_forever)

        with pytest.raises(MaxChildrenError):
            await TaskSupervisor.async_(tasks, slowly, 1)
        with pytest.raises(MaxChildrenError):
            await TaskSupervisor.async_nolink(tasks, slowly, 1)
        with pytest.raises(MaxChildrenError):
            await TaskSupervisor.start_child(tasks, slowly, 1)


@trio_test
async def test_terminate_child_stops_a_task_and_its_owner_hears_of_it() -> None:
    async with open_node():
        tasks = await TaskSupervisor.start_link()
        task = await TaskSupervisor.async_nolink(tasks, trio.sleep_forever)

        await TaskSupervisor.terminate_child(tasks, task.pid)

        assert isinstance(await task.yield_(), TaskExited)
        with pytest.raises(UnknownChildError):
            await TaskSupervisor.terminate_child(tasks, task.pid)


@trio_test
async def test_a_task_has_its_own_time_to_stop() -> None:
    async def stubborn() -> None:
        trap_exit()
        await trio.sleep_forever()

    async with open_node():
        tasks = await TaskSupervisor.start_link()
        pid = await TaskSupervisor.start_child(tasks, stubborn, shutdown=2)
        await wait_all_tasks_blocked()
        ref = monitor(pid)
        began = trio.current_time()

        await TaskSupervisor.terminate_child(tasks, pid)

        assert trio.current_time() == began + 2
        assert await death_of(ref) is KILLED


@trio_test
async def test_a_stream_without_links_makes_a_crash_an_outcome() -> None:
    def half(number: int) -> int:
        if number % 2:
            exit_(Failure(number))
        return number // 2

    async with open_node():
        tasks = await TaskSupervisor.start_link()
        async with TaskSupervisor.async_stream_nolink(tasks, range(4), half, max_concurrency=2) as outcomes:
            assert [outcome async for outcome in outcomes] == [
                TaskDone(0),
                TaskExited(Failure(1)),
                TaskDone(1),
                TaskExited(Failure(3)),
            ]


@trio_test
async def test_a_linked_stream_runs_under_the_supervisor_and_leaves_nothing_there() -> None:
    async with open_node():
        tasks = await TaskSupervisor.start_link()
        async with TaskSupervisor.async_stream(
            tasks, [1, 50, 50], wait, max_concurrency=3, timeout=10, on_timeout=OnTimeout.KILL_TASK
        ) as outcomes:
            assert await anext(outcomes) == TaskDone(1)
            assert (await count_children(tasks)).active == 2
        await wait_all_tasks_blocked()

        assert (await count_children(tasks)).active == 0


@trio_test
async def test_a_slow_task_of_a_stream_is_killed_alone() -> None:
    async with open_node():
        tasks = await TaskSupervisor.start_link()
        async with TaskSupervisor.async_stream_nolink(
            tasks, [1, 9], wait, timeout=5, on_timeout=OnTimeout.KILL_TASK
        ) as outcomes:
            assert [outcome async for outcome in outcomes] == [TaskDone(1), TaskExited(TIMEOUT)]


@trio_test
async def test_it_is_a_child_like_any_supervisor() -> None:
    async with open_node():
        start = partial(TaskSupervisor.start_link, name="tasks")
        await Supervisor.start_link([ChildSpec("tasks", start, type=ChildType.SUPERVISOR)])

        assert await (await TaskSupervisor.async_nolink("tasks", slowly, 3)).await_() == 3


@trio_test
async def test_its_children_know_who_they_are() -> None:
    async with open_node():
        tasks = await TaskSupervisor.start_link()

        async def who() -> Pid:
            return self_()

        task = await TaskSupervisor.async_nolink(tasks, who)
        assert await task == task.pid


@trio_test
async def test_a_supervisor_that_is_gone_fails_the_caller() -> None:
    async with open_node():
        trap_exit()
        tasks = await TaskSupervisor.start_link()
        await stop(tasks)
        assert (await receive(Exit)).pid is tasks

        with pytest.raises(CallError):
            await TaskSupervisor.async_(tasks, slowly, 1)
        with pytest.raises(CallError):
            await call(tasks, "anything")
