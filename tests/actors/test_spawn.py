"""Spawning (rule P-6; more of it in test_process)."""

from __future__ import annotations

import functools

import pytest
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    NORMAL,
    NotAProcessError,
    open_node,
    self_,
    spawn,
    spawn_link,
    spawn_monitor,
)
from tests.support.assertions import death_of, mailbox
from tests.support.misbehaving import wait_forever
from tests.support.trio_test import trio_test


@trio_test
async def test_spawn_returns_before_the_process_takes_a_step() -> None:  # P-6
    async with open_node():
        steps: list[str] = []

        async def task() -> None:
            steps.append("task")

        spawn(task)
        spawn(steps.append, "inline")
        assert steps == []
        await wait_all_tasks_blocked()
        assert sorted(steps) == ["inline", "task"]


@trio_test
async def test_arguments_are_passed_on_and_partials_keep_their_driver() -> None:
    async with open_node():
        main = self_()
        seen: list[object] = []

        async def note(one: int, two: int) -> None:
            assert self_() is not main
            seen.append((one, two))

        for function in (note, functools.partial(note, 1)):
            _pid, ref = spawn_monitor(function, *((2,) if function is not note else (1, 2)))
            assert await death_of(ref) is NORMAL

        assert seen == [(1, 2), (1, 2)]


@trio_test
async def test_a_function_that_returns_exits_normal_and_hurts_no_link() -> None:
    async with open_node():
        spawn_link(int)
        await wait_all_tasks_blocked()

        assert await mailbox() == []


def test_spawning_outside_a_process_is_refused() -> None:
    with pytest.raises(NotAProcessError, match="open_node"):
        spawn(wait_forever)
