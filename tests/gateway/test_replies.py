"""Replies that come later than the callback."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from regrow.actors import open_node, send, spawn
from regrow.gateway import Channel, Error, Ok, Rejoin, ReplyRef
from regrow.gateway.testing import joined
from tests.support.socket_test import socket_test


class Late(Channel):
    """Answers when it is told to."""

    def join(self, params: Any) -> Any:
        self.refs: list[ReplyRef] = []

    def handle_in(self, event: str, payload: Any) -> Any:
        match event:
            case "wait":
                self.refs.append(self.reply_ref())
                kept.append(self.refs[-1])
            case "task":
                spawn(answer_from_elsewhere, self.reply_ref(), payload)
            case "nonsense":
                self.reply(self.reply_ref(), "yes")  # type: ignore[arg-type]
            case "crash":
                raise RuntimeError
            case _:
                return Ok()
        return None

    def handle_info(self, message: Any) -> Any:
        if message == "ref":
            self.reply_ref()
        for ref in self.refs:
            self.reply(ref, message)  # pyright: ignore[reportArgumentType] - what a test sends


class AsyncLate(Late):
    async def handle_in(self, event: str, payload: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return super().handle_in(event, payload)


class Rejoining(Late):
    rejoin = Rejoin.SERVER


kept: list[ReplyRef] = []
both_drivers = pytest.mark.parametrize("channel", [Late, AsyncLate])


async def answer_from_elsewhere(ref: ReplyRef, payload: Any) -> None:
    await trio.sleep(3)
    Channel.reply(ref, Ok({"found": payload}))


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    kept.clear()


@pytest.mark.parametrize("outcome", [Ok({"a": 1}), Error({"reason": "no"})])
@both_drivers
@socket_test
async def test_a_later_callback_may_answer(channel: type[Channel], outcome: Ok | Error) -> None:
    async with open_node(), joined(channel, "room:1") as one:
        first, second = one.push("wait"), one.push("wait")
        await one.refute_reply(first)
        send(one.pid, outcome)
        for ref in (first, second):
            await one.assert_reply(ref, "ok" if isinstance(outcome, Ok) else "error", outcome.response)


@both_drivers
@socket_test
async def test_another_process_may_answer(channel: type[Channel]) -> None:
    clock = trio.lowlevel.current_clock()
    async with joined(channel, "room:1") as one:
        ref = one.push("task", "x")
        behind = one.push("other")
        await one.assert_reply(behind, "ok")
        await one.refute_reply(ref)
        clock.jump(3)  # type: ignore[attr-defined]
        await one.assert_reply(ref, "ok", {"found": "x"})


@both_drivers
@socket_test
async def test_only_the_first_reply_counts(channel: type[Channel]) -> None:
    async with open_node(), joined(channel, "room:1") as one:
        ref = one.push("wait")
        await one.client.settle()
        Channel.reply(kept[0], Ok(1))
        Channel.reply(kept[0], Error(2))
        await one.assert_reply(ref, "ok", 1)
        await one.refute_reply(ref)


@pytest.mark.parametrize("how", ["left", "left and joined", "joined again", "crashed", "closed"])
@both_drivers
@socket_test
async def test_a_reply_for_a_join_that_is_over_is_swallowed(channel: type[Channel], how: str) -> None:
    async with joined(channel, "room:1") as one:
        ref = one.push("wait")
        await one.client.settle()
        match how:
            case "crashed":
                one.push("crash")
                await one.assert_push("phx_error")
            case "closed":
                await one.client.close()
            case _:
                if how != "joined again":
                    one.leave()
                if how != "left":
                    await one.client.join("room:1")
        await one.client.settle()
        Channel.reply(kept[0], Ok())
        await one.refute_reply(ref)


@socket_test
async def test_a_reply_counts_after_the_server_has_rejoined() -> None:
    async with joined(Rejoining, "room:1") as one:
        ref = one.push("wait")
        await one.assert_reply(one.push("crash"), "error", {"reason": "channel crashed"})
        Channel.reply(kept[0], Ok(1))
        await one.assert_reply(ref, "ok", 1)


@both_drivers
@socket_test
async def test_a_message_without_a_ref_has_nothing_to_reply_to(channel: type[Channel]) -> None:
    async with joined(channel, "room:1") as one:
        one.client.send(one.join_ref, None, "room:1", "wait")
        await one.assert_push("phx_error")
        assert kept == []


@both_drivers
@socket_test
async def test_outside_of_handle_in_there_is_nothing_to_reply_to(channel: type[Channel]) -> None:
    async with open_node(), joined(channel, "room:1") as one:
        await one.assert_reply(one.push("other"), "ok")
        send(one.pid, "ref")
        await one.assert_push("phx_error")


@both_drivers
@socket_test
async def test_a_reply_that_is_none_is_a_crash(channel: type[Channel]) -> None:
    async with joined(channel, "room:1") as one:
        one.push("nonsense")
        await one.assert_push("phx_error")
    with pytest.raises(TypeError, match="a reply is Ok or Error, got 3"):
        Channel.reply(kept[0] if kept else None, 3)  # type: ignore[arg-type]
