from __future__ import annotations

import math
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from regrow.actors import (
    KILL,
    KILLED,
    NOPROC,
    NORMAL,
    SHUTDOWN,
    Down,
    Exit,
    ExitReason,
    Failure,
    Pid,
    ReceiveTimeoutError,
    Shutdown,
    exit_signal,
    open_node,
    receive,
    self_,
    send,
    spawn,
    trap_exit,
)
from regrow.supervisors import BRUTAL_KILL, ChildSpec, Restart
from regrow.supervisors._shutdown import is_quiet, stop, stop_together
from tests.support.misbehaving_children import Fragile, Slow, Stubborn
from tests.support.trio_test import trio_test

specs = st.builds(
    ChildSpec,
    st.just("a"),
    st.just(Fragile.start_link),
    restart=st.sampled_from(Restart),
    shutdown=st.sampled_from([None, 0, 5.0, math.inf, BRUTAL_KILL]),
)


def spec(**fields: Any) -> ChildSpec:
    return ChildSpec("a", Fragile.start_link, **fields)


async def fragile() -> Pid:
    pid = await Fragile.start_link()
    assert pid is not None
    return pid


async def slow(seconds: float) -> Pid:
    pid = await Slow.start_link(0.0, seconds)
    assert pid is not None
    return pid


async def stubborn() -> Pid:
    pid = await Stubborn.start_link()
    assert pid is not None
    return pid


@given(specs)
def test_u19_what_was_asked_for_is_quiet(child: ChildSpec) -> None:
    assert is_quiet(child, KILLED if child.shutdown is BRUTAL_KILL else SHUTDOWN)


@given(specs, st.sampled_from([NORMAL, Shutdown("busy")]))
def test_u19_another_orderly_end_is_quiet_unless_the_child_is_permanent(child: ChildSpec, reason: ExitReason) -> None:
    assert is_quiet(child, reason) is (child.restart is not Restart.PERMANENT)


@given(specs, st.sampled_from([NOPROC, Failure("angry")]))
def test_u19_an_abnormal_end_is_never_quiet(child: ChildSpec, reason: ExitReason) -> None:
    assert not is_quiet(child, reason)


@given(specs)
def test_u19_a_kill_that_was_not_asked_for_is_never_quiet(child: ChildSpec) -> None:
    assert is_quiet(child, KILLED) is (child.shutdown is BRUTAL_KILL)


@pytest.mark.parametrize(("shutdown", "reason"), [(5.0, SHUTDOWN), (0, SHUTDOWN), (BRUTAL_KILL, KILLED)])
@trio_test
async def test_an_inline_child_stops_without_anything_else_running(shutdown: Any, reason: ExitReason) -> None:
    async with open_node():
        trap_exit()
        pid = await fragile()
        ran: list[str] = []

        async def other() -> None:
            ran.append("other")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(other)
            assert await stop(pid, spec(shutdown=shutdown)) is reason
            pids = [await fragile() for _ in range(10)]
            assert await stop_together(dict.fromkeys(pids, spec(shutdown=shutdown))) == dict.fromkeys(pids, reason)
            assert ran == []


@trio_test
async def test_stopping_a_child_that_is_dead_says_what_it_died_of() -> None:
    async with open_node():
        trap_exit()
        pid = await fragile()
        exit_signal(pid, Failure("earlier"))
        assert await stop(pid, spec()) == Failure("earlier")
        pid = await fragile()
        exit_signal(pid, Failure("earlier"))
        assert await stop_together({pid: spec()}) == {pid: Failure("earlier")}


@trio_test
async def test_stopping_a_dead_child_that_was_not_linked_says_there_was_no_process() -> None:
    async with open_node():
        trap_exit()
        pids = [await Fragile.start(), await Fragile.start()]
        for pid in pids:
            assert pid is not None
            exit_signal(pid, KILL)
        first, second = pids
        assert first is not None
        assert second is not None
        assert await stop(first, spec()) is NOPROC
        assert await stop_together({second: spec()}) == {second: NOPROC}


@trio_test
async def test_stopping_one_child_leaves_other_messages_in_order() -> None:
    async with open_node():
        trap_exit()
        pid, other = await slow(1.0), await fragile()
        send(self_(), "first")
        exit_signal(other, Failure("other"))
        spawn(send, self_(), "second")
        assert await stop(pid, spec()) is SHUTDOWN
        assert await receive() == "first"
        assert await receive() == Exit(other, Failure("other"))
        assert await receive() == "second"


@trio_test
async def test_stopping_one_child_leaves_no_message_unless_it_died_as_soon_as_it_was_asked() -> None:
    async with open_node():
        trap_exit()
        dead, inline, task = await fragile(), await fragile(), await slow(1.0)
        exit_signal(dead, KILL)
        for pid in (dead, inline, task):
            await stop(pid, spec())
        assert await receive() == Exit(inline, SHUTDOWN)
        with pytest.raises(ReceiveTimeoutError):
            await receive(timeout=0)


@trio_test
async def test_a_child_that_takes_its_time_is_killed_when_it_is_over() -> None:
    async with open_node():
        trap_exit()
        asked_at = trio.current_time()
        assert await stop(await stubborn(), spec(shutdown=2)) is KILLED
        assert trio.current_time() == asked_at + 2


@trio_test
async def test_children_that_stop_together_each_have_their_time_from_the_same_instant() -> None:
    async with open_node():
        trap_exit()
        short, long, quick, brutal = await stubborn(), await stubborn(), await slow(0.5), await stubborn()
        asked_at = trio.current_time()
        reasons = await stop_together(
            {
                short: spec(shutdown=1),
                long: spec(shutdown=3),
                quick: spec(shutdown=math.inf),
                brutal: spec(shutdown=BRUTAL_KILL),
            }
        )
        assert trio.current_time() == asked_at + 3
        assert reasons == {short: KILLED, long: KILLED, quick: SHUTDOWN, brutal: KILLED}
        assert list(reasons) == [brutal, quick, short, long]


@trio_test
async def test_an_exit_signal_that_a_child_sends_is_not_its_end() -> None:
    async with open_node():
        trap_exit()
        pid = await slow(1.0)
        me = self_()
        me.process.post(Exit(pid, Failure("pretending")))  # type: ignore[union-attr]  # pyright: ignore
        assert await stop(pid, spec()) is SHUTDOWN
        assert not pid.is_alive


@trio_test
async def test_a_cancelled_stop_loses_no_message() -> None:
    async with open_node():
        trap_exit()
        pid = await slow(5.0)
        with trio.move_on_after(1):
            await stop(pid, spec(shutdown=math.inf))
        down = await receive(Down)
        assert down.target is pid
        assert down.reason is SHUTDOWN
