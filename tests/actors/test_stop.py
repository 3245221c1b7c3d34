"""Stopping a server and waiting for its end (rule G-14)."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    CALLING_SELF,
    NOPROC,
    NORMAL,
    SHUTDOWN,
    TIMEOUT,
    CallError,
    CannotWaitError,
    Crash,
    ExitReason,
    Failure,
    open_node,
    self_,
    stop,
)
from tests.support.assertions import unlinked
from tests.support.misbehaving import (
    DRIVERS,
    Driver,
    Puppet,
    SlowTerminate,
    TerminateFails,
    started,
    tell,
    trapping,
)
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


@both_drivers
@pytest.mark.parametrize("begin", [None, trapping])
@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, Failure("x")])
@trio_test
async def test_stop_runs_terminate_whether_it_traps_or_not(driver: Driver, begin: Any, reason: ExitReason) -> None:
    async with open_node():  # G-14
        log: list[object] = []
        pid = await unlinked(driver(Puppet), log, begin)

        await stop(pid, reason)

        assert not pid.is_alive
        assert log == [("terminate", reason)]


@both_drivers
@trio_test
async def test_stop_of_a_dead_server_fails_with_noproc(driver: Driver) -> None:  # G-14
    async with open_node():
        pid = await unlinked(driver(Puppet), [])
        await stop(pid)

        with pytest.raises(CallError) as caught:
            await stop(pid)
        assert caught.value.reason is NOPROC


@trio_test
async def test_stop_that_takes_too_long_fails_and_does_not_kill() -> None:  # G-14
    async with open_node(shutdown_timeout=1000):
        log: list[object] = []
        pid = await unlinked(SlowTerminate, log)

        with pytest.raises(CallError) as caught:
            await stop(pid, timeout=10)
        assert caught.value.reason is TIMEOUT
        assert pid.is_alive
        await trio.sleep(60)
        assert log == [("terminate", NORMAL)]


@both_drivers
@trio_test
async def test_stop_that_ends_with_another_reason_fails_with_it(driver: Driver) -> None:  # G-14
    async with open_node():
        pid = await unlinked(driver(TerminateFails), [])

        with pytest.raises(CallError) as caught:
            await stop(pid)
        assert isinstance(caught.value.reason, Crash)


@trio_test
async def test_stopping_oneself_is_refused() -> None:
    async with open_node():
        with pytest.raises(CallError) as caught:
            await stop(self_())
        assert caught.value.reason is CALLING_SELF


@trio_test
async def test_an_inline_process_cannot_wait_in_stop() -> None:
    async with open_node():
        other = await started(Puppet, [])
        log: list[object] = []

        def try_to_stop(puppet: Puppet) -> None:
            try:
                stop(other)
            except CannotWaitError:
                puppet.log.append("refused")

        tell(await started(Puppet, log), try_to_stop)
        await wait_all_tasks_blocked()
        assert log == ["refused"]
