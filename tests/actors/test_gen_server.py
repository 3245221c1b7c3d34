"""GenServer: outcomes outside the contract (rules G-9 and G-12), and what its class decides, for both drivers."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    BadReturn,
    CallError,
    Crash,
    Failure,
    GenServer,
    InitFailedError,
    NoReply,
    Pid,
    Reply,
    Stop,
    call,
    cast,
    exit_,
    exit_signal,
    open_node,
    self_,
    send,
    spawn_link,
    start_inline,
)
from tests.support.assertions import death_of, unlinked, watched
from tests.support.misbehaving import (
    DRIVERS,
    Driver,
    Puppet,
    ask,
    does,
    inform,
    started,
    tell,
    wait_forever,
)
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


@both_drivers
@pytest.mark.parametrize("send_it", [tell, inform])
@trio_test
async def test_a_bad_return_stops_the_server(driver: Driver, send_it: Any) -> None:  # G-9
    async with open_node():
        log: list[object] = []
        pid, ref = await watched(driver(Puppet), log)

        send_it(pid, does(lambda _puppet: "nonsense"))
        reason = await death_of(ref)

        assert isinstance(reason, BadReturn)
        assert reason.got == "'nonsense'"
        assert log == [("terminate", reason)]


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no text for you")


@both_drivers
@trio_test
async def test_a_bad_return_that_cannot_be_printed_still_runs_terminate(driver: Driver) -> None:  # G-9
    async with open_node():
        log: list[object] = []
        pid, ref = await watched(driver(Puppet), log)

        tell(pid, lambda _puppet: Unprintable())
        reason = await death_of(ref)

        assert isinstance(reason, BadReturn)
        assert "RuntimeError" in reason.got
        assert log == [("terminate", reason)]


@both_drivers
@pytest.mark.parametrize("nonsense", [None, 42])
@trio_test
async def test_a_call_that_returns_no_outcome_is_a_bad_return(driver: Driver, nonsense: Any) -> None:  # G-9
    async with open_node():
        pid = await unlinked(driver(Puppet), [])

        with pytest.raises(CallError) as caught:
            await ask(pid, lambda _puppet, _caller: nonsense)
        assert isinstance(caught.value.reason, BadReturn)
        assert "Reply" in caught.value.reason.expected


@pytest.mark.parametrize("coroutine", ["init", "handle_info"])
@trio_test
async def test_a_missing_handle_info_logs_and_drops_the_message(
    coroutine: str, caplog: pytest.LogCaptureFixture
) -> None:  # G-12
    async with open_node():

        class Plain(GenServer):
            if coroutine == "init":

                async def init(self) -> None:
                    pass

        pid = await started(Plain)
        with caplog.at_level(logging.WARNING, "regrow"):
            send(pid, "surprise")
            await wait_all_tasks_blocked()

        assert "Plain" in caplog.text
        assert "unexpected message: 'surprise'" in caplog.text
        assert pid.is_alive


@pytest.mark.parametrize("missing", ["handle_call", "handle_cast", "handle_continue"])
@trio_test
async def test_a_missing_callback_crashes(missing: str) -> None:  # G-12
    async with open_node():

        class Plain(GenServer):
            def handle_info(self, message: Any) -> Any:
                return NoReply(continue_=message)

        pid, ref = await watched(Plain)
        if missing == "handle_call":
            with pytest.raises(CallError):
                await call(pid, "anything")
        elif missing == "handle_cast":
            cast(pid, "anything")
        else:
            send(pid, "anything")
        reason = await death_of(ref)

        assert isinstance(reason, Crash)
        assert missing in reason.message


# Both drivers.


def test_the_callbacks_decide_the_driver() -> None:
    class Waits(Puppet):
        async def handle_cast(self, request: Any) -> Any:
            pass

    assert Puppet._inline
    assert not Waits._inline
    assert not type("Heir", (Waits,), {})._inline  # type: ignore[attr-defined]


@trio_test
async def test_a_callback_may_use_a_nursery_and_exit_from_inside_it() -> None:
    async with open_node():
        log: list[object] = []

        async def leave() -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.sleep_forever)
                exit_(Failure("from a nursery"))

        pid, ref = await watched(DRIVERS[1](Puppet), log)
        tell(pid, lambda _puppet: leave())

        assert await death_of(ref) == Failure("from a nursery")
        assert log == [("terminate", Failure("from a nursery"))]


@trio_test
async def test_a_cancel_scope_of_the_callbacks_own_ends_only_what_is_in_it() -> None:
    async with open_node():
        log: list[object] = []

        async def give_up() -> None:
            with trio.move_on_after(1) as scope:
                await trio.sleep_forever()
            log.append(scope.cancelled_caught)

        pid = await started(DRIVERS[1](Puppet), log)
        tell(pid, lambda _puppet: give_up())
        assert await ask(pid, lambda _puppet, _caller: Reply("alive")) == "alive"

        assert log == [True]


@both_drivers
@trio_test
async def test_a_server_may_start_linked_children_in_init_and_takes_them_along_when_it_fails(driver: Driver) -> None:
    async with open_node():
        children: list[Pid] = []

        def begin(_puppet: Puppet) -> Any:
            children.append(spawn_link(wait_forever))
            return Stop(Failure("x"))

        with pytest.raises(InitFailedError):
            await driver(Puppet).start([], begin)

        assert not children[0].is_alive


@trio_test
async def test_an_inline_init_may_start_inline_children() -> None:
    async with open_node():
        log: list[object] = []
        children: list[Pid | None] = []

        class Nested(Puppet):
            def init(self, log: list[object], begin: Any = 0) -> Any:
                self.log, depth = log, begin
                log.append((depth, self_() is self.pid))
                if depth < 3:
                    children.append(start_inline(Nested(), (log, depth + 1), linked=True))
                log.append((depth, self_() is self.pid))

        root = await unlinked(Nested, log)
        assert log == [(depth, True) for depth in (0, 1, 2, 3, 3, 2, 1, 0)]
        exit_signal(root, KILL)
        assert len(children) == 3
        assert not any(child is not None and child.is_alive for child in children)
