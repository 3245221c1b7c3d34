"""The inline driver: a mailbox that is a list in the tick."""

from __future__ import annotations

from trio.testing import wait_all_tasks_blocked

from regrow.actors import KILL, exit_signal, open_node, send
from regrow.actors._processes._inline import InlineProcess
from tests.support.assertions import unlinked
from tests.support.misbehaving import Puppet, inform
from tests.support.trio_test import trio_test


def inline_process(process: object) -> InlineProcess:
    assert isinstance(process, InlineProcess)
    return process


@trio_test
async def test_post_first_puts_a_message_before_all_others() -> None:
    async with open_node():
        log: list[object] = []
        process = inline_process((await unlinked(Puppet, log)).process)

        process.post_first("only")
        process.post("second")
        process.post_first("first")
        assert process.pending() == 3
        await wait_all_tasks_blocked()

        assert log == ["first", "only", "second"]
        assert process.pending() == 0


@trio_test
async def test_a_process_with_mail_is_in_the_queue_exactly_once() -> None:
    async with open_node() as node:
        process = inline_process((await unlinked(Puppet, [])).process)

        for number in range(5):
            process.post(number)

        assert list(node.scheduler.ready) == [process]


@trio_test
async def test_a_message_to_oneself_is_handled_after_those_already_there() -> None:
    async with open_node():
        log: list[object] = []
        pid = await unlinked(Puppet, log)

        inform(pid, lambda puppet: send(puppet.pid, "mine"))
        send(pid, "theirs")
        await wait_all_tasks_blocked()

        assert log == ["theirs", "mine"]


@trio_test
async def test_mail_of_a_killed_process_is_dropped() -> None:
    async with open_node():
        log: list[object] = []
        pid = await unlinked(Puppet, log)

        send(pid, "never")
        exit_signal(pid, KILL)
        await wait_all_tasks_blocked()

        assert log == []
