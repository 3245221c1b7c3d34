"""The timeout an outcome may set (rule G-11)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import trio

from regrow.actors import (
    TIMEOUT,
    NoReply,
    Ok,
    Reply,
    cast,
    open_node,
    send,
    send_request,
)
from tests.support.misbehaving import (
    DRIVERS,
    Driver,
    Puppet,
    ask,
    does,
    inform,
    started,
    tell,
)
from tests.support.trio_test import trio_test

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors import From, Pid

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


def handle(puppet: Puppet) -> None:
    puppet.log.append("handled")


def handle_and_reply(puppet: Puppet, _caller: From) -> Reply:
    puppet.log.append("handled")
    return Reply(None)


def by_call(pid: Pid, _what: object) -> None:
    send_request(pid, handle_and_reply)


@both_drivers
@pytest.mark.parametrize("send_it", [send, cast, by_call])
@trio_test
async def test_any_message_cancels_a_timeout(driver: Driver, send_it: Callable[[Pid, Any], None]) -> None:  # G-11
    async with open_node():
        log: list[object] = []
        pid = await started(driver(Puppet), log, does(lambda _puppet: Ok(timeout=3)))

        await trio.sleep(2)
        send_it(pid, handle)
        await trio.sleep(10)

        assert log == ["handled"]


@both_drivers
@trio_test
async def test_every_kind_of_outcome_may_set_a_timeout(driver: Driver) -> None:  # G-11
    async with open_node():
        log: list[object] = []
        pid = await started(driver(Puppet), log)

        assert await ask(pid, lambda _puppet, _caller: Reply(1, timeout=1)) == 1
        await trio.sleep(2)
        tell(pid, lambda _puppet: NoReply(timeout=1))
        await trio.sleep(2)
        inform(pid, does(lambda _puppet: NoReply(continue_=does(lambda _puppet: NoReply(timeout=1)))))
        await trio.sleep(2)

        assert log == [TIMEOUT] * 3


@both_drivers
@trio_test
async def test_a_timeout_of_zero_with_mail_waiting_handles_the_mail_instead(driver: Driver) -> None:  # G-11
    async with open_node():
        log: list[object] = []
        pid = await started(driver(Puppet), log)

        tell(pid, lambda _puppet: NoReply(timeout=0))
        send(pid, "mail")
        await trio.sleep(1)
        assert log == ["mail"]

        tell(pid, lambda _puppet: NoReply(timeout=0))
        await trio.sleep(1)
        assert log == ["mail", TIMEOUT]


async def five_seconds() -> None:
    await trio.sleep(5)


@trio_test
async def test_a_timeout_that_fires_while_mail_waits_is_forgotten() -> None:  # G-11
    async with open_node():
        log: list[object] = []
        pid = await started(DRIVERS[1](Puppet), log, does(lambda _puppet: Ok(timeout=1)))
        inform(pid, lambda _puppet: five_seconds())
        tell(pid, lambda _puppet: NoReply(timeout=1))
        inform(pid, lambda _puppet: five_seconds())
        send(pid, "mail")
        await trio.sleep(30)

        assert log == ["mail"]


@both_drivers
@trio_test
async def test_a_stale_timeout_does_not_end_the_wait_for_a_new_one(driver: Driver) -> None:  # G-11
    async with open_node():
        log: list[object] = []
        pid = await started(driver(Puppet), log)

        tell(pid, lambda _puppet: NoReply(timeout=1))
        await trio.sleep(0.5)
        tell(pid, lambda _puppet: NoReply(timeout=1))
        await trio.sleep(0.75)
        assert log == []
        await trio.sleep(0.5)
        assert log == [TIMEOUT]


@both_drivers
@trio_test
async def test_an_infinite_timeout_is_none(driver: Driver) -> None:  # G-11
    async with open_node():
        log: list[object] = []
        pid = await started(driver(Puppet), log, does(lambda _puppet: Ok(timeout=math.inf)))
        await trio.sleep(1000)

        assert pid.is_alive
        assert log == []
