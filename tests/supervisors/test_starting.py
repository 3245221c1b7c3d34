from __future__ import annotations

from typing import Any

import pytest
import trio

from regrow.actors import (
    IGNORE,
    NORMAL,
    BadReturn,
    Crash,
    Failure,
    Pid,
    exit_,
    open_node,
    spawn_link,
    trap_exit,
)
from regrow.supervisors import ChildSpec
from regrow.supervisors._starting import Outcome, start
from tests.support.misbehaving_children import Fragile, Moody, Slow
from tests.support.trio_test import trio_test


async def outcome(start_function: Any, *args: Any) -> Outcome:
    async with open_node():
        trap_exit()
        return await start(ChildSpec("a", start_function, args))


async def _nothing() -> None:
    """A process that is over at once."""


@pytest.mark.parametrize("start_function", [Fragile.start_link, Slow.start_link, lambda: spawn_link(_nothing)])
@trio_test
async def test_the_outcome_is_a_pid_whether_the_start_function_is_awaited_or_not(start_function: Any) -> None:
    assert isinstance(await outcome(start_function), Pid)


@trio_test
async def test_the_outcome_is_none_if_the_child_is_not_wanted() -> None:
    assert await outcome(Moody.start_link, "a", [], [IGNORE]) is None
    assert await outcome(lambda: None) is None


@trio_test
async def test_the_outcome_is_the_reason_if_init_fails() -> None:
    reason = await outcome(Moody.start_link, "a", [], [ValueError("no")])
    assert isinstance(reason, Crash)
    assert (reason.type, reason.message) == ("ValueError", "no")


@trio_test
async def test_the_outcome_is_a_crash_if_the_start_function_raises() -> None:
    reason = await outcome(lambda: 1 / 0)
    assert isinstance(reason, Crash)
    assert reason.type == "ZeroDivisionError"


@trio_test
async def test_the_outcome_is_the_reason_if_the_start_function_exits() -> None:
    assert await outcome(lambda: exit_(Failure("licence"))) == Failure("licence")
    assert await outcome(lambda: exit_(NORMAL)) is NORMAL


@trio_test
async def test_the_outcome_is_a_bad_return_if_the_start_function_returns_anything_else() -> None:
    async def answer() -> int:
        return 42

    assert isinstance(await outcome(lambda: 42), BadReturn)
    assert isinstance(await outcome(answer), BadReturn)


@trio_test
async def test_starting_inline_children_never_lets_anything_else_run() -> None:
    async with open_node():
        ran: list[str] = []

        async def other() -> None:
            ran.append("other")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(other)
            for _ in range(100):
                await start(ChildSpec("a", Fragile.start_link))
            assert ran == []
