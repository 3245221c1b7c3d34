"""Sending (rules P-1 and P-3)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    NotAProcessError,
    UnknownNameError,
    exit_signal,
    open_node,
    register,
    self_,
    send,
    spawn,
)
from tests.support.assertions import mailbox, unlinked
from tests.support.misbehaving import DRIVERS, Driver, Puppet, wait_forever
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


@trio_test
async def test_sending_to_a_dead_pid_is_silent() -> None:  # P-3
    async with open_node():
        dead = spawn(wait_forever)
        exit_signal(dead, KILL)

        send(dead, "hello")


@trio_test
async def test_sending_to_an_unknown_name_raises() -> None:  # P-3
    async with open_node():
        with pytest.raises(UnknownNameError, match="'nobody'"):
            send("nobody", "hello")


@trio_test
async def test_sending_to_a_name_reaches_its_holder() -> None:
    async with open_node():
        register("me", self_())
        send("me", "hello")

        assert await mailbox() == ["hello"]


@trio_test
async def test_a_name_means_nothing_outside_a_process() -> None:
    with pytest.raises(NotAProcessError):
        send("me", "hello")


@both_drivers
@given(plan=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)), max_size=30))
@settings(max_examples=50, deadline=None)
def test_messages_of_one_sender_stay_in_order_however_senders_interleave(
    driver: Driver, plan: list[tuple[int, int]]
) -> None:  # P-1
    @trio_test
    async def run() -> None:
        async with open_node():
            log: list[Any] = []
            receiver = await unlinked(driver(Puppet), log)
            counts = [0] * 4
            turns: list[list[range]] = [[] for _ in counts]
            for sender, messages in plan:
                turns[sender].append(range(counts[sender], counts[sender] + messages))
                counts[sender] += messages

            async def speak(sender: int) -> None:
                for numbers in turns[sender]:
                    for number in numbers:
                        send(receiver, (sender, number))
                    await wait_all_tasks_blocked()

            for sender in range(len(counts)):
                spawn(speak, sender)
            await wait_all_tasks_blocked()
            await wait_all_tasks_blocked(0.001)

            for sender, count in enumerate(counts):
                heard = [message for message in log if message[0] == sender]
                assert heard == [(sender, number) for number in range(count)]

    run()
