"""Task: a process computes one value for its owner (after Elixir's Task)."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILLED,
    NOPROC,
    NORMAL,
    SHUTDOWN,
    TIMEOUT,
    Answer,
    CallError,
    CallFailed,
    CannotWaitError,
    Crash,
    Exit,
    Failure,
    NotAProcessError,
    NotOwnerError,
    Task,
    TaskDone,
    TaskExited,
    Unanswered,
    assign_task,
    exit_,
    open_node,
    receive,
    self_,
    spawn_monitor,
    start_idle_task,
    trap_exit,
)
from tests.support.assertions import death_of, mailbox
from tests.support.misbehaving import Puppet, started, tell
from tests.support.trio_test import trio_test


async def slowly(value: int, seconds: float = 1) -> int:
    await trio.sleep(seconds)
    return value


async def sleepless() -> None:
    """Shields itself from being stopped politely."""
    trap_exit()
    await trio.sleep_forever()


def broken() -> None:
    raise ValueError("broken")


@trio_test
async def test_a_task_computes_a_value_while_its_owner_goes_on() -> None:
    async with open_node():
        tasks = [Task.async_(slowly, n) for n in range(3)]
        began = trio.current_time()

        assert [await task for task in tasks] == [0, 1, 2]
        assert trio.current_time() == began + 1


@trio_test
async def test_a_plain_function_will_do() -> None:
    async with open_node():
        assert await Task.async_(divmod, 7, 2).await_() == (3, 1)


@trio_test
async def test_nothing_but_the_value_comes_of_a_task_and_await_takes_that() -> None:
    async with open_node():
        await Task.async_(slowly, 1)
        await wait_all_tasks_blocked()

        assert await mailbox() == []


@trio_test
async def test_a_task_that_crashes_takes_its_owner_along() -> None:
    async with open_node():

        async def owner() -> None:
            await Task.async_(broken)

        _pid, ref = spawn_monitor(owner)
        reason = await death_of(ref)

        assert isinstance(reason, Crash)
        assert reason.type == "ValueError"


@trio_test
async def test_an_owner_that_traps_exits_learns_the_reason_from_await_and_has_the_exit_signal_too() -> None:
    async with open_node():
        trap_exit()
        task = Task.async_(exit_, Failure("enough"))

        with pytest.raises(CallError) as caught:
            await task.await_()

        assert caught.value.reason == Failure("enough")
        assert caught.value.exit_reason == CallFailed(Failure("enough"), str(task))
        assert await mailbox() == [Exit(task.pid, Failure("enough"))]


@trio_test
async def test_a_task_that_ends_without_a_value_is_no_value() -> None:
    async with open_node():
        task = Task.async_(exit_, NORMAL)

        assert await task.yield_() == TaskExited(NORMAL)


@trio_test
async def test_await_times_out_and_the_task_keeps_running_and_its_value_is_dropped() -> None:
    async with open_node():
        task = Task.async_(slowly, 1, 10)

        with pytest.raises(CallError) as caught:
            await task.await_()

        assert caught.value.reason is TIMEOUT
        assert task.pid.is_alive
        await trio.sleep(10)
        assert not task.pid.is_alive
        assert await mailbox() == []


@trio_test
async def test_yield_is_none_until_the_value_is_there_and_may_be_tried_again() -> None:
    async with open_node():
        task = Task.async_(slowly, 1, 3)

        assert await task.yield_(timeout=2) is None
        assert await task.yield_(timeout=2) == TaskDone(1)


@trio_test
async def test_a_cancelled_await_loses_nothing() -> None:
    async with open_node():
        task = Task.async_(slowly, 1, 3)
        with trio.move_on_after(1):
            await task

        assert await task == 1


@trio_test
async def test_only_the_owner_may_wait_for_a_task() -> None:
    async with open_node():
        task = Task.async_(slowly, 1)

        async def other() -> str:
            for attempt in (task.await_, task.yield_, task.shutdown, task.kill):
                with pytest.raises(NotOwnerError):
                    await attempt()
            with pytest.raises(NotOwnerError) as caught:
                task.ignore()
            return str(caught.value)

        assert str(task) in await Task.async_(other)


@trio_test
async def test_shutdown_stops_a_task_and_there_is_no_value() -> None:
    async with open_node():
        task = Task.async_(slowly, 1)

        assert await task.shutdown() is None
        assert not task.pid.is_alive
        assert await mailbox() == []


@trio_test
async def test_shutdown_hands_out_a_value_that_was_there_already() -> None:
    async with open_node():
        task = Task.async_(slowly, 1)
        await trio.sleep(2)

        assert await task.shutdown() == TaskDone(1)


@trio_test
async def test_shutdown_kills_a_task_that_does_not_stop() -> None:
    async with open_node():
        task = Task.async_(sleepless)
        await wait_all_tasks_blocked()
        began = trio.current_time()

        assert await task.shutdown(timeout=2) is None
        assert trio.current_time() == began + 2
        assert not task.pid.is_alive


@trio_test
async def test_shutdown_says_so_if_the_task_dies_of_something_else() -> None:
    async def stubborn() -> None:
        trap_exit()
        await receive(Exit)
        exit_(Failure("not like that"))

    async with open_node():
        task = Task.async_(stubborn)
        await wait_all_tasks_blocked()

        assert await task.shutdown() == TaskExited(Failure("not like that"))


@trio_test
async def test_kill_ends_a_task_that_traps_exits_at_once() -> None:
    async with open_node():
        task = Task.async_(sleepless)
        await wait_all_tasks_blocked()
        began = trio.current_time()

        assert await task.kill() is None
        assert trio.current_time() == began


@trio_test
async def test_an_ignored_task_goes_on_unlinked_and_unheard() -> None:
    async def fails_late() -> None:
        await trio.sleep(1)
        broken()

    async with open_node():
        task = Task.async_(fails_late)
        task.ignore()
        await trio.sleep(0.5)
        assert task.pid.is_alive
        await trio.sleep(1)

        assert not task.pid.is_alive
        assert await mailbox() == []


@trio_test
async def test_await_many_keeps_the_order_and_has_one_timeout_for_all() -> None:
    async with open_node():
        assert await Task.await_many([Task.async_(slowly, n, 3 - n) for n in range(3)]) == [0, 1, 2]

        with pytest.raises(CallError) as caught:
            await Task.await_many([Task.async_(slowly, n, n * 2) for n in range(4)], timeout=5)
        assert caught.value.reason is TIMEOUT


@trio_test
async def test_yield_many_tells_those_that_are_done_from_those_that_are_not() -> None:
    async with open_node():
        quick, slow = Task.async_(slowly, 1, 1), Task.async_(slowly, 2, 9)

        assert await Task.yield_many([slow, quick], timeout=2) == [(slow, None), (quick, TaskDone(1))]


@trio_test
async def test_an_inline_owner_gets_the_value_as_a_message() -> None:
    async with open_node():
        log: list[object] = []
        puppet = await started(Puppet, log)
        tasks: list[Task] = []
        tell(puppet, lambda _puppet: tasks.append(Task.async_(slowly, 1)))
        await trio.sleep(2)

        assert log == [Answer(tasks[0].ref, 1)]


@trio_test
async def test_an_inline_owner_gets_a_death_as_a_message_too() -> None:
    async with open_node():
        log: list[object] = []
        puppet = await started(Puppet, log)
        tasks: list[Task] = []

        def begin(_puppet: Puppet) -> None:
            trap_exit()
            tasks.append(Task.async_(exit_, Failure("enough")))

        tell(puppet, begin)
        await trio.sleep(2)

        assert log == [Unanswered(tasks[0].ref, Failure("enough")), Exit(tasks[0].pid, Failure("enough"))]


@trio_test
async def test_an_inline_owner_cannot_await() -> None:
    async with open_node():
        log: list[object] = []
        puppet = await started(Puppet, log)

        def begin(puppet: Puppet) -> None:
            task = Task.async_(slowly, 1)
            try:
                task.await_().send(None)
            except CannotWaitError as error:
                puppet.log.append(type(error))

        tell(puppet, begin)
        await wait_all_tasks_blocked()

        assert log == [CannotWaitError]


@trio_test
async def test_a_task_dies_with_its_owner_unless_that_ends_normally() -> None:
    async with open_node():
        tasks: list[Task] = []

        async def owner() -> None:
            tasks.append(Task.async_(trio.sleep_forever))
            exit_(SHUTDOWN)

        await death_of(spawn_monitor(owner)[1])

        assert not tasks[0].pid.is_alive


@trio_test
async def test_a_job_nobody_waits_for_is_linked_or_not() -> None:
    async with open_node():
        done: list[int] = []
        trap_exit()
        Task.start(done.append, 1)
        pid = Task.start_link(done.append, 2)

        assert await receive(Exit) == Exit(pid, NORMAL)
        assert sorted(done) == [1, 2]
        assert await mailbox() == []


def test_a_task_belongs_to_a_process() -> None:
    with pytest.raises(NotAProcessError):
        Task.async_(broken)


@trio_test
async def test_a_crash_is_reported_under_the_name_of_the_function(caplog: pytest.LogCaptureFixture) -> None:
    async with open_node():
        trap_exit()
        await Task.async_(broken).yield_()

    assert "broken" in caplog.records[0].message


# Tasks that somebody else supervises.


@trio_test
async def test_an_idle_task_does_the_work_its_owner_assigns() -> None:
    async with open_node():
        task = assign_task(start_idle_task(self_()), slowly, 1, linked=False)

        assert await task == 1


@trio_test
async def test_an_idle_task_ends_with_its_owner() -> None:
    async with open_node():
        trap_exit()
        owner, _ref = spawn_monitor(slowly, 1)
        pid = start_idle_task(owner)
        await trio.sleep(2)

        assert (await receive(Exit)) == Exit(pid, SHUTDOWN)


@trio_test
async def test_work_for_a_dead_task_is_answered_by_its_absence() -> None:
    async with open_node():
        trap_exit()
        owner, ref = spawn_monitor(exit_, KILLED)
        pid = start_idle_task(owner)
        await death_of(ref)
        await receive(Exit)

        assert await assign_task(pid, slowly, 1, linked=False).yield_() == TaskExited(NOPROC)
