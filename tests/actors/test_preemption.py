"""Preemption: no process keeps the others waiting longer than the budget. In real time, with small budgets."""

from __future__ import annotations

import functools
import logging
import math
import signal
import threading
import time
from typing import TYPE_CHECKING, Any, ParamSpec

import pytest
import trio
import trio.lowlevel

from regrow.actors import (
    CrashReport,
    Exit,
    GenServer,
    InitFailedError,
    LongSchedule,
    Pid,
    PreemptionOff,
    Report,
    Runaway,
    cast,
    intercept,
    monitor,
    open_node,
    receive,
    register,
    run_in_thread,
    self_,
    send,
    spawn,
    spawn_link,
    spawn_monitor,
    trap_exit,
    whereis,
)
from regrow.actors._processes._inline import InlineProcess
from regrow.supervisors import ChildSpec, Supervisor
from tests.support import misbehaving_runaways as runaways
from tests.support.assertions import death_of, mailbox, unlinked, watched

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from regrow.actors import ExitReason, Node

BUDGET = 0.1

P = ParamSpec("P")


def real_time_test(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Make a test of an async function, with trio's own clock: what blocks the loop blocks a mock clock too."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        trio.run(functools.partial(test, *args, **kwargs))

    return run


def in_thread(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """Make a test that runs trio in a thread other than the main one."""

    @functools.wraps(test)
    def run() -> None:
        failures: list[BaseException] = []

        def target() -> None:
            try:
                trio.run(test)
            except BaseException as error:  # noqa: BLE001 - raised again in the test's thread
                failures.append(error)

        thread = threading.Thread(target=target)
        thread.start()
        thread.join()
        for failure in failures:
            raise failure

    return run


def heard(node: Node) -> list[Report]:
    """What the node reports from here on."""
    reports: list[Report] = []
    node.reports.listeners.append(reports.append)
    return reports


async def reported(reports: list[Report], kind: type[Report]) -> Any:
    """Wait for the first report of a kind."""
    while True:
        for report in reports:
            if isinstance(report, kind):
                return report
        await trio.sleep(0.01)


def check_invariants(node: Node) -> None:
    """What must hold between two ticks, whatever was interrupted."""
    ready = set(node.scheduler.ready)
    for process in node.processes:
        assert process.pid.process is process
        assert all(process in peer.linked() for peer in process.linked())
        if isinstance(process, InlineProcess):
            assert (process.mailbox is not None) == (process in ready)
    for name in node.names:
        holder = node.names.find(name)
        assert holder is not None
        assert holder.pid.is_alive
        assert holder.name == name


# Who is interrupted.


@pytest.mark.parametrize("server", [runaways.Runaway, runaways.TaskRunaway])
@pytest.mark.parametrize("misbehave", runaways.RUNAWAYS)
@real_time_test
async def test_a_callback_that_does_not_return_ends_its_process_and_its_neighbour_is_served(
    misbehave: Callable[[], None], server: type[GenServer]
) -> None:
    async with open_node(budget=BUDGET):
        log: list[object] = []
        pid, ref = await watched(server, log)
        neighbour = await unlinked(runaways.Runaway, log)

        cast(pid, misbehave)
        cast(pid, lambda: None)
        send(neighbour, "served")
        reason = await death_of(ref)

        assert isinstance(reason, Runaway)
        assert reason.budget == BUDGET
        assert reason.is_abnormal
        assert [frame.function for frame in reason.stack][:2] == ["Runaway.handle_cast", misbehave.__name__]
        with trio.fail_after(1):
            while "served" not in log:  # noqa: ASYNC110 - a list sets no event
                await trio.sleep(0.001)
        assert log.count("began") == 1
        assert "ended" not in log


@pytest.mark.parametrize("misbehave", runaways.RUNAWAYS)
@real_time_test
async def test_a_function_that_does_not_return_ends_its_process(misbehave: Callable[[], None]) -> None:
    async def task() -> None:
        misbehave()

    async with open_node(budget=BUDGET):
        for function in (misbehave, task):
            _pid, ref = spawn_monitor(function)
            assert isinstance(await death_of(ref), Runaway)


@real_time_test
async def test_a_process_that_runs_a_c_function_is_interrupted_in_it() -> None:
    async with open_node(budget=BUDGET):
        _pid, ref = spawn_monitor(time.sleep, 60)
        assert isinstance(await death_of(ref), Runaway)


@pytest.mark.parametrize("server", [runaways.Runaway, runaways.TaskRunaway])
@real_time_test
async def test_init_that_does_not_return_fails_the_start_and_the_starter_lives(server: type[GenServer]) -> None:
    async with open_node(budget=BUDGET) as node:
        with pytest.raises(InitFailedError) as failure:
            await server.start_link([], runaways.loop, name="unborn")

        assert isinstance(failure.value.reason, Runaway)
        assert whereis("unborn") is None
        assert len(node.processes) == 1


@real_time_test
async def test_the_child_is_guilty_that_does_not_return_from_init_and_not_the_process_that_starts_it() -> None:
    async with open_node(budget=BUDGET):
        log: list[object] = []

        async def start() -> None:
            try:
                await runaways.Runaway.start([], runaways.loop)
            except InitFailedError as error:
                log.append(type(error.reason))

        pid, ref = spawn_monitor(start)
        await death_of(ref)

        assert log == [Runaway]
        assert not pid.is_alive


@real_time_test
async def test_terminate_that_does_not_return_is_interrupted() -> None:
    async with open_node(budget=BUDGET):
        pid, ref = await watched(runaways.LoopsInTerminate)
        cast(pid, "go")
        assert isinstance(await death_of(ref), Runaway)


@real_time_test
async def test_what_intercepts_messages_is_interrupted_as_the_process() -> None:
    async with open_node(budget=BUDGET):
        pid, ref = await watched(runaways.Runaway, [])
        intercept(pid, lambda _message: runaways.loop())
        send(pid, "go")
        assert isinstance(await death_of(ref), Runaway)


@real_time_test
async def test_code_of_the_process_that_the_runtime_calls_is_interrupted_too() -> None:
    async with open_node(budget=BUDGET):
        _pid, ref = spawn_monitor(lambda: send(runaways.BlockingRegistry(), "go"))
        assert isinstance(await death_of(ref), Runaway)


@real_time_test
async def test_what_overruns_in_an_inner_nursery_ends_the_process_with_the_same_reason() -> None:
    async with open_node(budget=BUDGET):
        _pid, ref = spawn_monitor(runaways.run_away_in_a_nursery)
        reason = await death_of(ref)
        assert isinstance(reason, Runaway)
        assert reason.stack[-1].function == "loop"


@pytest.mark.parametrize("function", [runaways.swallow, runaways.swallow_and_wait])
@real_time_test
async def test_who_swallows_the_interruption_dies_of_it_all_the_same(function: Callable[[], Any]) -> None:
    async with open_node(budget=BUDGET, shutdown_timeout=0):
        _pid, ref = spawn_monitor(function)
        assert isinstance(await death_of(ref), Runaway)


@pytest.mark.parametrize("server", [runaways.Runaway, runaways.TaskRunaway])
@real_time_test
async def test_terminate_does_not_run_after_an_interruption(server: type[GenServer]) -> None:
    async with open_node(budget=BUDGET):
        log: list[object] = []
        pid, ref = await watched(server, log)
        cast(pid, runaways.loop)
        await death_of(ref)
        assert log == ["began"]


@real_time_test
async def test_finally_clauses_run_and_mail_that_was_sent_stays_sent() -> None:
    async with open_node(budget=BUDGET):
        main = self_()

        def run() -> None:
            try:
                send(main, "before")
                runaways.loop()
            finally:
                send(main, "finally")

        _pid, ref = spawn_monitor(run)
        await death_of(ref)
        assert await mailbox() == ["before", "finally"]


@real_time_test
async def test_its_link_gets_the_reason() -> None:
    async with open_node(budget=BUDGET):
        trap_exit()
        pid = spawn_link(runaways.loop)
        died = await receive(Exit)
        assert died.pid is pid
        assert isinstance(died.reason, Runaway)


@real_time_test
async def test_a_supervised_runaway_grows_back_and_its_siblings_live() -> None:
    async with open_node(budget=BUDGET):
        log: list[object] = []
        specs = [
            ChildSpec(name, functools.partial(runaways.Runaway.start_link, log, name=name)) for name in ("bad", "good")
        ]
        await Supervisor.start_link(specs)
        bad, good = whereis("bad"), whereis("good")
        assert bad is not None

        ref = monitor(bad)
        cast(bad, runaways.loop)
        assert isinstance(await death_of(ref), Runaway)
        while whereis("bad") is None:  # noqa: ASYNC110 - a supervisor sets no event
            await trio.sleep(0.001)

        assert whereis("bad") is not bad
        assert whereis("good") is good


# Who is not.


@real_time_test
async def test_main_is_never_interrupted_only_reported() -> None:
    async with open_node(budget=0.05) as node:
        reports = heard(node)
        time.sleep(0.3)  # noqa: ASYNC251 - this is the misbehaviour
        report = await reported(reports, LongSchedule)
        assert report.pid is self_()
        assert report.seconds > node.budget
        assert report.where is not None
        assert report.where.function.endswith("test_main_is_never_interrupted_only_reported")


@real_time_test
async def test_a_process_that_takes_long_but_less_than_the_budget_is_reported_and_lives() -> None:
    async with open_node(budget=5) as node:
        reports = heard(node)
        pid = await unlinked(runaways.Runaway, [])
        cast(pid, functools.partial(time.sleep, 0.4))
        report = await reported(reports, LongSchedule)
        assert report.pid is pid
        assert report.seconds < node.budget
        assert str(pid) in str(report)
        assert pid.is_alive


@pytest.mark.parametrize("server", [runaways.Runaway, runaways.TaskRunaway])
@real_time_test
async def test_many_messages_that_take_long_together_are_no_crime_and_others_run_in_between(
    server: type[GenServer],
) -> None:
    async with open_node(budget=0.2):
        log: list[object] = []
        pid, ref = await watched(server, log)
        for _ in range(60):
            cast(pid, functools.partial(time.sleep, 0.01))
        await trio.lowlevel.checkpoint()
        await trio.sleep(0.001)
        assert 0 < log.count("ended") < 60

        send(pid, "last")
        while log[-1] != "last":  # noqa: ASYNC110 - a list sets no event
            await trio.sleep(0.01)
        assert log.count("ended") == 60
        assert log.index("last") == len(log) - 1
        assert pid.is_alive
        assert not await mailbox()
        assert ref is not None


@real_time_test
async def test_a_process_that_writes_to_itself_for_ever_is_not_running_away() -> None:
    async with open_node(budget=0.05):

        class Perpetual(GenServer):
            def handle_info(self, message: Any) -> None:
                send(self.pid, message)

        pid = await unlinked(Perpetual)
        send(pid, "on and on")
        await trio.sleep(0.3)
        assert pid.is_alive


@real_time_test
async def test_a_task_that_lets_others_run_is_not_running_away() -> None:
    async with open_node(budget=0.05):

        async def busy() -> None:
            while True:
                await trio.lowlevel.checkpoint()

        pid = spawn(busy)
        await trio.sleep(0.3)
        assert pid.is_alive


@real_time_test
async def test_of_two_nodes_in_a_thread_each_has_its_own_budget() -> None:
    async with open_node(budget=math.inf), open_node(budget=60) as outer:
        patient = await unlinked(runaways.Runaway, [])
        async with open_node(budget=BUDGET):
            pid, ref = await watched(runaways.Runaway, [])
            cast(pid, runaways.loop)
            assert isinstance(await death_of(ref), Runaway)
            cast(patient, functools.partial(time.sleep, 3 * BUDGET))
            await trio.sleep(0.01)
        assert patient.is_alive
        assert outer.scheduler.is_dozing
        assert signal.getitimer(signal.ITIMER_REAL)[1] == pytest.approx(0.1)


@real_time_test
async def test_a_node_without_a_budget_interrupts_nobody() -> None:
    async with open_node(budget=math.inf):
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.parametrize("budget", [0, -1, math.nan])
@real_time_test
async def test_a_budget_must_be_positive(budget: float) -> None:
    with pytest.raises(ValueError, match="budget"):
        async with open_node(budget=budget):
            pass


# The alarm clock.


@real_time_test
async def test_the_alarm_clock_is_given_back() -> None:
    async with open_node():
        assert signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL
        async with open_node():
            pass
        assert signal.getitimer(signal.ITIMER_REAL)[1] > 0
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def _own_handler(_number: int, _frame: object) -> None:
    """A handler of the program's."""


def _take_signal() -> Callable[[], object]:
    signal.signal(signal.SIGALRM, _own_handler)
    return lambda: signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _take_timer() -> Callable[[], object]:
    signal.setitimer(signal.ITIMER_REAL, 600)
    return lambda: signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.mark.parametrize("take", [_take_signal, _take_timer])
def test_a_program_that_uses_the_alarm_clock_keeps_it_and_is_told(
    take: Callable[[], Callable[[], object]], caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        before = signal.getsignal(signal.SIGALRM)
        async with open_node(budget=0.01):
            await trio.sleep(0.05)
        assert signal.getsignal(signal.SIGALRM) is before

    give_back = take()
    try:
        with caplog.at_level(logging.WARNING, "regrow"):
            trio.run(run)
    finally:
        give_back()
    reports = [getattr(record, "regrow_report", None) for record in caplog.records]
    assert [type(report) for report in reports] == [PreemptionOff]
    assert "runaway processes are not interrupted" in caplog.text


def test_an_interrupt_from_the_keyboard_still_ends_the_node() -> None:
    async def run() -> None:
        async with open_node(budget=BUDGET):
            _pid, ref = spawn_monitor(runaways.loop)
            threading.Timer(BUDGET / 2, signal.raise_signal, [signal.SIGINT]).start()
            await death_of(ref)
            await trio.sleep(5)

    with pytest.raises(KeyboardInterrupt):
        trio.run(run)


@real_time_test
async def test_each_interruption_is_reported_once_with_its_stack_and_its_name() -> None:
    async with open_node(budget=BUDGET) as node:
        reports = heard(node)
        pid, ref = await watched(runaways.Runaway, [])
        register("culprit", pid)
        cast(pid, runaways.loop)
        reason = await death_of(ref)
        await trio.sleep(0.01)
        assert [report for report in reports if not isinstance(report, LongSchedule)] == [
            CrashReport(pid, "Runaway", "culprit", reason, parent=self_())
        ]
        assert "in loop" in str(reports[-1])


# What is torn.


@pytest.mark.parametrize("loop", runaways.RUNTIME_LOOPS)
@real_time_test
async def test_a_runaway_inside_the_runtime_leaves_it_whole(loop: Callable[[Pid], None]) -> None:
    async with open_node(budget=0.01, shutdown_timeout=60) as node:
        for _ in range(5):
            victim = await unlinked(runaways.Runaway, [])
            watchers = [spawn_monitor(loop, victim), spawn_monitor(_as_task(loop), victim)]
            for _pid, ref in watchers:
                reason = await death_of(ref)
                assert isinstance(reason, Runaway)
                check_invariants(node)
            assert not runaways.LOCK.locked()
            assert victim.is_alive or loop is runaways.relink


def _as_task(loop: Callable[[Pid], None]) -> Callable[[Pid], Awaitable[None]]:
    async def run(victim: Pid) -> None:
        loop(victim)

    return run


# A thread other than the main one.


@pytest.mark.parametrize("server", [runaways.Runaway, runaways.TaskRunaway])
@pytest.mark.parametrize("misbehave", runaways.LOOPS)
def test_in_a_thread_loops_are_interrupted(misbehave: Callable[[], None], server: type[GenServer]) -> None:
    @in_thread
    async def run() -> None:
        async with open_node(budget=BUDGET) as node:
            reports = heard(node)
            log: list[object] = []
            pid, ref = await watched(server, log)
            cast(pid, misbehave)
            assert isinstance(await death_of(ref), Runaway)
            neighbour = await unlinked(runaways.Runaway, log)
            cast(neighbour, lambda: None)
            await trio.sleep(3 * BUDGET)
            assert neighbour.is_alive
            assert log == ["began", "began", "ended"]
            assert [type(report) for report in reports].count(CrashReport) == 1

    run()


def test_in_a_thread_a_c_call_ends_by_itself_and_then_its_process_is_dead() -> None:
    @in_thread
    async def run() -> None:
        async with open_node(budget=BUDGET):
            log: list[object] = []
            pid, ref = await watched(runaways.Runaway, log)
            cast(pid, functools.partial(time.sleep, 3 * BUDGET))
            cast(pid, lambda: None)
            assert isinstance(await death_of(ref), Runaway)
            assert log == ["began"]

    run()


def test_in_a_thread_what_cannot_be_interrupted_is_reported_while_it_lasts(caplog: pytest.LogCaptureFixture) -> None:
    @in_thread
    async def run() -> None:
        async with open_node(budget=0.05):
            pid, ref = await watched(runaways.Runaway, [])
            cast(pid, functools.partial(time.sleep, 0.4))
            await death_of(ref)

    run()
    assert "cannot be interrupted" in caplog.text


@pytest.mark.parametrize("loop", runaways.RUNTIME_LOOPS)
def test_in_a_thread_a_runaway_inside_the_runtime_leaves_it_whole(loop: Callable[[Pid], None]) -> None:
    @in_thread
    async def run() -> None:
        async with open_node(budget=0.02, shutdown_timeout=60) as node:
            for _ in range(2):
                victim = await unlinked(runaways.Runaway, [])
                for function in (loop, _as_task(loop)):
                    _pid, ref = spawn_monitor(function, victim)
                    assert isinstance(await death_of(ref), Runaway)
                    check_invariants(node)

    run()


def test_behind_a_portal_loops_are_interrupted_and_others_go_on() -> None:
    async def death_of_a_runaway() -> ExitReason:
        pid, ref = await watched(runaways.Runaway, [])
        cast(pid, runaways.loop_that_catches_exceptions)
        return await death_of(ref)

    with run_in_thread() as portal:
        reason = portal.run(death_of_a_runaway)

        assert isinstance(reason, Runaway)
        assert portal.whereis("nobody") is None
