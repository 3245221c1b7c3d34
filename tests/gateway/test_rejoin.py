"""Channels that their supervisor joins again after a crash: the client notices one error reply, and loses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from regrow.actors import KILL, SHUTDOWN, exit_signal, send
from regrow.gateway import Channel, JoinRefusedError, Ok, Rejoin, Settings, Socket, Stop
from regrow.gateway.testing import JoinedChannel, JoinError, channel_gateway, joined
from tests.support.socket_test import pass_time, socket_test

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractAsyncContextManager

    from regrow.gateway.testing import ChannelGateway

CRASHED = {"reason": "channel crashed"}


class Coming(Channel):
    """Counts in its state what it is told, and comes back."""

    rejoin = Rejoin.SERVER
    intercepts = ("asked",)
    joins: ClassVar[list[Any]] = []
    """The params of every join."""
    refuse: ClassVar[bool] = False
    crash: ClassVar[bool] = False
    unmakeable: ClassVar[bool] = False

    def __init__(self) -> None:
        if self.unmakeable:
            raise RuntimeError

    def join(self, params: Any) -> Any:
        self.count = 0
        self.joins.append(params)
        if self.refuse:
            raise JoinRefusedError(reason="no more")
        if self.crash:
            raise RuntimeError
        return {"joins": len(self.joins)}

    def handle_in(self, event: str, payload: Any) -> Any:
        self.count += 1
        match event:
            case "crash":
                raise RuntimeError
            case "kill":
                exit_signal(self.pid, KILL)
                return Ok("never said")
            case "stop":
                return Stop(SHUTDOWN, Ok())
            case "broadcast":
                self.broadcast(payload, self.count)
                return None
            case _:
                return Ok([payload, self.count])

    def handle_out(self, event: str, payload: Any) -> Any:
        if payload == "crash":
            raise RuntimeError
        self.push(event, payload)

    def handle_info(self, message: Any) -> Any:
        if message == "crash":
            raise RuntimeError


class AsyncComing(Coming):
    async def join(self, params: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return super().join(params)

    async def handle_in(self, event: str, payload: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return super().handle_in(event, payload)

    async def handle_out(self, event: str, payload: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return super().handle_out(event, payload)


both_drivers = pytest.mark.parametrize("channel", [Coming, AsyncComing])


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    Coming.joins.clear()
    for name in ("refuse", "crash", "unmakeable"):
        monkeypatch.setattr(Coming, name, False)


def gateway_of(channel: type[Channel], settings: Settings | None = None) -> AbstractAsyncContextManager[ChannelGateway]:
    return channel_gateway(type("Made", (Socket,), {"channels": {"*": channel}}), settings)


async def nothing_more(one: JoinedChannel) -> None:
    await one.client.settle()
    assert one.client.received == []


@pytest.mark.parametrize("how", ["crash", "kill"])
@both_drivers
@socket_test
async def test_a_crash_is_an_error_reply_and_a_fresh_state_and_no_phx_error(channel: type[Channel], how: str) -> None:
    async with joined(channel, "t", {"some": "params"}) as one:
        assert one.response == {"joins": 1}
        await one.assert_reply(one.push("count", "a"), "ok", ["a", 1])
        await one.assert_reply(one.push("count", "b"), "ok", ["b", 2])
        before = one.pid
        await one.assert_reply(one.push(how), "error", CRASHED)
        assert one.pid is not before
        await one.assert_reply(one.push("count", "c"), "ok", ["c", 1])
        assert Coming.joins == [{"some": "params"}] * 2
        await nothing_more(one)


@pytest.mark.parametrize("how", ["crash", "kill"])
@both_drivers
@socket_test
async def test_what_the_client_said_behind_it_is_handled_in_order(channel: type[Channel], how: str) -> None:
    async with joined(channel, "t") as one:
        refs = [one.push(how if number in (3, 6) else "count", number) for number in range(10)]
        await one.client.settle()
        expected = [
            (ref, "error", CRASHED) if number in (3, 6) else (ref, "ok", [number, (number + 1) % 4 or 4])
            for number, ref in enumerate(refs)
        ]
        heard = [(m.ref, m.payload["status"], m.payload["response"]) for m in one.client.received]
        assert [(ref, status) for ref, status, _ in heard] == [(ref, status) for ref, status, _ in expected]
        assert [r[0] for _, status, r in heard if status == "ok"] == [n for n in range(10) if n not in (3, 6)]
        assert [r[1] for _, status, r in heard if status == "ok"] == [1, 2, 3, 1, 2, 1, 2, 3]


@both_drivers
@socket_test
async def test_a_crash_without_a_ref_is_silent(channel: type[Channel]) -> None:
    async with joined(channel, "t") as one:
        one.client.send(one.join_ref, None, "t", "crash")
        await nothing_more(one)
        send(one.pid, "crash")
        await nothing_more(one)
        assert len(Coming.joins) == 3
        await one.assert_reply(one.push("count", 1), "ok", [1, 1])


@both_drivers
@socket_test
async def test_no_broadcast_is_missed_while_the_channel_is_restarted(channel: type[Channel]) -> None:
    """Broadcasts of the same tick as the crash, of the next, and between death and rejoin."""
    async with gateway_of(channel) as gateway:
        ann, bob = [await (await gateway.connect()).join("t") for _ in range(2)]
        ann.push("crash")
        bob.push("broadcast", "said")
        gateway.broadcast("t", "said", "now")
        await trio.lowlevel.checkpoint()
        gateway.broadcast("t", "said", "then")
        exit_signal(ann.pid, KILL)
        gateway.broadcast("t", "said", "dead")
        gateway.broadcast("t", "asked", "while dead")
        heard: list[Any] = []
        for one in (ann, bob):
            await one.client.settle()
            heard.append([m.payload for m in one.client.received if m.event == "said"])
            await one.assert_push("asked", "while dead")
        assert heard[0] == heard[1]
        assert sorted(map(str, heard[0])) == ["1", "dead", "now", "then"]
        assert gateway.transport.pubsub.subscribers("t") == 3  # both, and the test


@both_drivers
@socket_test
async def test_an_intercepted_broadcast_it_dies_of_is_not_given_again(channel: type[Channel]) -> None:
    async with gateway_of(channel) as gateway:
        one = await (await gateway.connect()).join("t")
        gateway.broadcast("t", "asked", "crash")
        gateway.broadcast("t", "asked", "behind")
        assert await one.assert_push("asked") == "behind"
        await nothing_more(one)
        assert len(Coming.joins) == 2


@both_drivers
@socket_test
async def test_too_many_crashes_are_a_phx_error_and_the_client_may_join_again(channel: type[Channel]) -> None:
    async with gateway_of(channel, Settings(channel_restarts=2, channel_restart_period=10)) as gateway:
        one = await (await gateway.connect()).join("t")
        refs = [one.push("crash") for _ in range(3)]
        behind = one.push("count")
        for ref in (*refs, behind):
            await one.assert_reply(ref, "error", CRASHED)
        await one.assert_push("phx_error", {"reason": "channel_crash"})
        assert gateway.transport.pubsub.subscribers("t") == 1  # the test
        again = await one.client.join("t")
        await again.assert_reply(again.push("count", 1), "ok", [1, 1])
        await nothing_more(again)


@both_drivers
@socket_test
async def test_crashes_far_apart_are_not_too_many(channel: type[Channel]) -> None:
    async with gateway_of(channel, Settings(channel_restarts=1, channel_restart_period=5)) as gateway:
        one = await (await gateway.connect()).join("t")
        for _ in range(4):
            await one.assert_reply(one.push("crash"), "error", CRASHED)
            await pass_time(7)
        await one.assert_reply(one.push("count", 1), "ok", [1, 1])


@pytest.mark.parametrize("how", ["refuse", "crash", "unmakeable"])
@both_drivers
@socket_test
async def test_a_rejoin_that_fails_is_a_phx_error(
    channel: type[Channel], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gateway_of(channel) as gateway:
        before = len(gateway.transport.node.processes)
        one = await (await gateway.connect()).join("t")
        monkeypatch.setattr(Coming, how, True)
        ref, behind = one.push("crash"), one.push("count")
        for lost in (ref, behind):
            await one.assert_reply(lost, "error", CRASHED)
        await one.assert_push("phx_error", {"reason": "channel_crash"})
        await nothing_more(one)
        assert gateway.transport.pubsub.subscribers("t") == 1
        assert len(gateway.transport.node.processes) == before + 1  # the connection
        monkeypatch.setattr(Coming, how, False)
        await one.client.join("t")


@pytest.mark.parametrize(
    ("how", "reason"), [("refuse", "no more"), ("crash", "join crashed"), ("unmakeable", "join crashed")]
)
@both_drivers
@socket_test
async def test_a_first_join_that_fails_is_answered_as_ever_and_not_tried_again(
    channel: type[Channel], how: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gateway_of(channel) as gateway:
        client = await gateway.connect()
        monkeypatch.setattr(Coming, how, True)
        with pytest.raises(JoinError) as refused:
            await client.join("t")
        assert refused.value.response == {"reason": reason}
        await client.settle()
        assert client.received == []
        assert len(Coming.joins) == (0 if how == "unmakeable" else 1)


@both_drivers
@socket_test
async def test_who_leaves_or_stops_does_not_come_back(channel: type[Channel]) -> None:
    async with gateway_of(channel) as gateway:
        client = await gateway.connect()
        one = await client.join("t")
        await one.assert_reply(one.leave(), "ok")
        await one.assert_push("phx_close")
        one = await client.join("t")
        await one.assert_reply(one.push("stop", 1), "ok")
        await one.assert_push("phx_close")
        await nothing_more(one)
        assert len(Coming.joins) == 2


@pytest.mark.parametrize("how", ["close", "drop", "join again"])
@both_drivers
@socket_test
async def test_a_client_that_goes_right_behind_a_crash_leaves_nothing(channel: type[Channel], how: str) -> None:
    async with gateway_of(channel) as gateway:
        client = await gateway.connect()
        await client.settle()
        before = len(gateway.transport.node.processes)
        one = await client.join("t")
        one.push("crash")
        if how == "join again":
            again = await client.join("t")
            await again.assert_reply(again.push("count", 1), "ok", [1, 1])
            await client.settle()
            assert len(gateway.transport.node.processes) == before + 1
            assert gateway.transport.pubsub.subscribers("t") == 2
        else:
            await (client.close() if how == "close" else client.drop())
            assert len(gateway.transport.node.processes) == before - 1
            assert gateway.transport.pubsub.subscribers("t") == 1


@pytest.mark.parametrize("when", ["with it", "behind it"])
@both_drivers
@socket_test
async def test_the_death_of_its_supervisor_is_a_phx_error(channel: type[Channel], when: str) -> None:
    async with gateway_of(channel, Settings(partitions=1)) as gateway:
        one = await (await gateway.connect()).join("t")
        supervisor = gateway.transport.node.whereis("regrow.channels.0")
        assert supervisor is not None
        if when == "behind it":  # in one go, so that the supervisor has no time to restart it
            exit_signal(one.pid, KILL)
        exit_signal(supervisor, KILL)
        await one.assert_push("phx_error")
        await nothing_more(one)
        again = await one.client.join("t")
        await again.assert_reply(again.push("count", 1), "ok", [1, 1])


class CrashingSocket(Socket):
    channels: ClassVar[Mapping[str, type[Channel]]] = {"*": Coming}

    def receive(self, frame: str | bytes) -> Any:
        if "socket_crash" in str(frame):
            raise RuntimeError
        super().receive(frame)


@socket_test
async def test_it_comes_back_even_if_the_socket_crashes_at_the_same_time() -> None:
    async with channel_gateway(CrashingSocket) as gateway:
        one = await (await gateway.connect()).join("t")
        refs = [one.push(event, 1) for event in ("count", "crash", "socket_crash", "count", "crash", "count")]
        await one.client.settle()
        assert sorted(m.ref or "" for m in one.client.received) == sorted(refs)
        await one.assert_reply(refs[2], "error", {"reason": "socket crashed"})
        for ref in (refs[1], refs[4]):
            await one.assert_reply(ref, "error", CRASHED)
        one.push("stop", 1)
        await one.assert_push("phx_close")


@settings(max_examples=60, deadline=None)
@given(
    events=st.lists(st.sampled_from(["count", "crash", "kill", "broadcast"]), max_size=25),
    pauses=st.sets(st.integers(0, 25)),
    channel=st.sampled_from([Coming, AsyncComing]),
)
def test_every_message_is_answered_once_and_in_order(
    events: list[str], pauses: set[int], channel: type[Channel]
) -> None:
    async def main() -> None:
        many = Settings(channel_restarts=1000, message_burst=1000)
        async with gateway_of(channel, many) as gateway:
            one = await (await gateway.connect()).join("t")
            refs: list[tuple[str, str]] = []
            for number, event in enumerate(events):
                payload = "said" if event == "broadcast" else number
                refs.append((one.push(event, payload), event))
                if number in pauses:
                    await trio.lowlevel.checkpoint()
            await one.client.settle()
            replies = [m for m in one.client.received if m.event == "phx_reply"]
            assert [m.ref for m in replies] == [ref for ref, event in refs if event != "broadcast"]
            assert [m.payload["status"] for m in replies] == [
                "ok" if event == "count" else "error" for _, event in refs if event != "broadcast"
            ]
            said = [m for m in one.client.received if m.event == "said"]
            assert len(said) == events.count("broadcast")
            assert not [m for m in one.client.received if m.event.startswith("phx_") and m.event != "phx_reply"]

    trio.run(main, clock=MockClock())
