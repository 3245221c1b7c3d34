"""Rooms: one process for all who are in a topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from regrow.actors import KILL, ExitReason, Shutdown, StopRequest, exit_signal, send
from regrow.gateway import Channel, Error, Member, Ok, Rejoin, Room, Settings, Socket
from regrow.gateway.testing import JoinedChannel, channel_gateway
from tests.support.phoenix_client import PhoenixClient, ok
from tests.support.phoenix_client import message as phoenix
from tests.support.serving import serving
from tests.support.socket_test import pass_time, socket_test

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractAsyncContextManager

    from regrow.actors import Pid
    from regrow.gateway.testing import ChannelGateway

CRASHED = {"reason": "room crashed"}


class Tally(Room):
    """Numbers what its members say, and writes down what it sees."""

    seen: ClassVar[list[Any]] = []
    broken: ClassVar[bool] = False

    def init(self) -> Any:
        if self.broken:
            raise RuntimeError
        self.count = 0
        self.seen.append("init")

    def joined(self, member: Member) -> Any:
        self.seen.append(("joined", member.assigns["user"]))
        self.broadcast_from(member, "came", member.assigns["user"])
        member.push("welcome", len(self.members))

    def left(self, member: Member, reason: ExitReason) -> Any:
        self.seen.append(("left", member.pid.is_alive, type(reason).__name__))

    def handle_in(self, member: Member, event: str, payload: Any) -> Any:
        self.count += 1
        match event:
            case "say":
                self.broadcast("said", [self.count, member.assigns["user"], payload])
                return Ok(self.count)
            case "refuse":
                return Error({"reason": "no"})
            case "later":
                self.ref = self.reply_ref()
            case "now":
                self.reply(self.ref, Ok("at last"))
            case "crash":
                raise RuntimeError
            case "nonsense":
                return 42
            case _:
                return super().handle_in(member, event, payload)
        return None

    def handle_info(self, message: Any) -> Any:
        if message == "crash":
            raise RuntimeError
        self.broadcast("info", message)

    def terminate(self, reason: ExitReason) -> Any:
        self.seen.append(("terminate", reason.is_abnormal))


class AsyncTally(Tally):
    async def init(self) -> Any:
        await trio.lowlevel.checkpoint()
        super().init()

    async def handle_in(self, member: Member, event: str, payload: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return super().handle_in(member, event, payload)


class Lingering(Tally):
    linger = 5.0


class Talker(Channel):
    room = Tally

    def handle_in(self, event: str, payload: Any) -> Any:
        if event == "own":
            return Ok("from the channel")
        if event == "own_crash":
            raise RuntimeError
        self.hand_on(event, payload)
        return None


class AsyncTalker(Talker):
    room = AsyncTally

    async def handle_in(self, event: str, payload: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return super().handle_in(event, payload)


class LingeringTalker(Talker):
    room = Lingering


class ComingTalker(Talker):
    rejoin = Rejoin.SERVER


class Homeless(Channel):
    def handle_in(self, event: str, payload: Any) -> Any:
        self.hand_on(event, payload)


def named(channel: type[Channel]) -> type[Socket]:
    class Named(Socket):
        channels: ClassVar[Mapping[str, type[Channel]]] = {"*": channel}

        @classmethod
        def connect(cls, request: Any, /) -> Any:
            session = super().connect(request)
            session.assign(user=request.params.get("user", "nobody"))
            return session

    return Named


def gateway_of(channel: type[Channel], settings: Settings | None = None) -> AbstractAsyncContextManager[ChannelGateway]:
    return channel_gateway(named(channel), settings)


async def enter(gateway: ChannelGateway, user: str, topic: str = "t") -> JoinedChannel:
    one = await (await gateway.connect({"user": user})).join(topic)
    await one.assert_push("welcome")
    return one


def rooms(gateway: ChannelGateway) -> list[Pid]:
    return [
        process.pid for process in gateway.transport.node.processes if process.label.endswith(("Tally", "Lingering"))
    ]


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    Tally.seen.clear()
    monkeypatch.setattr(Tally, "broken", False)


both_drivers = pytest.mark.parametrize("channel", [Talker, AsyncTalker])


@both_drivers
@socket_test
async def test_there_is_one_process_a_topic_and_it_orders_what_all_say(channel: type[Channel]) -> None:
    async with gateway_of(channel) as gateway:
        ann, bob = await enter(gateway, "ann"), await enter(gateway, "bob")
        other = await enter(gateway, "eve", "u")
        assert len(rooms(gateway)) == 2
        refs = [(one, one.push("say", number)) for number in range(6) for one in (ann, bob)]
        for one, ref in refs:
            await one.assert_reply(ref, "ok")
        heard = [[await one.assert_push("said") for _ in range(12)] for one in (ann, bob)]
        assert heard[0] == heard[1]
        assert [count for count, _, _ in heard[0]] == list(range(1, 13))
        for user in ("ann", "bob"):
            assert [payload for _, by, payload in heard[0] if by == user] == list(range(6))
        await other.assert_reply(other.push("say", "alone"), "ok", 1)
        await other.assert_push("said", [1, "eve", "alone"])
        await other.refute_push("said")


@both_drivers
@socket_test
async def test_a_room_answers_refuses_or_answers_later(channel: type[Channel]) -> None:
    async with gateway_of(channel) as gateway:
        ann, bob = await enter(gateway, "ann"), await enter(gateway, "bob")
        await ann.assert_reply(ann.push("refuse"), "error", {"reason": "no"})
        await ann.assert_reply(ann.push("what"), "error", {"reason": "unmatched event: what"})
        await ann.assert_reply(ann.push("own"), "ok", "from the channel")
        waiting = ann.push("later")
        await ann.refute_reply(waiting)
        bob.push("now")
        await ann.assert_reply(waiting, "ok", "at last")


@pytest.mark.parametrize("how", ["leave", "crash", "close", "drop", "kill", "join again"])
@both_drivers
@socket_test
async def test_it_sees_each_come_and_go_exactly_once(channel: type[Channel], how: str) -> None:
    async with gateway_of(channel) as gateway:
        ann, bob = await enter(gateway, "ann"), await enter(gateway, "bob")
        await ann.assert_push("came", "bob")
        match how:
            case "leave":
                bob.leave()
            case "crash":
                bob.push("own_crash")
            case "close":
                await bob.client.close()
            case "drop":
                await bob.client.drop()
            case "kill":
                exit_signal(bob.pid, KILL)
            case _:
                await bob.client.join("t")
        await ann.client.settle()
        left = [one for one in Tally.seen if one[0] == "left"]
        assert len(left) == 1
        assert left[0][1] is False
        came = [one for one in Tally.seen if one[0] == "joined"]
        assert came == [("joined", "ann"), ("joined", "bob"), *([("joined", "bob")] if how == "join again" else [])]


@both_drivers
@socket_test
async def test_it_ends_when_the_last_has_left_and_begins_again_with_the_next(channel: type[Channel]) -> None:
    async with gateway_of(channel) as gateway:
        ann, bob = await enter(gateway, "ann"), await enter(gateway, "bob")
        await ann.assert_reply(ann.push("say"), "ok", 1)
        ann.leave()
        await ann.assert_push("phx_close")
        assert len(rooms(gateway)) == 1
        bob.leave()
        await bob.assert_push("phx_close")
        assert rooms(gateway) == []
        assert gateway.transport.rooms._entries == {}
        assert Tally.seen[-1] == ("terminate", False)
        ann = await enter(gateway, "ann")
        await ann.assert_reply(ann.push("say"), "ok", 1)


@socket_test
async def test_it_lingers_for_as_long_as_it_says() -> None:
    async with gateway_of(LingeringTalker) as gateway:
        ann = await enter(gateway, "ann")
        await ann.assert_reply(ann.push("say"), "ok", 1)
        ann.leave()
        await pass_time(4)
        bob = await enter(gateway, "bob")
        await pass_time(4)
        await bob.assert_reply(bob.push("say"), "ok", 2)
        bob.leave()
        await pass_time(4.9)
        assert len(rooms(gateway)) == 1
        await pass_time(0.2)
        assert rooms(gateway) == []
        assert gateway.transport.rooms._entries == {}


@pytest.mark.parametrize("how", ["crash", "nonsense"])
@both_drivers
@socket_test
async def test_a_crash_answers_who_waits_and_keeps_the_members(channel: type[Channel], how: str) -> None:
    async with gateway_of(channel) as gateway:
        ann, bob = await enter(gateway, "ann"), await enter(gateway, "bob")
        first = rooms(gateway)
        before = [ann.push("say"), bob.push("say")]
        await ann.client.settle()
        waiting = ann.push("later")
        await ann.client.settle()
        culprit = bob.push(how)
        await ann.assert_reply(before[0], "ok")
        await bob.assert_reply(before[1], "ok")
        await bob.assert_reply(culprit, "error", CRASHED)
        await ann.refute_reply(waiting)  # it was handled: who kept the ref is gone, and nobody else can know
        assert rooms(gateway) != first
        assert Tally.seen[-3:] == ["init", ("joined", "ann"), ("joined", "bob")]
        assert ("terminate", True) in Tally.seen
        for one, count in ((ann, 1), (bob, 2)):
            await one.refute_push("phx_error")
            await one.assert_reply(one.push("say"), "ok", count)


@both_drivers
@socket_test
async def test_what_waits_in_its_mailbox_when_it_dies_is_answered(channel: type[Channel]) -> None:
    async with gateway_of(channel) as gateway:
        ann = await enter(gateway, "ann")
        refs = [ann.push("crash"), *(ann.push("say", number) for number in range(3))]
        await ann.client.settle()
        answers = {m.ref: m.payload for m in ann.client.received if m.event == "phx_reply"}
        assert list(answers) == refs
        assert answers[refs[0]] == {"status": "error", "response": CRASHED}
        for ref in refs[1:]:
            assert answers[ref]["status"] == "ok" or answers[ref]["response"] == CRASHED
        await ann.refute_push("phx_error")


@both_drivers
@socket_test
async def test_a_room_that_crashes_too_often_ends_the_channels_of_its_members(channel: type[Channel]) -> None:
    async with gateway_of(channel, Settings(room_restarts=2)) as gateway:
        ann, bob = await enter(gateway, "ann"), await enter(gateway, "bob")
        for _ in range(3):
            await ann.assert_reply(ann.push("crash"), "error", CRASHED)
        for one in (ann, bob):
            await one.assert_push("phx_error", {"reason": "channel_crash"})
        assert rooms(gateway) == []
        assert gateway.transport.rooms._entries == {}
        ann = await enter(gateway, "ann")
        await ann.assert_reply(ann.push("say"), "ok", 1)


@both_drivers
@socket_test
async def test_a_room_that_cannot_be_started_ends_the_channel(
    channel: type[Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gateway_of(channel) as gateway:
        monkeypatch.setattr(Tally, "broken", True)
        one = await (await gateway.connect({"user": "ann"})).join("t")
        await one.assert_push("phx_error")
        assert gateway.transport.rooms._entries == {}
        monkeypatch.setattr(Tally, "broken", False)
        await enter(gateway, "ann")


@both_drivers
@socket_test
async def test_the_death_of_the_rooms_supervisor_has_everybody_join_again(channel: type[Channel]) -> None:
    async with gateway_of(channel) as gateway:
        ann = await enter(gateway, "ann")
        supervisor = gateway.transport.node.whereis("regrow.rooms")
        assert supervisor is not None
        exit_signal(supervisor, KILL)
        await ann.client.settle()
        assert any(m.event in ("phx_error", "phx_close") for m in ann.client.received)
        ann = await enter(gateway, "ann")
        await ann.assert_reply(ann.push("say"), "ok", 1)


@both_drivers
@socket_test
async def test_a_room_that_is_stopped_serves_nobody_any_more(channel: type[Channel]) -> None:
    async with gateway_of(channel) as gateway:
        ann = await enter(gateway, "ann")
        send(rooms(gateway)[0], StopRequest(Shutdown("enough")))
        await ann.client.settle()
        assert rooms(gateway) == []
        ann.push("say")
        await ann.assert_push("phx_error")
        ann = await enter(gateway, "ann")
        await ann.assert_reply(ann.push("say"), "ok", 1)


@socket_test
async def test_a_member_the_server_rejoins_leaves_and_joins() -> None:
    async with gateway_of(ComingTalker) as gateway:
        ann, bob = await enter(gateway, "ann"), await enter(gateway, "bob")
        await bob.assert_reply(bob.push("own_crash"), "error", {"reason": "channel crashed"})
        assert [one if one == "init" else one[0] for one in Tally.seen] == [
            "init",
            "joined",
            "joined",
            "left",
            "joined",
        ]
        await bob.assert_reply(bob.push("say"), "ok", 1)
        await ann.assert_push("said", [1, "bob", {}])


@both_drivers
@socket_test
async def test_other_processes_may_speak_to_it(channel: type[Channel]) -> None:
    async with gateway_of(channel) as gateway:
        ann = await enter(gateway, "ann")
        send(rooms(gateway)[0], {"a": 1})
        await ann.assert_push("info", {"a": 1})
        send(rooms(gateway)[0], "crash")
        await ann.assert_push("welcome", 1)
        await ann.assert_reply(ann.push("say"), "ok", 1)


@socket_test
async def test_a_channel_without_a_room_cannot_hand_anything_on() -> None:
    async with gateway_of(Homeless) as gateway:
        one = await (await gateway.connect()).join("t")
        one.push("say")
        await one.assert_push("phx_error")


class Rival(Room):
    pass


@socket_test
async def test_a_topic_has_rooms_of_one_class_only() -> None:
    async with gateway_of(Talker) as gateway:
        ann = await enter(gateway, "ann")
        with pytest.raises(TypeError, match="'t' has a Tally: it cannot be a Rival too"):
            gateway.transport.rooms.enter(Rival, cast("Any", type("Fake", (), {"topic": "t"})()))
        await ann.assert_reply(ann.push("say"), "ok", 1)


def test_a_negative_linger_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Bad.linger is -1: it must be 0 or more seconds"):
        type("Bad", (Room,), {"linger": -1})


@both_drivers
@socket_test
async def test_the_end_of_the_gateway_ends_its_rooms(channel: type[Channel]) -> None:
    async with serving({"/socket/websocket": named(channel)}) as served:
        client = await PhoenixClient.open(served)
        await client.send(phoenix("1", "1", "t", "phx_join"), phoenix("1", "2", "t", "say"))
        heard = [await client.hear() for _ in range(4)]
        assert ok("1", "2", "t", 1) in heard
        assert ok("1", "1", "t") in heard


@settings(max_examples=50, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["say", "crash", "leave", "drop", "own_crash", "join"]), st.integers(0, 2)),
        max_size=25,
    ),
    pauses=st.sets(st.integers(0, 25)),
    channel=st.sampled_from([Talker, AsyncTalker]),
)
def test_nobody_is_forgotten_and_nobody_stays_behind(  # noqa: C901 - a table of steps
    steps: list[tuple[str, int]], pauses: set[int], channel: type[Channel]
) -> None:
    """However members come, go and crash, and however the room does."""

    async def main() -> None:  # noqa: C901
        Tally.seen.clear()
        async with gateway_of(channel, Settings(room_restarts=1000)) as gateway:
            members: dict[int, JoinedChannel] = {}
            asked: list[tuple[JoinedChannel, str]] = []
            for position, (step, who) in enumerate(steps):
                one = members.get(who)
                if one is None:
                    members[who] = await (await gateway.connect({"user": str(who)})).join("t")
                elif step == "join":
                    members[who] = await one.client.join("t")
                elif step == "drop":
                    await members.pop(who).client.drop()
                elif step in ("leave", "own_crash"):
                    members.pop(who).push("phx_leave" if step == "leave" else step)
                else:
                    asked.append((one, one.push(step)))
                if position in pauses:
                    await trio.lowlevel.checkpoint()
            for one in members.values():
                await one.client.settle()  # what waits when the room crashes is answered with an error
                await one.assert_reply(one.push("say"), "ok")
            await wait_all_tasks_blocked()
            assert len(rooms(gateway)) == bool(members)
            entries = gateway.transport.rooms._entries
            assert [len(entry.members) for entry in entries.values()] == ([len(members)] if members else [])
            present = {id(member) for entry in entries.values() for member in entry.members.values()}
            assert len(present) == len(members)
            for member in members.values():
                for one, ref in asked:
                    if one is member:
                        await one.client.settle()
                        assert [m.ref for m in one.client.received].count(ref) == 1

    trio.run(main, clock=MockClock())
