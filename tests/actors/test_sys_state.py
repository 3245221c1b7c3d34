"""sys: state and status, shown and replaced (rules Y-2 and G-16), for both drivers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from regrow.actors import (
    CallbackFailedError,
    Failure,
    From,
    GenServer,
    Ok,
    Reply,
    call,
    exit_,
    open_node,
    self_,
    send,
    sys,
)
from tests.support.misbehaving import (
    DRIVERS,
    Driver,
    Puppet,
    does,
    started,
)
from tests.support.trio_test import trio_test

if TYPE_CHECKING:
    from collections.abc import Callable


both_drivers = pytest.mark.parametrize("driver", DRIVERS)


# State.


class Slotted(GenServer):
    """A server that keeps some of its state in slots, one of them private."""

    __slots__ = ("__secret", "kept", "unset")

    def init(self) -> None:
        self.kept = 1
        self.__secret = 2
        self.loose = 3

    def handle_call(self, request: Any, caller: From) -> Any:
        return Reply((self.kept, self.__secret, self.loose))


@both_drivers
@pytest.mark.parametrize("suspended", [True, False])
@trio_test
async def test_the_state_is_the_attributes_without_those_of_the_runtime(
    driver: Driver, *, suspended: bool
) -> None:  # Y-2
    async with open_node():
        pid = await started(driver(Puppet), ["log"], does(lambda _puppet: Ok(timeout=60)))
        if suspended:
            await sys.suspend(pid)

        assert await sys.get_state(pid) == {"log": ["log"]}
        assert await sys.replace_state(pid, lambda state: {"log": [*state["log"], "more"], "extra": 1}) == {
            "log": ["log", "more"],
            "extra": 1,
        }
        assert await sys.get_state(pid) == {"log": ["log", "more"], "extra": 1}
        await sys.replace_state(pid, lambda _state: {"log": []})
        assert await sys.get_state(pid) == {"log": []}


@trio_test
async def test_the_state_includes_slots() -> None:  # Y-2
    async with open_node():
        pid = await started(Slotted)

        assert await sys.get_state(pid) == {"kept": 1, "_Slotted__secret": 2, "loose": 3}
        await sys.replace_state(pid, lambda state: state | {"kept": 10, "_Slotted__secret": 20})
        assert await call(pid, None) == (10, 20, 3)


REPLACEMENTS_THAT_FAIL: list[Callable[[Any], Any]] = [
    lambda state: state["absent"],
    lambda _state: None,
    lambda state: {**state, 1: "not a name"},
    lambda state: {**state, "pid": None},
    lambda _state: exit_(Failure("in a hurry")),
    lambda _state: {"added": 1, "log": 2, "read_only": 3},
]


@both_drivers
@pytest.mark.parametrize("function", REPLACEMENTS_THAT_FAIL)
@trio_test
async def test_a_state_that_cannot_be_replaced_stays_and_the_server_lives(driver: Driver, function: Any) -> None:  # Y-2
    class ReadOnly(Puppet):
        @property
        def read_only(self) -> int:
            return 0

    async with open_node():
        log: list[object] = []
        pid = await started(driver(ReadOnly), log)

        with pytest.raises(CallbackFailedError):
            await sys.replace_state(pid, function)

        assert await sys.get_state(pid) == {"log": log}
        assert (await sys.get_state(pid))["log"] is log


@both_drivers
@trio_test
async def test_a_class_decides_how_its_state_is_shown_and_replaced(driver: Driver) -> None:  # Y-2
    class Counting(Puppet):
        def init(self, log: list[object], begin: Any = None) -> None:
            self.log = log
            self.count = 1

        def system_get_state(self) -> int:
            return self.count

        def system_replace_state(self, function: Any, /) -> int:
            self.count = function(self.count)
            return self.count

    async with open_node():
        pid = await started(driver(Counting), [])

        assert await sys.get_state(pid) == 1
        assert await sys.replace_state(pid, lambda count: count + 1) == 2
        assert await sys.get_state(pid) == 2


@both_drivers
@trio_test
async def test_a_state_that_cannot_be_shown_is_an_error_and_the_server_lives(driver: Driver) -> None:  # Y-2
    class Hiding(Puppet):
        def system_get_state(self) -> int:
            raise ValueError("hidden")

    async with open_node():
        pid = await started(driver(Hiding), [])

        with pytest.raises(CallbackFailedError, match=r"system_get_state failed: ValueError: hidden"):
            await sys.get_state(pid)
        assert "hidden" in (await sys.get_status(pid)).status.state
        assert pid.is_alive


# Status.


@both_drivers
@trio_test
async def test_the_status_says_what_the_process_is_and_does(driver: Driver) -> None:
    async with open_node():
        actor = driver(Puppet)
        pid = await started(actor, [], name="it")
        await sys.log(pid)
        send(pid, "x")

        status = await sys.get_status(pid)

        assert (status.pid, status.name, status.actor, status.mode) == (pid, "it", actor, sys.Mode.RUNNING)
        assert (status.parent, status.debug) == (self_(), ("log",))
        assert status.status == sys.Status({"log": ["x"]}, log=(sys.In("x"), sys.NoReply()))


@both_drivers
@trio_test
async def test_format_status_presents_the_state(driver: Driver) -> None:  # G-16
    class Discreet(Puppet):
        def format_status(self, status: sys.Status) -> sys.Status:
            return replace(status, state="none of your business")

    async with open_node():
        pid = await started(driver(Discreet), [])
        assert (await sys.get_status(pid)).status.state == "none of your business"
        assert await sys.get_state(pid) == {"log": []}


@both_drivers
@pytest.mark.parametrize("broken", [lambda: 1 / 0, lambda: None])
@trio_test
async def test_a_format_status_that_fails_leaves_a_note(driver: Driver, broken: Any) -> None:  # G-16
    class Failing(Puppet):
        def format_status(self, status: sys.Status) -> Any:
            return broken()

    async with open_node():
        pid = await started(driver(Failing), [])
        status = (await sys.get_status(pid)).status
        assert "Failing.format_status" in status.state or "TaskPuppet.format_status" in status.state
        assert pid.is_alive
