"""Spawning (rule P-6; more of it in test_process)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pytest
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    NORMAL,
    Bounded,
    Exit,
    Failure,
    NameTakenError,
    NotAProcessError,
    exit_,
    get_label,
    monitor,
    open_node,
    process_info,
    register,
    self_,
    spawn,
    spawn_link,
    spawn_monitor,
    spawn_opt,
    trap_exit,
    whereis,
)
from tests.support.assertions import death_of, mailbox
from tests.support.misbehaving import wait_forever
from tests.support.trio_test import trio_test

if TYPE_CHECKING:
    from collections.abc import Callable


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


@trio_test
async def test_options_hold_before_the_first_step() -> None:  # P-6
    async with open_node():
        seen: list[object] = []

        def look() -> None:
            seen.append((whereis("it"), get_label(self_()), process_info(self_(), "trap_exit", "links", "mailbox")))

        async def task() -> None:
            look()

        bound = Bounded(3)
        for function in (look, task):
            pid, ref = spawn_opt(
                function, link=True, monitor=True, name="it", trap_exit=True, label="first", mailbox=bound
            )
            assert whereis("it") is pid
            assert await death_of(ref) is NORMAL
            info = {"trap_exit": True, "links": (self_(),), "mailbox": bound}
            assert seen.pop() == (pid, "first", info)
        assert await mailbox() == []


@pytest.mark.parametrize("function", [wait_forever, int])
@trio_test
async def test_a_spawn_under_a_name_that_is_held_starts_nothing(function: Callable[..., object]) -> None:  # N-1
    async with open_node() as node:
        register("it", self_())

        with pytest.raises(NameTakenError):
            spawn_opt(function, name="it")

        assert node.pids() == [self_()]


@trio_test
async def test_without_options_spawn_opt_is_spawn() -> None:
    async with open_node():
        steps: list[int] = []
        pid = spawn_opt(steps.append, 1)
        ref = monitor(pid)

        assert await death_of(ref) is NORMAL
        assert steps == [1]
        process = self_().process
        assert process is not None
        assert list(process.linked()) == []


@trio_test
async def test_a_linked_spawn_that_crashes_in_its_first_instruction_is_an_exit() -> None:  # P-6
    async with open_node():
        trap_exit()

        pid = spawn_opt(exit_, Failure("at once"), link=True)
        await wait_all_tasks_blocked()

        assert await mailbox() == [Exit(pid, Failure("at once"))]
