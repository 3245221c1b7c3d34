"""The node: a value, stopped in order however its block ends."""

from __future__ import annotations

import math
import signal
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    NORMAL,
    SHUTDOWN,
    Down,
    Exit,
    Failure,
    GenServer,
    MainExitError,
    Node,
    NodeStoppedError,
    NotAProcessError,
    Pid,
    Report,
    ZombieReport,
    ancestors,
    current_node,
    exit_,
    exit_signal,
    monitor,
    open_node,
    receive,
    register,
    self_,
    send,
    spawn,
    spawn_link,
    trap_exit,
    whereis,
)
from regrow.actors._processes._task import TaskProcess
from tests.support.assertions import mailbox, unlinked
from tests.support.misbehaving import (
    DRIVERS,
    Driver,
    Puppet,
    as_task,
    inform,
    overstay,
    raising,
    started,
    trapping,
    wait_forever,
)
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


class Boss(GenServer):
    """A little supervisor: on its parent's exit it stops its worker and waits until that is gone."""

    async def init(self, log: list[object], driver: Driver) -> None:
        trap_exit()
        self.log = log
        self.worker = await started(driver(Puppet), log, trapping)

    async def terminate(self, reason: Any) -> None:
        self.log.append(("boss asked", reason))
        monitor(self.worker)
        exit_signal(self.worker, SHUTDOWN)
        await receive(Down)
        self.log.append("boss done")


ORDERLY = [("boss asked", SHUTDOWN), ("terminate", SHUTDOWN), "boss done"]


@both_drivers
@trio_test
async def test_the_tree_is_stopped_root_first(driver: Driver) -> None:
    log: list[object] = []
    async with open_node() as node:
        await started(Boss, log, driver)

    assert log == ORDERLY
    assert node.processes == set()


@both_drivers
@trio_test
async def test_an_error_in_the_block_stops_the_tree_in_order_and_leaves_bare(driver: Driver) -> None:
    log: list[object] = []

    async def main() -> None:
        async with open_node():
            await started(Boss, log, driver)
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await main()
    assert log == ORDERLY


@both_drivers
@trio_test
async def test_cancellation_from_outside_stops_the_tree_in_order(driver: Driver) -> None:
    log: list[object] = []
    with trio.move_on_after(1) as scope:
        async with open_node():
            await started(Boss, log, driver)
            await trio.sleep_forever()

    assert scope.cancelled_caught
    assert log == ORDERLY


@both_drivers
@pytest.mark.parametrize("foreign", [SystemExit(3), KeyboardInterrupt()])
@pytest.mark.parametrize("culprit", DRIVERS)
@trio_test
async def test_what_belongs_to_the_node_stops_the_tree_in_order_and_leaves_bare(
    driver: Driver, culprit: Driver, foreign: BaseException
) -> None:
    log: list[object] = []

    async def main() -> None:
        async with open_node():
            await started(Boss, log, driver)
            inform(await unlinked(culprit(Puppet), []), lambda _puppet: raising(foreign))
            await trio.sleep_forever()

    with pytest.raises(type(foreign)) as caught:
        await main()
    assert caught.value is foreign
    assert log == ORDERLY


@trio_test
async def test_an_interrupt_during_a_tick_waits_until_the_tick_is_over() -> None:
    log: list[object] = []

    def interrupt(puppet: Puppet) -> None:
        signal.raise_signal(signal.SIGINT)
        puppet.log.append("callback finished")

    async def main() -> None:
        async with open_node():
            inform(await unlinked(Puppet, log), interrupt)
            await trio.sleep_forever()

    with pytest.raises(KeyboardInterrupt):
        await main()
    assert log == ["callback finished"]


@both_drivers
@trio_test
async def test_stubborn_processes_are_killed_within_the_shutdown_timeout(driver: Driver) -> None:
    log: list[object] = []
    async with open_node(shutdown_timeout=7) as node:
        main = self_()
        pid = await unlinked(driver(Puppet), log, trapping)
        begun = trio.current_time()

    assert trio.current_time() - begun == 7
    assert not pid.is_alive
    assert log[0] == Exit(main, SHUTDOWN)
    assert node.processes == set()


@trio_test
async def test_a_zombie_that_holds_up_the_stop_is_reported() -> None:
    reports: list[Report] = []
    async with open_node(shutdown_timeout=1) as node:
        node.reports.listeners.append(reports.append)
        pid = spawn(overstay, 60)
        await wait_all_tasks_blocked()

    assert [report.pid for report in reports if isinstance(report, ZombieReport)] == [pid]
    assert trio.current_time() >= 60


@trio_test
async def test_a_slow_stop_does_not_report_main_as_a_zombie() -> None:
    reports: list[Report] = []
    async with open_node(shutdown_timeout=30) as node:
        node.reports.listeners.append(reports.append)
        await unlinked(Puppet, [], trapping)

    assert reports == []


@trio_test
async def test_a_process_spawned_while_the_node_stops_is_stopped_too() -> None:
    log: list[object] = []
    late: list[Pid] = []

    class Late(Puppet):
        def terminate(self, reason: Any) -> Any:
            late.append(spawn(wait_forever))
            late.append(spawn(log.append, "ran"))

    async with open_node() as node:
        await started(Late, [], trapping)
        begun = trio.current_time()

    assert len(late) == 2
    assert not any(pid.is_alive for pid in late)
    assert node.processes == set()
    assert trio.current_time() == begun


@trio_test
async def test_an_adopted_process_leaves_with_the_children_of_main_whoever_started_it() -> None:
    ends: list[str] = []

    async def service(name: str) -> None:
        trap_exit()
        await receive(Exit)
        ends.append(name)

    async def starter(node: Node) -> None:
        trap_exit()
        node.adopt(spawn(service, "adopted"))
        spawn(service, "other")
        await receive(Exit)
        ends.append("starter")

    async with open_node() as node:
        pid = spawn(starter, node)
        await wait_all_tasks_blocked()
        exit_signal(pid, KILL)
        adopted, other = node.pids()[-2:]
        assert (ancestors(adopted), ancestors(other)) == ((node.main,), (pid,))
    assert ends == ["adopted", "other"]


@trio_test
async def test_a_stopped_node_starts_no_more_processes() -> None:
    async with open_node() as node:
        pass

    with pytest.raises(NodeStoppedError, match="regrow@localhost"):
        TaskProcess(node, "late", None)
    assert node.processes == set()


@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, Failure("x")])
@trio_test
async def test_exit_in_the_block_is_the_end_of_main(reason: Any) -> None:
    async def main() -> None:
        async with open_node():
            exit_(reason)

    with pytest.raises(MainExitError) as caught:
        await main()
    assert caught.value.reason is reason


@trio_test
async def test_an_exit_signal_ends_main_and_cancels_the_block() -> None:
    reached: list[str] = []

    async def main() -> None:
        async with open_node():
            pid = self_()

            async def assassin() -> None:
                exit_signal(pid, KILL)

            spawn(assassin)
            await trio.sleep_forever()
            reached.append("after")

    with pytest.raises(MainExitError, match="KILLED"):
        await main()
    assert reached == []


@trio_test
async def test_main_may_trap_exits() -> None:
    async with open_node():
        trap_exit()
        pid = spawn_link(wait_forever)
        exit_signal(pid, KILL)

        assert [type(message) for message in await mailbox()] == [Exit]


@trio_test
async def test_two_nodes_share_nothing_but_can_talk() -> None:
    async with open_node("one@localhost") as one:
        main = self_()
        register("it", main)
        log: list[object] = []
        pid = await unlinked(Puppet, log)
        async with open_node("two@localhost") as two:
            assert current_node() is two
            assert whereis("it") is None
            register("it", self_())
            assert whereis("it") is not main
            assert {process.node for process in two.processes} == {two}
            send(pid, "hello")
            ref = monitor(pid)
            await wait_all_tasks_blocked()
            assert log == ["hello"]
            exit_signal(pid, KILL)
            (down,) = await mailbox()
            assert down.ref is ref
        assert current_node() is one
        assert whereis("it") is main
    with pytest.raises(NotAProcessError):
        current_node()


@trio_test
async def test_two_nodes_may_stand_side_by_side() -> None:
    names: list[str] = []

    async def serve(name: str) -> None:
        async with open_node(name) as node:
            await started(as_task(Puppet), [], name="it")
            await trio.sleep(1)
            assert whereis("it") is not None
            assert current_node() is node
            names.append(current_node().name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, "one")
        nursery.start_soon(serve, "two")

    assert sorted(names) == ["one", "two"]


@pytest.mark.parametrize("timeout", [-1, math.inf, math.nan])
@trio_test
async def test_the_shutdown_timeout_must_be_finite(timeout: float) -> None:
    with pytest.raises(ValueError, match="shutdown_timeout"):
        async with open_node(shutdown_timeout=timeout):
            pass
