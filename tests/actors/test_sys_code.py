"""sys: changing the code of a suspended process (rule Y-3), for both drivers."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from regrow.actors import (
    NORMAL,
    CallbackFailedError,
    From,
    GenServer,
    NotSuspendedError,
    Reply,
    call,
    exit_,
    open_node,
    receive,
    send_request,
    sys,
)
from tests.support.misbehaving import (
    DRIVERS,
    Driver,
    Puppet,
    started,
)
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


class Versioned(GenServer):
    """The first version of a server."""

    def init(self) -> None:
        self.count = 7

    def handle_call(self, request: Any, caller: From) -> Any:
        return Reply(("v1", self.count))


class Second(Versioned):
    """The second: it counts in a list."""

    def handle_call(self, request: Any, caller: From) -> Any:
        return Reply(("v2", self.counts))

    def code_change(self, old_version: Any, extra: Any) -> Any:
        assert old_version == "v1"
        self.counts = [self.count]
        del self.count
        return extra()


class VersionedTask(Versioned):
    """The first version, as a task."""

    async def handle_cast(self, request: Any) -> None:
        pass


class SecondTask(Second):
    """The second version, as a task whose conversion waits."""

    async def code_change(self, old_version: Any, extra: Any) -> Any:
        await trio.sleep(1)
        return super().code_change(old_version, extra)


VERSIONS = pytest.mark.parametrize(("first", "second"), [(Versioned, Second), (VersionedTask, SecondTask)])


@VERSIONS
@trio_test
async def test_change_code_converts_a_suspended_server(first: type[GenServer], second: type[GenServer]) -> None:  # Y-3
    async with open_node():
        pid = await started(first)
        await sys.suspend(pid)
        ref = send_request(pid, "which")
        await sys.change_code(pid, second, "v1", lambda: None)
        assert (await sys.get_status(pid)).mode is sys.Mode.SUSPENDED
        await sys.resume(pid)

        answer = await receive(timeout=1)
        assert (answer.ref, answer.value) == (ref, ("v2", [7]))


@VERSIONS
@pytest.mark.parametrize("outcome", [lambda: 1 / 0, lambda: "nonsense", lambda: exit_(NORMAL)])
@trio_test
async def test_a_change_that_fails_keeps_class_and_state_and_stays_suspended(
    first: type[GenServer], second: type[GenServer], outcome: Any
) -> None:  # Y-3
    async with open_node():
        pid = await started(first)
        await sys.suspend(pid)
        with pytest.raises(CallbackFailedError):
            await sys.change_code(pid, second, "v1", outcome)

        status = await sys.get_status(pid)
        assert (status.actor, status.mode, status.status.state) == (first, sys.Mode.SUSPENDED, {"count": 7})
        await sys.resume(pid)
        assert await call(pid, "which") == ("v1", 7)


@VERSIONS
@trio_test
async def test_code_is_not_changed_while_the_server_runs(
    first: type[GenServer], second: type[GenServer]
) -> None:  # Y-3
    async with open_node():
        pid = await started(first)
        with pytest.raises(NotSuspendedError):
            await sys.change_code(pid, second, "v1", lambda: None)
        assert await call(pid, "which") == ("v1", 7)


@trio_test
async def test_a_server_does_not_become_one_of_the_other_driver() -> None:  # Y-3
    async with open_node():
        pid = await started(Versioned)
        await sys.suspend(pid)
        for impossible in (SecondTask, int):
            with pytest.raises(CallbackFailedError, match="becomes only a GenServer whose callbacks are plain"):
                await sys.change_code(pid, impossible, "v1", lambda: None)
        await sys.resume(pid)
        assert await call(pid, "which") == ("v1", 7)


@both_drivers
@trio_test
async def test_code_may_change_without_a_new_class(driver: Driver) -> None:  # Y-3
    class Converting(Puppet):
        def code_change(self, old_version: Any, extra: Any) -> None:
            self.log.append((old_version, extra))

    async with open_node():
        log: list[object] = []
        for actor in (Puppet, Converting):
            pid = await started(driver(actor), log)
            await sys.suspend(pid)
            await sys.change_code(pid, old_version=1, extra=2)
        assert log == [(1, 2)]
