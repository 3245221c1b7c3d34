"""Who is in a topic: whatever happens when, a client's list is the server's."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from regrow.gateway._presence._topic import Entry, PresentTopic
from tests.support.presence_client import PresenceClient, everyone

if TYPE_CHECKING:
    from regrow.actors import Pid

KEYS = st.sampled_from(["ann", "bob"])
OWNERS = st.integers(0, 2)
CLIENTS = st.integers(0, 2)
PIDS = [cast("Pid", object()) for _ in range(3)]


def topic_of(changed: list[PresentTopic] | None = None) -> PresentTopic:
    numbers = count(1)
    return PresentTopic("t", lambda: f"r{next(numbers)}", ([] if changed is None else changed).append)


def metas(*metas: dict[str, Any]) -> dict[str, Any]:
    return {"metas": list(metas)}


class Watching(RuleBasedStateMachine):
    """Processes come, change and go; ticks end; clients subscribe, get a list some time later, drop out, rejoin."""

    @initialize()
    def begin(self) -> None:
        self.changed: list[PresentTopic] = []
        self.topic = topic_of(self.changed)
        self.model: dict[tuple[str, int], tuple[Entry, int]] = {}
        self.numbers = count()
        self.clients = [PresenceClient() for _ in range(3)]
        self.subscribed = [False, False, False]
        self.stale: tuple[int, Any] | None = None
        """A list that was made in this tick, and for how many changes ago it is right."""

    @rule(key=KEYS, owner=OWNERS)
    def track_or_untrack(self, key: str, owner: int) -> None:
        here = self.model.pop((key, owner), None)
        if here is not None:
            here[0].holder_died(PIDS[owner])
            return
        n = next(self.numbers)
        self.model[key, owner] = (self.topic.add(key, PIDS[owner], {"n": n}), n)

    @rule(key=KEYS, owner=OWNERS)
    def update(self, key: str, owner: int) -> None:
        here = self.model.get((key, owner))
        if here is not None:
            n = next(self.numbers)
            self.topic.replace(here[0], {"n": n, "phx_ref_prev": "forged"})
            self.model[key, owner] = (here[0], n)

    @rule(client=CLIENTS)
    def subscribe(self, client: int) -> None:
        self.subscribed[client] = True

    @rule(client=CLIENTS)
    def drop_out(self, client: int) -> None:
        self.subscribed[client] = False
        self.clients[client].rejoin()
        self.clients[client].pending = []

    @precondition(lambda self: any(self.subscribed))
    @rule(client=CLIENTS)
    def be_given_the_list(self, client: int) -> None:
        if self.subscribed[client]:
            presences = self.topic.list()
            self.stale = (self.topic.version, presences)
            self.clients[client].hear_state(presences)

    @precondition(lambda self: self.stale is not None)
    @rule(client=CLIENTS)
    def be_given_a_list_made_earlier_in_the_tick(self, client: int) -> None:
        assert self.stale is not None
        if self.subscribed[client]:
            self.clients[client].hear_state(self.stale[1])

    @rule()
    def list_for_nobody(self) -> None:
        self.topic.list()

    @rule()
    def end_tick(self) -> None:
        self.stale = None
        has_changed = bool(self.changed)
        self.changed.clear()
        diff = self.topic.take_diff()
        assert self.topic.take_diff() is None
        if diff is not None:
            assert has_changed
            assert diff["joins"] or diff["leaves"]
            self.check_previous(diff)
            for client, is_subscribed in zip(self.clients, self.subscribed, strict=True):
                if is_subscribed:
                    client.hear_diff(diff)
        self.check()

    def check_previous(self, diff: dict[str, Any]) -> None:
        for key, presence in diff["joins"].items():
            left = {meta["phx_ref"] for meta in diff["leaves"].get(key, metas())["metas"]}
            for meta in presence["metas"]:
                assert meta.get("phx_ref_prev", None) in {None, *left}

    def check(self) -> None:
        there = self.topic.list()
        expected = sorted((key, n) for (key, _), (_, n) in self.model.items())
        assert sorted((key, meta["n"]) for key, one in there.items() for meta in one["metas"]) == expected
        assert self.topic.size == len(expected)
        assert [self.topic.under(key) for key in ("ann", "bob")] == [there.get(key) for key in ("ann", "bob")]
        for client, is_subscribed in zip(self.clients, self.subscribed, strict=True):
            if is_subscribed and client.is_synced:
                assert everyone(client.state) == everyone(there)

    def teardown(self) -> None:
        if hasattr(self, "topic"):
            self.end_tick()


TestWatching = Watching.TestCase
TestWatching.settings = settings(max_examples=400, stateful_step_count=40, deadline=None)


def test_a_client_that_has_the_list_before_any_diff_has_the_metas_of_a_key_in_the_servers_order() -> None:
    topic, client = topic_of(), PresenceClient()
    first, second = (topic.add("ann", pid, {}) for pid in PIDS[:2])
    client.hear_state(topic.list())
    topic.replace(first, {"away": True})
    topic.add("ann", PIDS[2], {})
    topic.remove(second)
    client.hear_diff(topic.take_diff())
    assert (
        client.state
        == topic.list()
        == {"ann": metas({"away": True, "phx_ref": "r3", "phx_ref_prev": "r1"}, {"phx_ref": "r4"})}
    )


def test_a_meta_is_told_with_its_ref() -> None:
    topic = topic_of()
    topic.add("ann", PIDS[0], {"online_at": 7})
    assert topic.take_diff() == {"joins": {"ann": metas({"online_at": 7, "phx_ref": "r1"})}, "leaves": {}}


def test_an_update_is_a_leave_and_a_join_in_one_diff_that_names_the_meta_before() -> None:
    topic = topic_of()
    entry = topic.add("ann", PIDS[0], {"away": False})
    topic.take_diff()
    topic.replace(entry, {"away": True})
    assert topic.take_diff() == {
        "joins": {"ann": metas({"away": True, "phx_ref": "r2", "phx_ref_prev": "r1"})},
        "leaves": {"ann": metas({"away": False, "phx_ref": "r1"})},
    }


def test_two_updates_in_a_tick_are_told_as_one_of_the_meta_that_clients_know() -> None:
    topic = topic_of()
    entry = topic.add("ann", PIDS[0], {"n": 0})
    topic.take_diff()
    topic.replace(entry, {"n": 1})
    topic.replace(entry, {"n": 2})
    assert topic.take_diff() == {
        "joins": {"ann": metas({"n": 2, "phx_ref": "r3", "phx_ref_prev": "r1"})},
        "leaves": {"ann": metas({"n": 0, "phx_ref": "r1"})},
    }


def test_an_update_in_the_tick_of_its_track_is_told_as_a_join() -> None:
    topic = topic_of()
    topic.replace(topic.add("ann", PIDS[0], {"n": 0}), {"n": 1})
    assert topic.take_diff() == {"joins": {"ann": metas({"n": 1, "phx_ref": "r2"})}, "leaves": {}}


def test_who_comes_and_goes_in_a_tick_is_not_told_of() -> None:
    topic = topic_of()
    topic.remove(topic.add("ann", PIDS[0], {}))
    assert topic.take_diff() is None


def test_who_was_on_a_list_before_they_went_in_the_same_tick_is_told_of() -> None:
    topic, late = topic_of(), PresenceClient()
    entry = topic.add("ann", PIDS[0], {})
    late.hear_state(topic.list())
    topic.remove(entry)
    diff = topic.take_diff()
    assert diff == {"joins": {"ann": metas({"phx_ref": "r1"})}, "leaves": {"ann": metas({"phx_ref": "r1"})}}
    late.hear_diff(diff)
    assert late.state == {}


def test_a_restart_within_a_tick_is_one_diff() -> None:
    topic = topic_of()
    entry = topic.add("ann", PIDS[0], {})
    topic.take_diff()
    entry.holder_died(PIDS[0])
    topic.add("ann", PIDS[1], {})
    assert topic.take_diff() == {
        "joins": {"ann": metas({"phx_ref": "r2"})},
        "leaves": {"ann": metas({"phx_ref": "r1"})},
    }


def test_devices_of_one_key_leave_one_by_one() -> None:
    topic = topic_of()
    entries = [topic.add("ann", pid, {}) for pid in PIDS]
    assert topic.list() == {"ann": metas({"phx_ref": "r1"}, {"phx_ref": "r2"}, {"phx_ref": "r3"})}
    topic.remove(entries[1])
    topic.remove(entries[0])
    assert topic.under("ann") == metas({"phx_ref": "r3"})
    assert topic.find("ann", PIDS[2]) is entries[2]
    assert topic.find("ann", PIDS[0]) is None
    topic.remove(entries[2])
    assert (topic.list(), topic.under("ann"), topic.size) == ({}, None, 0)
