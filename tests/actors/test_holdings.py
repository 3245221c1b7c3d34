"""What a process holds is free before anyone hears of its death (rule P-7)."""

from __future__ import annotations

import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import KILL, Down, Pid, exit_signal, monitor, open_node, receive, spawn
from tests.support.trio_test import trio_test


class Holding:
    def __init__(self, log: list[object]) -> None:
        self.log = log

    def holder_died(self, pid: Pid, /) -> None:
        self.log.append((pid, pid.is_alive))


@trio_test
async def test_a_holding_is_freed_once_the_holder_is_dead_and_before_its_down_is_sent() -> None:
    async with open_node():
        log: list[object] = []
        pid = spawn(trio.sleep_forever)
        await wait_all_tasks_blocked()
        assert pid.process is not None
        pid.process.hold(Holding(log))
        monitor(pid)
        exit_signal(pid, KILL)
        assert log == [(pid, False)]
        assert (await receive(Down)).target is pid


@trio_test
async def test_what_was_let_go_of_is_not_freed() -> None:
    async with open_node():
        log: list[object] = []
        pid = spawn(trio.sleep_forever)
        holding = Holding(log)
        assert pid.process is not None
        pid.process.let_go(holding)
        pid.process.hold(holding)
        pid.process.let_go(holding)
        exit_signal(pid, KILL)
        assert log == []
