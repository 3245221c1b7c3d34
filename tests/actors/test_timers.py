"""Timers (rules T-1 to T-3)."""

from __future__ import annotations

import math

import pytest
import trio

from regrow.actors import (
    KILL,
    TimerFired,
    exit_signal,
    open_node,
    receive,
    register,
    self_,
    send,
    send_after,
    spawn,
    start_timer,
)
from regrow.actors._processes._timers import SWEEP
from tests.support.assertions import mailbox
from tests.support.misbehaving import wait_forever
from tests.support.trio_test import trio_test


@trio_test
async def test_send_after_delivers_the_message_when_its_time_has_come() -> None:  # T-1
    async with open_node():
        begun = trio.current_time()
        send_after(3, self_(), "late")
        send_after(1, self_(), "early")

        assert [await receive(), trio.current_time() - begun] == ["early", 1]
        assert [await receive(), trio.current_time() - begun] == ["late", 3]


@trio_test
async def test_a_delay_of_zero_is_later_than_a_message_sent_now() -> None:  # T-1
    async with open_node():
        send_after(0, self_(), "timer")
        send(self_(), "direct")

        assert [await receive(), await receive()] == ["direct", "timer"]


@trio_test
async def test_start_timer_delivers_the_ref_with_the_message() -> None:  # T-1
    async with open_node():
        timer = start_timer(1, self_(), "tick")

        assert await receive() == TimerFired(timer.ref, "tick")


@trio_test
async def test_timers_of_one_moment_fire_in_the_order_they_were_made() -> None:
    async with open_node():
        for number in range(5):
            send_after(1, self_(), number)

        assert [await receive() for _ in range(5)] == list(range(5))


@trio_test
async def test_cancel_says_what_was_left_and_stops_the_timer() -> None:  # T-2
    async with open_node():
        timer = send_after(10, self_(), "never")
        await trio.sleep(4)

        assert timer.remaining() == 6
        assert timer.cancel() == 6
        assert timer.remaining() is None
        assert timer.cancel() is None
        await trio.sleep(20)
        assert await mailbox() == []


@trio_test
async def test_cancel_after_the_timer_fired_says_none_and_leaves_the_message() -> None:  # T-2
    async with open_node():
        timer = send_after(1, self_(), "fired")
        await trio.sleep(2)

        assert timer.remaining() is None
        assert timer.cancel() is None
        assert await mailbox() == ["fired"]


@trio_test
async def test_a_timer_counts_as_cancelled_once_its_receiver_is_dead() -> None:  # T-3
    async with open_node():
        pid = spawn(wait_forever)
        timer = send_after(10, pid, "never")
        exit_signal(pid, KILL)

        assert timer.remaining() is None
        assert timer.cancel() is None


@trio_test
async def test_a_name_is_looked_up_when_the_timer_fires() -> None:  # T-3
    async with open_node():
        send_after(1, "later", "found")
        send_after(1, "nobody", "lost")
        register("later", self_())
        await trio.sleep(2)

        assert await mailbox() == ["found"]


@trio_test
async def test_a_timer_outlives_its_maker() -> None:  # T-3
    async with open_node():
        main = self_()

        async def maker() -> None:
            send_after(5, main, "from the grave")

        spawn(maker)

        assert await receive() == "from the grave"


@trio_test
async def test_cancelled_timers_do_not_pile_up_until_they_would_have_fired() -> None:
    async with open_node() as node:
        for number in range(10_000):
            kept = number % 100 == 0
            timer = send_after(60 + number, self_(), number)
            if not kept:
                timer.cancel()

        assert len(node.timers._heap) <= 2 * 100 + SWEEP
        await trio.sleep(60 + 10_000)
        assert await mailbox() == list(range(0, 10_000, 100))
        assert node.timers._heap == []
        assert node.timers._cancelled == 0


@pytest.mark.parametrize("delay", [-1.0, math.inf, math.nan])
@trio_test
async def test_a_delay_must_be_finite_and_not_negative(delay: float) -> None:
    async with open_node():
        with pytest.raises(ValueError, match="delay must be finite"):
            send_after(delay, self_(), "never")
