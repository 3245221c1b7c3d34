"""Aliases (rule M-5)."""

from __future__ import annotations

import gc
import weakref

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    NOPROC,
    Alias,
    CallError,
    NotAProcessError,
    alias,
    call,
    exit_signal,
    open_node,
    send,
    spawn,
    unalias,
)
from tests.support.assertions import mailbox, unlinked
from tests.support.misbehaving import DRIVERS, Driver, Puppet, tell
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


@both_drivers
@trio_test
async def test_a_message_to_an_alias_goes_to_the_process_that_made_it_until_unalias(driver: Driver) -> None:  # M-5
    async with open_node():
        log: list[object] = []
        made: list[Alias] = []
        pid = await unlinked(driver(Puppet), log)
        tell(pid, lambda _puppet: made.append(alias()))
        await wait_all_tasks_blocked()

        send(made[0], "one")
        send(made[0], "two")
        tell(pid, lambda puppet: puppet.log.append(unalias(made[0])))
        await wait_all_tasks_blocked()
        send(made[0], "late")
        await wait_all_tasks_blocked()

        assert log == ["one", "two", True]


@trio_test
async def test_what_is_in_the_mailbox_when_an_alias_is_taken_back_stays() -> None:  # M-5
    async with open_node():
        address = alias()
        send(address, "early")

        assert unalias(address) is True
        assert unalias(address) is False
        send(address, "late")
        assert await mailbox() == ["early"]


@trio_test
async def test_an_alias_made_for_one_message_takes_one() -> None:  # M-5
    async with open_node():
        address = alias(once=True)
        send(address, "first")
        send(address, "second")

        assert await mailbox() == ["first"]
        assert unalias(address) is False


@trio_test
async def test_an_alias_made_for_one_message_can_be_taken_back_before() -> None:  # M-5
    async with open_node():
        address = alias(once=True)

        assert unalias(address) is True
        send(address, "late")
        assert await mailbox() == []


@trio_test
async def test_only_its_maker_can_take_an_alias_back() -> None:  # M-5
    async with open_node():
        address = alias()
        answers: list[bool] = []

        async def stranger() -> None:
            answers.append(unalias(address))

        spawn(stranger)
        await wait_all_tasks_blocked()
        send(address, "still there")

        assert answers == [False]
        assert await mailbox() == ["still there"]


@trio_test
async def test_an_alias_of_a_dead_process_goes_nowhere_and_keeps_nothing_of_it() -> None:  # M-5
    async with open_node():
        made: list[Alias] = []

        async def maker() -> None:
            made.append(alias())
            await trio.sleep_forever()

        pid = spawn(maker)
        await wait_all_tasks_blocked()
        record = weakref.ref(_record(pid.process))
        exit_signal(pid, KILL)
        await wait_all_tasks_blocked()
        gc.collect()

        send(made[0], "late")
        assert record() is None


def _record(process: object) -> trio.CancelScope:
    scope = getattr(process, "scope", None)
    assert isinstance(scope, trio.CancelScope)
    return scope


@trio_test
async def test_an_alias_is_for_send_only() -> None:  # M-5
    async with open_node():
        with pytest.raises(CallError) as caught:
            await call(alias(), "hello?")  # type: ignore[arg-type]

        assert caught.value.reason is NOPROC


def test_outside_a_process_there_is_no_alias() -> None:
    with pytest.raises(NotAProcessError):
        alias()
