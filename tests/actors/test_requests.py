"""Responses to requests: of one, or of whichever of many comes first (OTP's ``reqids``)."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    KILLED,
    NOPROC,
    TIMEOUT,
    CallError,
    CannotWaitError,
    From,
    NoReply,
    ReceiveTimeoutError,
    Reply,
    Requests,
    Response,
    exit_signal,
    open_node,
    receive_response,
    reply,
    self_,
    send,
    send_request,
    wait_response,
)
from tests.support.assertions import mailbox, unlinked
from tests.support.misbehaving import DRIVERS, Driver, Puppet, answers, does, started, tell
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)

echo = answers(lambda _puppet, _caller: Reply("echo"))


def keeping(callers: list[From]) -> Any:
    """A request that is answered later, by hand."""

    def keep(_puppet: Puppet, caller: From) -> NoReply:
        callers.append(caller)
        return NoReply()

    return keep


@both_drivers
@trio_test
async def test_a_response_is_received_past_other_mail(driver: Driver) -> None:
    async with open_node():
        pid = await started(driver(Puppet), [])
        send(self_(), "other mail")
        assert await receive_response(send_request(pid, echo)) == "echo"
        assert await mailbox() == ["other mail"]


@both_drivers
@trio_test
async def test_a_request_that_is_received_too_late_is_abandoned(driver: Driver) -> None:  # G-4
    async with open_node():
        callers: list[From] = []
        pid = await started(driver(Puppet), [])
        request = send_request(pid, keeping(callers))

        with pytest.raises(CallError) as caught:
            await receive_response(request, timeout=1)
        assert caught.value.reason is TIMEOUT
        reply(callers[0], "late")
        assert await mailbox() == []
        assert pid.process is not None
        assert not pid.process.watchers


@both_drivers
@trio_test
async def test_a_request_that_was_waited_for_in_vain_can_be_waited_for_again(driver: Driver) -> None:
    async with open_node():
        callers: list[From] = []
        pid = await started(driver(Puppet), [])
        request = send_request(pid, keeping(callers))

        with pytest.raises(ReceiveTimeoutError):
            await wait_response(request, timeout=1)
        reply(callers[0], "at last")
        assert await wait_response(request, timeout=1) == "at last"


@both_drivers
@trio_test
async def test_a_request_that_will_not_be_answered_fails_with_the_reason(driver: Driver) -> None:
    async with open_node():
        pid = await unlinked(driver(Puppet), [])
        request = send_request(pid, keeping([]))
        exit_signal(pid, KILL)

        for asked, reason in ((request, KILLED), (send_request("nobody", "anything"), NOPROC)):
            with pytest.raises(CallError) as caught:
                await receive_response(asked)
            assert caught.value.reason is reason


@trio_test
async def test_a_cancelled_wait_leaves_the_request_alone() -> None:
    async with open_node():
        callers: list[From] = []
        pid = await started(Puppet, [])
        request = send_request(pid, keeping(callers))
        with trio.move_on_after(1):
            await receive_response(request)
        reply(callers[0], "still wanted")
        assert await receive_response(request) == "still wanted"


@both_drivers
@trio_test
async def test_the_responses_of_many_come_as_they_are_given_with_their_labels(driver: Driver) -> None:
    async with open_node():
        callers: list[From] = []
        pid = await started(driver(Puppet), [])
        requests = Requests()
        for label in ("first", "second"):
            requests.send(pid, keeping(callers), label)
        requests.add(send_request("nobody", "anything"), "nobody")
        await wait_all_tasks_blocked()
        reply(callers[1], "b")
        reply(callers[0], "a")

        assert len(requests) == 3
        assert await requests.receive() == Response("nobody", reason=NOPROC)
        assert await requests.wait() == Response("second", "b")
        assert await requests.receive() == Response("first", "a")
        assert await requests.receive() is None
        assert len(requests) == 0


@both_drivers
@trio_test
async def test_a_receive_of_many_that_takes_too_long_abandons_them_all(driver: Driver) -> None:
    async with open_node():
        callers: list[From] = []
        pid = await started(driver(Puppet), [])
        requests = Requests()
        requests.send(pid, keeping(callers), 1)
        requests.send(pid, keeping(callers), 2)

        with pytest.raises(ReceiveTimeoutError):
            await requests.wait(timeout=1)
        assert len(requests) == 2
        with pytest.raises(CallError) as caught:
            await requests.receive(timeout=1)
        assert caught.value.reason is TIMEOUT
        for caller in callers:
            reply(caller, "late")
        assert await mailbox() == []
        assert len(requests) == 0


@both_drivers
@trio_test
async def test_a_callback_checks_whether_a_message_is_a_response(driver: Driver) -> None:
    async with open_node():
        log: list[object] = []
        requests = Requests()

        class Asker(Puppet):
            def handle_info(self, message: Any) -> None:
                self.log.append(requests.check(message) or message)

        callee = await started(driver(Puppet), [])
        asker = await started(driver(Asker), log)
        tell(asker, does(lambda _puppet: requests.send(callee, echo, "label") and None))
        await wait_all_tasks_blocked()
        send(asker, "other")
        await wait_all_tasks_blocked()
        assert log == [Response("label", "echo"), "other"]


@trio_test
async def test_a_request_is_added_once() -> None:
    async with open_node():
        requests = Requests()
        request = requests.send("nobody", "anything", "label")
        with pytest.raises(ValueError, match="was added before, as 'label'"):
            requests.add(request, "again")


@trio_test
async def test_an_inline_process_cannot_wait_for_a_response() -> None:
    async with open_node():
        log: list[object] = []

        def ask(puppet: Puppet) -> None:
            waiting = receive_response(send_request("nobody", "anything"))
            try:
                waiting.send(None)
            except CannotWaitError:
                puppet.log.append("refused")

        tell(await started(Puppet, log), ask)
        await wait_all_tasks_blocked()
        assert log[0] == "refused"
