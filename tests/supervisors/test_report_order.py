"""What a supervised crash leaves in the log, from first to last."""

from __future__ import annotations

import pytest
from trio.testing import wait_all_tasks_blocked

from regrow.actors import NORMAL, CrashReport, ExitReason, ServerTerminated, exit_, open_node, send, trap_exit
from regrow.supervisors import (
    ChildRestarted,
    ChildSpec,
    ChildStarted,
    ChildTerminated,
    Restart,
    Supervisor,
    SupervisorShutdown,
)
from tests.support.misbehaving import DRIVERS, Driver, Puppet, does, raising, tell
from tests.support.supervised import child
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


class Chatty(Puppet):
    """A server that writes down that it is being started."""

    def init(self, log: list[object], begin: object = None) -> None:
        super().init(log)
        log.append("init")


@both_drivers
@trio_test
async def test_a_crash_is_told_by_the_server_the_process_and_the_supervisor_and_then_comes_the_restart(
    driver: Driver,
) -> None:
    async with open_node() as node:
        log: list[object] = []
        node.reports.listeners.append(lambda report: log.append(type(report)))
        supervisor = await Supervisor.start_link([ChildSpec("a", driver(Chatty).start_link, (log,))])
        tell(await child(supervisor, "a"), lambda _puppet: raising(ValueError("bad")))
        await wait_all_tasks_blocked()

        begun, started, ended, *rest = log
        assert (begun, started) == ("init", ChildStarted)
        assert isinstance(ended, tuple)
        assert ended[0] == "terminate"
        assert rest == [ServerTerminated, CrashReport, ChildTerminated, "init", ChildRestarted]


@both_drivers
@trio_test
async def test_a_supervisor_that_gives_up_says_so_after_the_crash_it_gives_up_for(driver: Driver) -> None:
    async with open_node() as node:
        trap_exit()
        log: list[object] = []
        supervisor = await Supervisor.start_link([ChildSpec("a", driver(Puppet).start_link, ([],))], intensity=0)
        node.reports.listeners.append(lambda report: log.append(type(report)))
        tell(await child(supervisor, "a"), lambda _puppet: raising(ValueError("bad")))
        await wait_all_tasks_blocked()

        assert log == [ServerTerminated, CrashReport, ChildTerminated, SupervisorShutdown]


def leave_with(reason: ExitReason) -> object:
    return does(lambda _puppet: exit_(reason))


@both_drivers
@trio_test
async def test_nobody_tells_of_a_transient_child_that_ends_normally(driver: Driver) -> None:
    async with open_node() as node:
        log: list[object] = []
        spec = ChildSpec("a", driver(Puppet).start_link, ([],), restart=Restart.TRANSIENT)
        supervisor = await Supervisor.start_link([spec])
        node.reports.listeners.append(log.append)
        send(await child(supervisor, "a"), leave_with(NORMAL))

        assert await child(supervisor, "a") is None
        assert log == []
