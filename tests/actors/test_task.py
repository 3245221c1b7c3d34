"""The task driver: receive (rule R-1), and death as the system and as trio see it."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    KILLED,
    NORMAL,
    CannotWaitError,
    Crash,
    Down,
    Failure,
    NotAProcessError,
    Pid,
    ReceiveTimeoutError,
    Report,
    ZombieReport,
    exit_,
    exit_signal,
    monitor,
    open_node,
    receive,
    register,
    self_,
    send,
    send_after,
    spawn,
    spawn_monitor,
    whereis,
)
from regrow.actors._processes._task import NOTHING, REDUCTIONS, ZOMBIE_GRACE, TaskProcess
from tests.support.assertions import death_of, mailbox
from tests.support.misbehaving import Puppet, overstay, started, tell, wait_forever
from tests.support.trio_test import trio_test


@trio_test
async def test_receive_takes_the_first_match_and_leaves_the_others_in_order() -> None:
    async with open_node():
        for message in ("a", 1, "b", 2):
            send(self_(), message)

        assert await receive(int) == 1
        assert await receive(is_b) == "b"
        assert await mailbox() == ["a", 2]


def is_b(message: object) -> bool:
    return message == "b"


@trio_test
async def test_receive_matches_any_of_several_patterns() -> None:
    async with open_node():
        for message in (1.5, "b", 7):
            send(self_(), message)

        assert await receive(is_b, int) == "b"
        assert await receive(is_b, int) == 7


@trio_test
async def test_receive_with_no_time_looks_once() -> None:
    async with open_node():
        send(self_(), "a")

        with pytest.raises(ReceiveTimeoutError):
            await receive(int, timeout=0)
        assert await receive(timeout=0) == "a"
        with pytest.raises(ReceiveTimeoutError):
            await receive(timeout=0)


@trio_test
async def test_receive_waits_no_longer_than_its_timeout() -> None:
    async with open_node():
        begun = trio.current_time()
        send_after(1, self_(), "wrong")

        with pytest.raises(ReceiveTimeoutError):
            await receive(int, timeout=3)
        assert trio.current_time() - begun == 3
        assert await mailbox() == ["wrong"]


@trio_test
async def test_a_waiting_process_tests_new_messages_only() -> None:
    async with open_node():
        tested: list[object] = []

        def is_late(message: object) -> bool:
            tested.append(message)
            return message == "late"

        send(self_(), "early")
        send_after(1, self_(), "middle")
        send_after(2, self_(), "late")

        assert await receive(is_late) == "late"
        assert tested == ["early", "middle", "late"]
        assert await mailbox() == ["early", "middle"]


@trio_test
async def test_a_cancelled_receive_takes_no_message() -> None:
    async with open_node():
        with trio.move_on_after(1):
            await receive()
        send(self_(), "kept")
        with trio.CancelScope() as scope:
            scope.cancel()
            await receive(int)

        assert await mailbox() == ["kept"]


@trio_test
async def test_only_the_process_itself_may_receive() -> None:
    async with open_node():
        refused: list[bool] = []

        async def helper() -> None:
            try:
                await receive()
            except CannotWaitError:
                refused.append(True)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(helper)

        assert refused == [True]
    with pytest.raises(NotAProcessError):
        await receive()


@trio_test
async def test_an_inline_process_cannot_receive() -> None:
    async with open_node():
        log: list[object] = []

        def try_to_receive(puppet: Puppet) -> None:
            coroutine = receive()
            try:
                coroutine.send(None)
            except CannotWaitError:
                puppet.log.append("refused")

        tell(await started(Puppet, log), try_to_receive)
        await wait_all_tasks_blocked()
        assert log == ["refused"]


operations = st.lists(
    st.one_of(st.integers(0, 5), st.sampled_from([frozenset({0, 1}), frozenset({2, 5}), frozenset(range(6))]))
)


@given(operations)
def test_selective_receive_agrees_with_a_list(plan: list[int | frozenset[int]]) -> None:
    """An int is a message that arrives, a set is a receive that matches its members."""

    @trio_test
    async def run() -> None:
        async with open_node():
            process = self_().process
            assert isinstance(process, TaskProcess)
            model: list[int] = []
            for step in plan:
                if isinstance(step, int):
                    send(self_(), step)
                    model.append(step)
                    continue
                wanted = step

                def matches(message: Any, wanted: frozenset[int] = wanted) -> bool:
                    return message in wanted

                expected = next((message for message in model if message in wanted), NOTHING)
                if expected is not NOTHING:
                    model.remove(expected)
                assert process.take((matches,)) == expected
                assert list(process.mailbox) == model

    run()


@trio_test
async def test_a_process_that_never_waits_lets_the_others_run() -> None:
    async with open_node():
        order: list[str] = []

        async def greedy() -> None:
            for _ in range(3 * REDUCTIONS):
                await receive()
            order.append("greedy")

        async def modest() -> None:
            order.append("modest")

        pid = spawn(greedy)
        for number in range(3 * REDUCTIONS):
            send(pid, number)
        spawn(modest)
        await wait_all_tasks_blocked()

        assert order == ["modest", "greedy"]


# Cancel is not kill.


def zombies(reports: list[Report]) -> list[ZombieReport]:
    return [report for report in reports if isinstance(report, ZombieReport)]


@trio_test
async def test_a_killed_process_is_dead_at_once_while_its_task_unwinds() -> None:
    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)
        unwound: list[float] = []

        async def stubborn() -> None:
            await overstay(ZOMBIE_GRACE + 5)
            unwound.append(trio.current_time())

        pid = spawn(stubborn)
        register("it", pid)
        ref = monitor(pid)
        await wait_all_tasks_blocked()
        killed_at = trio.current_time()
        exit_signal(pid, KILL)

        assert whereis("it") is None
        assert not pid.is_alive
        assert pid not in node.pids()
        assert await mailbox() == [Down(ref, pid, KILLED)]
        assert unwound == []
        await trio.sleep(ZOMBIE_GRACE + 1)
        assert reports == [
            ZombieReport(
                pid, "test_a_killed_process_is_dead_at_once_while_its_task_unwinds.<locals>.stubborn", ZOMBIE_GRACE
            )
        ]
        assert "still unwinding" in str(reports[0])
        await trio.sleep(10)
        assert unwound == [killed_at + ZOMBIE_GRACE + 5]


@trio_test
async def test_a_task_that_unwinds_in_time_is_not_reported() -> None:
    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)

        async def tidy() -> None:
            try:
                await trio.sleep_forever()
            finally:
                await overstay(ZOMBIE_GRACE - 1)

        pid = spawn(tidy)
        await wait_all_tasks_blocked()
        exit_signal(pid, KILL)
        await trio.sleep(60)

        assert reports == []


@trio_test
async def test_a_process_killed_before_its_first_step_never_takes_it() -> None:
    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)
        steps: list[int] = []

        async def late() -> None:
            steps.append(1)

        pid, ref = spawn_monitor(late)
        exit_signal(pid, KILL)
        await trio.sleep(60)

        assert await death_of(ref) is KILLED
        assert steps == []
        assert reports == []


@trio_test
async def test_the_first_reason_stands_whatever_unwinding_raises() -> None:
    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)

        async def clumsy() -> None:
            try:
                await trio.sleep_forever()
            finally:
                raise ValueError("while unwinding")

        pid, ref = spawn_monitor(clumsy)
        await wait_all_tasks_blocked()
        exit_signal(pid, Failure("first"))
        await wait_all_tasks_blocked()

        assert await death_of(ref) == Failure("first")
        assert await mailbox() == []
        assert reports == []


@trio_test
async def test_a_process_that_swallows_its_cancellation_is_dead_all_the_same() -> None:
    async with open_node():
        steps: list[str] = []

        async def defiant() -> None:
            try:
                await trio.sleep_forever()
            except trio.Cancelled:
                steps.append("swallowed")
            steps.append("went on")
            send(main, "from a zombie")

        main = self_()
        pid, ref = spawn_monitor(defiant)
        await wait_all_tasks_blocked()
        exit_signal(pid, KILL)
        await wait_all_tasks_blocked()

        assert await death_of(ref) is KILLED
        assert steps == ["swallowed", "went on"]
        assert await mailbox() == ["from a zombie"]  # a difference from the BEAM, see docs/conformance.md


@trio_test
async def test_the_cancel_scope_of_the_spawner_does_not_reach_the_process() -> None:
    async with open_node():
        pids: list[Pid] = []
        with trio.CancelScope() as scope:
            pids.append(spawn(wait_forever))
            await wait_all_tasks_blocked()
            scope.cancel()
            await trio.lowlevel.checkpoint()

        assert pids[0].is_alive


@trio_test
async def test_a_process_may_cancel_what_is_its_own() -> None:
    async with open_node():

        async def careful() -> None:
            with trio.move_on_after(1):
                await receive()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.sleep_forever)
                nursery.cancel_scope.cancel()

        _pid, ref = spawn_monitor(careful)

        assert await death_of(ref) is NORMAL


@trio_test
async def test_an_exit_from_inside_a_nursery_is_the_exit_reason() -> None:
    async with open_node():

        async def leave() -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.sleep_forever)
                exit_(Failure("x"))

        _pid, ref = spawn_monitor(leave)

        assert await death_of(ref) == Failure("x")


@trio_test
async def test_several_errors_at_once_are_one_crash() -> None:
    async with open_node():

        async def fail(error: Exception) -> None:
            raise error

        async def both() -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(fail, ValueError("one"))
                nursery.start_soon(fail, KeyError("two"))

        _pid, ref = spawn_monitor(both)
        reason = await death_of(ref)

        assert isinstance(reason, Crash)
        assert reason.type == "ExceptionGroup"


@trio_test
async def test_every_process_has_a_context_of_its_own() -> None:
    async with open_node():
        seen: list[Pid] = []

        async def who() -> None:
            await trio.lowlevel.checkpoint()
            seen.append(self_())

        one, two = spawn(who), spawn(who)
        await wait_all_tasks_blocked()

        assert sorted(seen) == [one, two]
