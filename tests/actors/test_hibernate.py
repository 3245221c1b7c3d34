"""Hibernation (rule R-3)."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    KILLED,
    NORMAL,
    CannotWaitError,
    Crash,
    Pid,
    ProcessStatus,
    exit_signal,
    hibernate,
    open_node,
    process_info,
    receive,
    self_,
    send,
    spawn,
    spawn_monitor,
)
from tests.support.assertions import death_of, unlinked
from tests.support.misbehaving import Puppet, tell
from tests.support.trio_test import trio_test


class Burden:
    """Something a stack keeps alive."""


async def wake(log: list[object], *args: object) -> None:
    log.append((self_(), args, await receive()))


@trio_test
async def test_a_process_that_hibernates_runs_another_function_with_its_next_message() -> None:
    async with open_node():
        log: list[object] = []

        async def sleeper() -> None:
            await hibernate(wake, log, "argument")
            log.append("returned")

        pid, ref = spawn_monitor(sleeper)
        await trio.sleep(100)
        assert log == []
        send(pid, "good morning")

        assert await death_of(ref) is NORMAL
        assert log == [(pid, ("argument",), "good morning")]


@trio_test
async def test_a_message_that_waits_already_ends_the_hibernation_at_once() -> None:
    async with open_node():
        log: list[object] = []

        async def sleeper() -> None:
            send(self_(), "early")
            await hibernate(wake, log)

        pid, ref = spawn_monitor(sleeper)

        assert await death_of(ref) is NORMAL
        assert log == [(pid, (), "early")]


@trio_test
async def test_hibernation_frees_the_stack_the_arguments_and_the_room_of_the_mailbox() -> None:
    async with open_node():
        burdens: list[weakref.ref[Burden]] = []

        def burden() -> Burden:
            made = Burden()
            burdens.append(weakref.ref(made))
            return made

        async def inner(_burden: Burden) -> None:
            for _ in range(1000):
                await receive()
            await hibernate(wake, [])

        async def outer(_burden: Burden) -> None:
            kept = burden()
            await inner(burden())
            del kept

        pid = spawn(outer, burden())
        for number in range(1000):
            send(pid, number)
        await wait_all_tasks_blocked()

        assert len(burdens) == 3
        assert [ref() for ref in burdens] == [None] * 3  # by reference counts alone
        process = pid.process
        assert process is not None
        assert process.pending() == 0


@trio_test
async def test_a_hibernating_process_waits_in_hibernate() -> None:
    async with open_node():

        async def sleeper() -> None:
            await hibernate(wake, [])

        pid = spawn(sleeper)
        await wait_all_tasks_blocked()

        info = process_info(pid)
        assert info is not None
        assert info.status is ProcessStatus.WAITING
        assert info.current_function == "TaskProcess.hibernate"


@trio_test
async def test_a_process_may_hibernate_again_and_again() -> None:
    async with open_node():
        log: list[object] = []

        async def counting(count: int) -> None:
            log.append((count, await receive()))
            await hibernate(counting, count + 1)

        pid = spawn(counting, 0)
        for letter in "abc":
            send(pid, letter)
            await wait_all_tasks_blocked()

        assert log == [(0, "a"), (1, "b"), (2, "c")]
        assert pid.is_alive


@trio_test
async def test_hibernation_leaves_nurseries_and_runs_their_finally_blocks() -> None:
    async with open_node():
        log: list[object] = []

        async def background() -> None:
            try:
                await trio.sleep_forever()
            finally:
                log.append("unwound")

        async def sleeper() -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(background)
                await wait_all_tasks_blocked()
                await hibernate(wake, log)

        pid, ref = spawn_monitor(sleeper)
        await trio.sleep(1)
        send(pid, "up")

        assert await death_of(ref) is NORMAL
        assert log == ["unwound", (pid, (), "up")]


@trio_test
async def test_a_hibernating_process_can_be_killed_and_what_it_wakes_to_can_crash() -> None:
    async with open_node():

        async def crash() -> None:
            raise ValueError("bad dream")

        async def sleeper() -> None:
            await hibernate(crash)

        killed, killed_ref = spawn_monitor(sleeper)
        crashed, crashed_ref = spawn_monitor(sleeper)
        await wait_all_tasks_blocked()
        exit_signal(killed, KILL)
        send(crashed, "boo")

        assert await death_of(killed_ref) is KILLED
        reason = await death_of(crashed_ref)
        assert isinstance(reason, Crash)
        assert reason.message == "bad dream"


@trio_test
async def test_main_inline_processes_and_tasks_of_a_process_cannot_hibernate() -> None:
    async with open_node():
        refused: list[str] = []

        async def attempt() -> None:
            try:
                await hibernate(wake, [])
            except CannotWaitError as error:
                refused.append(str(error))

        def inline(_puppet: Puppet) -> None:
            try:
                hibernate(wake, []).send(None)
            except CannotWaitError as error:
                refused.append(str(error))

        await attempt()
        tell(await unlinked(Puppet, []), inline)

        async def parent() -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(attempt)

        spawn(parent)
        await wait_all_tasks_blocked()

        assert ["main" in refused[0], "inline" in refused[1], "nurseries" in refused[2]] == [True] * 3


def test_outside_hibernation_nothing_of_it_stays() -> None:
    """The exception that carries the next function is dropped with its traceback."""

    async def run() -> None:
        async with open_node():
            pids: list[Pid] = []

            async def sleeper(_burden: Any) -> None:
                await hibernate(wake, [])

            made = Burden()
            ref = weakref.ref(made)
            pids.append(spawn(sleeper, made))
            del made
            await wait_all_tasks_blocked()
            gc.disable()
            try:
                assert ref() is None
            finally:
                gc.enable()

    trio.run(run)


@pytest.mark.parametrize("mail", [0, 5])
@trio_test
async def test_selective_receive_after_hibernation_sees_all_mail_in_order(mail: int) -> None:
    async with open_node():
        log: list[object] = []

        async def drain() -> None:
            while True:
                log.append(await receive())

        async def sleeper() -> None:
            await trio.sleep(1)
            await hibernate(drain)

        pid = spawn(sleeper)
        for number in range(mail):
            send(pid, number)
        await trio.sleep(2)
        send(pid, "last")
        await wait_all_tasks_blocked()

        assert log == [*range(mail), "last"]


@pytest.mark.parametrize("depth", [1, 3])
@trio_test
async def test_a_task_of_its_nursery_that_fails_meanwhile_is_a_crash_and_harms_no_node(depth: int) -> None:
    async with open_node():

        async def fails_when_cancelled() -> None:
            try:
                await trio.sleep_forever()
            finally:
                raise ValueError("while leaving")

        async def sleeper(depth: int) -> None:
            async with trio.open_nursery() as nursery:
                if depth == 1:
                    nursery.start_soon(fails_when_cancelled)
                    await trio.lowlevel.checkpoint()
                    await trio.lowlevel.checkpoint()
                    await hibernate(wake, [])
                await sleeper(depth - 1)

        _pid, ref = spawn_monitor(sleeper, depth)
        reason = await death_of(ref)

        assert isinstance(reason, Crash)
        assert reason.type == "ValueError"


@trio_test
async def test_hibernation_out_of_nested_nurseries_frees_their_frames() -> None:
    async with open_node():
        made: list[weakref.ref[Burden]] = []

        async def nested(depth: int) -> None:
            kept = Burden()
            made.append(weakref.ref(kept))
            async with trio.open_nursery():
                if depth:
                    await nested(depth - 1)
                await hibernate(wake, [])

        pid = spawn(nested, 3)
        await wait_all_tasks_blocked()
        gc.collect()  # trio's nurseries and the exceptions that left them refer to each other

        assert pid.is_alive
        assert [ref() for ref in made] == [None] * 4
