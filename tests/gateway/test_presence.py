"""Presence over real sockets: who comes is told, who goes is told, however they went, once a tick."""

from __future__ import annotations

import logging
import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio

from regrow.actors import Down, exit_signal, monitor, open_node, receive, self_, spawn
from regrow.actors import Failure as Failed
from regrow.gateway import AlreadyTrackedError, FetchPresences, Gateway, NotTrackedError, Settings, open_gateway
from tests.support.phoenix_client import PATH, Heard, PhoenixClient, closed, error, errored, join, message, ok
from tests.support.presence_client import PresenceClient, everyone
from tests.support.present_channels import AsyncPresentSocket, PresentSocket
from tests.support.serving import Served, serving
from tests.support.socket_test import pass_time, socket_test
from tests.support.wire import CLOSE, client_close

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from regrow.gateway import Socket

ROOM = "room:tea"

each_driver = pytest.mark.parametrize("socket", [PresentSocket, AsyncPresentSocket])


class Watcher(PhoenixClient):
    """A client that keeps its list."""

    def __init__(self, client: PhoenixClient) -> None:
        super().__init__(client.raw)
        self.presence = PresenceClient()
        self.diffs: list[Any] = []

    async def hear(self) -> Heard:
        heard = await super().hear()
        self.presence.hear(heard)
        if heard.event == "presence_diff":
            self.diffs.append(heard.payload)
        return heard

    async def catch_up(self) -> dict[str, list[str]]:
        """Hear everything; statuses by name."""
        await self.send(message(None, "beat", "phoenix", "heartbeat"))
        while (await self.hear()).ref != "beat":
            pass
        return {key: [meta["status"] for meta in one["metas"]] for key, one in self.presence.state.items()}


class Room:
    """A gateway with one room."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.presence = served.running.presence

    async def enter(self, name: str, ref: str = "1", **params: str) -> Watcher:
        """Connect and join."""
        watcher = Watcher(await PhoenixClient.open(self.served))
        assert await watcher.ask(join(ref, ROOM, {"name": name, **params})) == ok(ref, ref, ROOM)
        return watcher

    async def settled(self, watcher: Watcher) -> dict[str, list[str]]:
        """Statuses by name as a client knows them once nothing is on its way; the server's list is the same."""
        await self.served.settle()
        known = await watcher.catch_up()
        assert everyone(watcher.presence.state) == everyone(self.presence.list(ROOM))
        return known


@asynccontextmanager
async def room(socket: type[Socket] = PresentSocket, settings: Settings | None = None) -> AsyncGenerator[Room]:
    async with serving({PATH.partition("?")[0]: socket}, settings) as served:
        yield Room(served)
    assert served.running.presence.list(ROOM) == {}
    assert served.running.presence._topics == {}


@each_driver
@socket_test
async def test_who_joins_is_sent_everyone_and_is_told_of_to_everyone(socket: type[Socket]) -> None:
    async with room(socket) as tea:
        ann = await tea.enter("ann")
        state = await ann.hear()
        ref = state.payload["ann"]["metas"][0]["phx_ref"]
        presence = {"ann": {"metas": [{"status": "here", "phx_ref": ref}]}}
        assert state == Heard(None, None, ROOM, "presence_state", presence)
        diff = {"joins": presence, "leaves": {}}
        assert await ann.hear() == Heard(None, None, ROOM, "presence_diff", diff)
        bob = await tea.enter("bob")
        assert await tea.settled(ann) == await tea.settled(bob) == {"ann": ["here"], "bob": ["here"]}
        assert len(ann.diffs) == 2


@each_driver
@socket_test
async def test_devices_of_one_user_are_metas_of_one_key(socket: type[Socket]) -> None:
    async with room(socket) as tea:
        ann, laptop, phone = await tea.enter("ann"), await tea.enter("bob"), await tea.enter("bob")
        await phone.send(message("1", "2", ROOM, "away"))
        assert await tea.settled(ann) == {"ann": ["here"], "bob": ["here", "away"]}
        await laptop.raw.reset()
        assert await tea.settled(ann) == {"ann": ["here"], "bob": ["away"]}
        await phone.raw.reset()
        assert await tea.settled(ann) == {"ann": ["here"]}


@each_driver
@socket_test
async def test_an_update_names_the_meta_before(socket: type[Socket]) -> None:
    async with room(socket) as tea:
        ann, bob = await tea.enter("ann"), await tea.enter("bob")
        await tea.settled(ann)
        before = ann.presence.state["bob"]["metas"][0]["phx_ref"]
        await bob.send(message("1", "2", ROOM, "update", {"status": "busy", "phx_ref": "forged"}))
        assert await tea.settled(ann) == {"ann": ["here"], "bob": ["busy"]}
        after = ann.presence.state["bob"]["metas"][0]
        assert after["phx_ref"] not in {before, "forged"}
        assert ann.diffs[-1] == {
            "joins": {"bob": {"metas": [{"status": "busy", "phx_ref": after["phx_ref"], "phx_ref_prev": before}]}},
            "leaves": {"bob": {"metas": [{"status": "here", "phx_ref": before}]}},
        }


async def leave(bob: Watcher) -> None:
    await bob.send(message("1", "9", ROOM, "phx_leave"))


async def be_untracked(bob: Watcher) -> None:
    await bob.send(message("1", "9", ROOM, "untrack"))


async def crash(bob: Watcher) -> None:
    await bob.send(message("1", "9", ROOM, "crash"))


async def be_kicked(bob: Watcher) -> None:
    """The server closes the connection; this client never answers."""
    await bob.send(message("1", "9", ROOM, "kick"))


async def close(bob: Watcher) -> None:
    await bob.send(client_close(1000))


async def vanish(bob: Watcher) -> None:
    await bob.raw.reset()


async def half_close(bob: Watcher) -> None:
    await bob.raw.stream.send_eof()


async def break_the_protocol(bob: Watcher) -> None:
    await bob.send(b"\x83\x80\0\0\0\0")


@pytest.mark.parametrize("go", [leave, be_untracked, crash, be_kicked, close, vanish, half_close, break_the_protocol])
@each_driver
@socket_test
async def test_who_goes_is_gone_from_every_list_however_they_went(socket: type[Socket], go: Any) -> None:
    async with room(socket) as tea:
        ann, bob = await tea.enter("ann"), await tea.enter("bob")
        assert await tea.settled(ann) == {"ann": ["here"], "bob": ["here"]}
        await go(bob)
        assert await tea.settled(ann) == {"ann": ["here"]}
        assert [list(diff["leaves"]) for diff in ann.diffs if diff["leaves"]] == [["bob"]]


@each_driver
@socket_test
async def test_a_crash_of_the_sockets_process_changes_nothing(socket: type[Socket]) -> None:
    async with room(socket) as tea:
        ann, bob = await tea.enter("ann"), await tea.enter("bob")
        await tea.settled(ann)
        await bob.send(message("1", "9", ROOM, "socket_crash"))
        told = len(ann.diffs)
        assert await tea.settled(ann) == {"ann": ["here"], "bob": ["here"]}
        assert len(ann.diffs) == told


@each_driver
@socket_test
async def test_a_second_join_takes_the_place_of_the_first(socket: type[Socket]) -> None:
    async with room(socket) as tea:
        ann, bob = await tea.enter("ann"), await tea.enter("bob")
        await bob.send(join("2", ROOM, {"name": "bob"}))
        assert await tea.settled(ann) == {"ann": ["here"], "bob": ["here"]}
        bob.presence.rejoin()
        assert await tea.settled(bob) == {"ann": ["here"], "bob": ["here"]}


@socket_test
async def test_a_silent_client_is_gone_when_its_connection_is_given_up() -> None:
    async with room(settings=Settings(close_timeout=5)) as tea:
        ann, bob = await tea.enter("ann"), await tea.enter("bob")
        await be_kicked(bob)
        assert await tea.settled(ann) == {"ann": ["here"]}
        await pass_time(6)
        assert await tea.settled(ann) == {"ann": ["here"]}


@socket_test
async def test_a_killed_channel_is_off_the_list_before_anyone_hears_of_its_death() -> None:
    async with room() as tea:
        await tea.enter("ann")
        await tea.served.settle()
        (holder,) = (p.pid for p in tea.served.node.processes if p.holdings and "Present" in p.label)
        ref = monitor(holder)
        exit_signal(holder, Failed("gone"))
        down = await receive()
        assert isinstance(down, Down)
        assert down.ref is ref
        assert tea.presence.list(ROOM) == {}


@each_driver
@socket_test
async def test_what_a_tick_changes_is_one_diff(socket: type[Socket]) -> None:
    async with room(socket) as tea:
        ann = await tea.enter("ann")
        await tea.settled(ann)
        told = len(ann.diffs)
        for number in range(100):
            tea.presence.track(self_(), ROOM, f"user{number}", {"status": "here"})
        tea.presence.update(self_(), ROOM, "user7", {"status": "away"})
        tea.presence.untrack(self_(), ROOM, "user8")
        known = await tea.settled(ann)
        assert len(ann.diffs) == told + 1
        assert (len(known), known["user7"], "user8" in known) == (100, ["away"], False)
        for number in range(100):
            tea.presence.untrack(self_(), ROOM, f"user{number}")
        assert await tea.settled(ann) == {"ann": ["here"]}
        assert len(ann.diffs) == told + 2


@socket_test
async def test_who_comes_back_within_a_tick_is_told_of_in_one_diff() -> None:
    async with room() as tea:
        ann, bob = await tea.enter("ann"), await tea.enter("bob")
        await tea.settled(ann)
        told = len(ann.diffs)
        await bob.send(message("1", "2", ROOM, "come and go"))
        assert await tea.settled(ann) == {"ann": ["here"], "bob": ["back"]}
        (diff,) = ann.diffs[told:]
        assert list(diff["joins"]) == list(diff["leaves"]) == ["bob"]


@socket_test
async def test_a_process_that_is_no_channel_is_shown_while_it_lives() -> None:
    async with room() as tea:
        ann = await tea.enter("ann")

        async def bot() -> None:
            tea.presence.track(self_(), ROOM, "bot", {"status": "here"})
            await receive()

        pid = spawn(bot)
        assert await tea.settled(ann) == {"ann": ["here"], "bot": ["here"]}
        exit_signal(pid, Failed("enough"))
        assert await tea.settled(ann) == {"ann": ["here"]}


@socket_test
async def test_a_process_that_is_dead_is_not_shown() -> None:
    async def nothing() -> None:
        pass

    async with room() as tea:
        pid = spawn(nothing)
        await tea.served.settle()
        assert not pid.is_alive
        assert tea.presence.track(pid, ROOM, "ghost", {})
        assert tea.presence.list(ROOM) == {}


@socket_test
async def test_every_topic_is_a_list_of_its_own() -> None:
    async with room() as tea:
        ann = await tea.enter("ann")
        await tea.settled(ann)
        told = len(ann.diffs)
        tea.presence.track(self_(), "room:coffee", "eve", {"status": "here"})
        assert await tea.settled(ann) == {"ann": ["here"]}
        assert len(ann.diffs) == told
        assert list(tea.presence.list("room:coffee")) == ["eve"]
        tea.presence.untrack(self_(), "room:coffee", "eve")
        await tea.served.settle()


@socket_test
async def test_what_cannot_be_done_says_what_could() -> None:
    async with room() as tea:
        me = self_()
        with pytest.raises(NotTrackedError, match="'eve': track it first"):
            tea.presence.update(me, ROOM, "eve", {})
        tea.presence.untrack(me, ROOM, "eve")
        tea.presence.track(me, ROOM, "eve", {"n": 1})
        with pytest.raises(AlreadyTrackedError, match="'eve' already: update its meta instead"):
            tea.presence.track(me, ROOM, "eve", {"n": 2})
        with pytest.raises(ZeroDivisionError):
            tea.presence.update(me, ROOM, "eve", lambda _: {"n": 1 // 0})
        (meta,) = tea.presence.list(ROOM)["eve"]["metas"]
        assert meta["n"] == 1
        tea.presence.untrack(me, ROOM, "eve")
        await tea.served.settle()


@pytest.mark.parametrize("meta", [3, None, [], {"x": object()}, {"x": "\ud800"}, {"x": 2**64}, {("a", "b"): 1}, "text"])
@socket_test
async def test_a_meta_that_cannot_be_told_is_refused_where_it_is_given(meta: Any) -> None:
    async with room() as tea:
        with pytest.raises(TypeError, match="what is told of presence 'eve'"):
            tea.presence.track(self_(), ROOM, "eve", meta)
        assert tea.presence.list(ROOM) == {}


@pytest.mark.parametrize("key", [3, None, b"eve", "\ud800"])
@socket_test
async def test_a_key_is_text(key: Any) -> None:
    async with room() as tea:
        with pytest.raises(TypeError, match="presence"):
            tea.presence.track(self_(), ROOM, key, {})
        assert tea.presence.list(ROOM) == {}


@socket_test
async def test_what_one_does_to_a_meta_that_was_given_or_got_changes_no_list() -> None:
    async with room() as tea:
        meta = {"tags": ["a"]}
        tea.presence.track(self_(), ROOM, "eve", meta)
        meta["tags"].append("b")
        tea.presence.list(ROOM)["eve"]["metas"][0].clear()
        found = tea.presence.get_by_key(ROOM, "eve")
        assert found is not None
        found["metas"][0]["tags"].append("c")

        def scribble(meta: dict[str, Any]) -> dict[str, Any]:
            meta["tags"].append("d")
            raise RuntimeError

        with pytest.raises(RuntimeError):
            tea.presence.update(self_(), ROOM, "eve", scribble)
        assert tea.presence.list(ROOM)["eve"]["metas"][0]["tags"] == ["a"]
        assert tea.presence.get_by_key(ROOM, "ann") is None
        assert tea.presence.get_by_key("room:coffee", "ann") is None
        tea.presence.untrack(self_(), ROOM, "eve")
        await tea.served.settle()


@each_driver
@socket_test
async def test_a_channel_can_list_everyone(socket: type[Socket]) -> None:
    async with room(socket) as tea:
        ann = await tea.enter("ann")
        await tea.settled(ann)
        answer = await ann.ask(message("1", "2", ROOM, "who"))
        assert answer.payload["response"] == ann.presence.state


ACTS: list[Any] = [leave, be_untracked, crash, be_kicked, close, vanish]


@pytest.mark.parametrize("seed", range(6))
@each_driver
@socket_test
async def test_in_any_coming_and_going_every_client_has_the_servers_list(socket: type[Socket], seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - chosen by its seed, not secret
    async with room(socket, Settings(close_timeout=1e9)) as tea:
        there = [Watcher(await PhoenixClient.open(tea.served)) for _ in range(4)]
        for watcher in there:
            await watcher.send(join("1", ROOM, {"name": chance.choice("abc")}))
        for turn in range(40):
            watcher = chance.choice(there)
            match chance.randrange(5):
                case 0:
                    there.remove(watcher)
                    await chance.choice(ACTS)(watcher)
                    there.append(Watcher(await PhoenixClient.open(tea.served)))
                    await there[-1].send(join("1", ROOM, {"name": chance.choice("abc")}))
                case 1:
                    await tea.served.settle()
                case 2:
                    tea.presence.track(self_(), ROOM, f"bot{turn}", {"status": "here"})
                    if chance.random() < 0.5:
                        tea.presence.untrack(self_(), ROOM, f"bot{turn}")
                case _:
                    await watcher.send(message("1", "2", ROOM, chance.choice(["away", "come and go"])))
        lists = [await tea.settled(watcher) for watcher in there]
        assert all(watcher.presence.is_synced for watcher in there)
        assert sum(len(statuses) for key, statuses in lists[0].items() if "bot" not in key) == 4
        for turn in range(40):
            tea.presence.untrack(self_(), ROOM, f"bot{turn}")
        await tea.served.settle()


# What `joined` promises.


@each_driver
@socket_test
async def test_a_crash_after_the_join_is_no_crash_of_the_join(socket: type[Socket]) -> None:
    async with room(socket) as tea:
        ann = await tea.enter("ann", how="crash")
        assert await ann.hear() == errored("1", ROOM)
        assert await ann.hears_nothing_more()


@each_driver
@socket_test
async def test_joined_may_stop_the_channel(socket: type[Socket]) -> None:
    async with room(socket) as tea:
        ann = await tea.enter("ann", how="stop")
        assert (await ann.hear()).event == "presence_state"
        heard = [await ann.hear()]
        while heard[-1].event == "presence_diff":
            heard.append(await ann.hear())
        assert heard[-1] == closed("1", ROOM)
        assert tea.presence.list(ROOM) == {}


@socket_test
async def test_a_refused_client_is_not_shown() -> None:
    async with room() as tea:
        ann = await PhoenixClient.open(tea.served)
        assert await ann.ask(join("1", ROOM, {"name": "ann", "how": "refuse"})) == error("1", "1", ROOM, "not you")
        assert await ann.hears_nothing_more()


@each_driver
@socket_test
async def test_what_comes_right_behind_a_join_finds_its_client_shown(socket: type[Socket]) -> None:
    async with room(socket) as tea:
        ann = Watcher(await PhoenixClient.open(tea.served))
        await ann.send(join("1", ROOM, {"name": "ann"}), message("1", "2", ROOM, "away"))
        assert await tea.settled(ann) == {"ann": ["away"]}


@socket_test
async def test_a_list_cannot_be_pushed_before_the_client_is_subscribed() -> None:
    async with room() as tea:
        ann = await PhoenixClient.open(tea.served)
        assert await ann.ask(join("1", ROOM, {"name": "ann", "how": "early"})) == error("1", "1", ROOM, "join crashed")


# Fetch.


@asynccontextmanager
async def fetching(fetch: FetchPresences) -> AsyncGenerator[tuple[Room, Watcher]]:
    async with room() as tea:
        tea.presence.fetch = fetch
        ann = await tea.enter("ann")
        yield tea, ann


@socket_test
async def test_fetch_extends_lists_and_diffs_once_for_all_that_changed() -> None:
    asked: list[tuple[str, list[str]]] = []

    def fetch(topic: str, presences: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        asked.append((topic, sorted(presences)))
        return {key: {**presence, "user": key.upper()} for key, presence in presences.items()}

    async with fetching(fetch) as (tea, ann):
        await tea.settled(ann)
        assert ann.presence.state["ann"]["user"] == "ANN"
        asked.clear()
        for name in ("bob", "eve"):
            tea.presence.track(self_(), ROOM, name, {"status": "here"})
        await tea.served.settle()
        await ann.catch_up()
        assert asked == [(ROOM, ["bob", "eve"])]
        assert ann.presence.state["eve"]["user"] == "EVE"
        found = tea.presence.get_by_key(ROOM, "bob")
        assert found is not None
        assert found["user"] == "BOB"
        for name in ("bob", "eve"):
            tea.presence.untrack(self_(), ROOM, name)
        assert await tea.settled(ann) == {"ann": ["here"]}


@pytest.mark.parametrize("outcome", [RuntimeError(), {"bob": {"x": object()}}, {"bob": 3}])
@socket_test
async def test_a_diff_is_told_even_if_fetch_fails(outcome: Any, caplog: pytest.LogCaptureFixture) -> None:
    failing: list[Any] = []

    def fetch(_topic: str, presences: dict[str, dict[str, Any]]) -> Any:
        for presence in presences.values():
            presence["metas"][0]["scribbled"] = True
        if failing and isinstance(failing[0], Exception):
            raise failing[0]
        return failing[0] if failing else presences

    async with fetching(fetch) as (tea, ann):
        await tea.settled(ann)
        failing.append(outcome)
        tea.presence.track(self_(), ROOM, "bob", {"status": "here"})
        with caplog.at_level(logging.ERROR):
            await tea.served.settle()
            assert list(await ann.catch_up()) == ["ann", "bob"]
        assert "fetch failed for a presence_diff of room:tea" in caplog.text
        assert "scribbled" not in ann.presence.state["bob"]["metas"][0]
        failing.clear()
        tea.presence.untrack(self_(), ROOM, "bob")
        await tea.served.settle()


@socket_test
async def test_a_server_that_stops_shows_nobody_any_more() -> None:
    gateway = Gateway(routes={PATH.partition("?")[0]: PresentSocket})
    async with open_node() as node, trio.open_nursery() as nursery:
        async with open_gateway(gateway, port=0) as running:
            tea = Room(Served(node, running))
            for number in range(20):
                watcher = await tea.enter(f"user{number}")
                nursery.start_soon(answer_the_goodbye, watcher)
            await tea.served.settle()
            assert len(tea.presence.list(ROOM)) == 20
        assert tea.presence.list(ROOM) == {}
        assert tea.presence._topics == {}
        await tea.served.leave()


async def answer_the_goodbye(watcher: Watcher) -> None:
    while (await watcher.raw.frame()).opcode != CLOSE:
        pass
    await watcher.send(client_close(1012))
