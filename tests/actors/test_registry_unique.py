"""Registries of unique keys: the meaning of Elixir's ``registry/unique_test.exs``."""

from __future__ import annotations

from functools import partial

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    KILLED,
    NOPROC,
    NORMAL,
    AlreadyRegisteredError,
    AlreadyStartedError,
    CallError,
    Down,
    Exit,
    InitFailedError,
    NameTakenError,
    NotAProcessError,
    NotRegisteredError,
    Registered,
    Registry,
    RegistryKeys,
    RegistryKeysError,
    Reply,
    Shutdown,
    Stop,
    UnknownRegistryError,
    Unregistered,
    call,
    current_node,
    exit_signal,
    link,
    monitor,
    open_node,
    receive,
    register,
    self_,
    send,
    send_after,
    spawn,
    stop,
    trap_exit,
    unregister,
)
from regrow.supervisors import ChildSpec, Supervisor, which_children
from tests.support.assertions import death_of, mailbox
from tests.support.misbehaving import Puppet, answers, does, raising, tell
from tests.support.registries import Idle, bystander, never, registered_by
from tests.support.trio_test import trio_test

rooms = Registry("rooms")


def links() -> set[object]:
    """Whom the running process is linked to."""
    process = self_().process
    assert process is not None
    return {peer.pid for peer in process.linked()}


@trio_test
async def test_it_counts_its_registrations() -> None:
    async with open_node():
        await rooms.start_link()
        assert rooms.count() == 0
        rooms.register("hello", "value")
        rooms.register("world", "value")
        assert rooms.count() == 2


@trio_test
async def test_a_key_is_registered_once_even_by_the_same_process() -> None:
    async with open_node():
        pid = await rooms.start_link()
        assert rooms.register("hello", "value") is pid
        with pytest.raises(AlreadyRegisteredError, match="'hello' of the registry 'rooms' is held by") as caught:
            rooms.register("hello", "later")

        assert caught.value.pid is self_()
        assert rooms.keys(self_()) == ["hello"]
        assert rooms.values("hello", self_()) == ["value"]
        rooms.register("world", "value")
        assert rooms.keys(self_()) == ["hello", "world"]
        assert rooms.count() == 2


@trio_test
async def test_a_key_held_by_another_process_cannot_be_registered() -> None:
    async with open_node():
        registry = await rooms.start_link()
        other = await registered_by(rooms, "hello", "value")
        with pytest.raises(AlreadyRegisteredError) as caught:
            rooms.register("hello", "recent")

        assert caught.value.pid is other
        assert (rooms.keys(other), rooms.values("hello", other)) == (["hello"], ["value"])
        assert (rooms.keys(self_()), rooms.values("hello", self_())) == ([], [])
        assert registry in links()  # the link to its starter is not cut by a failed registration


@trio_test
async def test_a_key_is_free_before_the_down_of_its_holder() -> None:  # P-7
    async with open_node():
        await rooms.start_link()
        other = await registered_by(rooms, "hello")
        monitor(other)
        exit_signal(other, KILL)

        assert rooms.lookup("hello") == rooms.keys(other) == []
        assert rooms.count() == 0
        rooms.register("hello", "other")
        assert rooms.lookup("hello") == [(self_(), "other")]
        assert (await receive(Down)).target is other


@trio_test
async def test_match_takes_a_predicate_on_the_value() -> None:
    async with open_node():
        await rooms.start_link()
        rooms.register("hello", (1, "atom", 1))
        rooms.register("world", {"a": "a", "b": "b"})

        assert rooms.match("hello", lambda value: value[0] == 1) == [(self_(), (1, "atom", 1))]
        assert rooms.match("hello", lambda value: value[0] == 2) == []
        assert rooms.match("nobody", lambda _value: True) == []
        assert rooms.count_match("world", lambda value: value["b"] == "b") == 1
        assert rooms.count_match("world", lambda _value: False) == 0


@trio_test
async def test_select_takes_a_predicate_on_key_pid_and_value() -> None:
    async with open_node():
        await rooms.start_link()
        assert rooms.select(lambda _key, _pid, _value: True) == []
        other = await registered_by(rooms, "hello", 1)
        rooms.register("world", 2)

        assert sorted(rooms.select(lambda _key, _pid, _value: True)) == [("hello", other, 1), ("world", self_(), 2)]
        [row] = rooms.select(lambda key, pid, value: key == "world" and pid is self_() and value == 2)
        assert (row.key, row.pid, row.value) == ("world", self_(), 2)
        assert rooms.count_select(lambda _key, pid, _value: pid is other) == 1


@trio_test
async def test_unregister_match_takes_out_what_satisfies_a_predicate() -> None:
    async with open_node():
        await rooms.start_link()
        rooms.register("hello", (1, "atom"))
        rooms.unregister_match("hello", lambda value: value[0] == 2)
        assert rooms.lookup("hello") == [(self_(), (1, "atom"))]
        rooms.unregister_match("hello", lambda value: value[1] == "atom")
        assert rooms.lookup("hello") == []
        assert rooms.keys(self_()) == []


@trio_test
async def test_a_value_is_updated_by_its_owner_only() -> None:
    async with open_node():
        await rooms.start_link()
        with pytest.raises(NotRegisteredError):
            rooms.update_value("hello", never)
        await registered_by(rooms, "hello", "value")
        with pytest.raises(NotRegisteredError, match="does not hold the key 'hello'"):
            rooms.update_value("hello", never)

        rooms.register("world", 1)
        assert rooms.update_value("world", lambda value: value + 1) == (2, 1)
        assert rooms.lookup("world") == [(self_(), 2)]
        with pytest.raises(ZeroDivisionError):
            rooms.update_value("world", lambda value: value / 0)
        assert rooms.lookup("world") == [(self_(), 2)]


@trio_test
async def test_dispatch_calls_in_the_caller_and_not_at_all_without_entries() -> None:
    async with open_node():
        await rooms.start_link()
        rooms.dispatch("hello", never)
        rooms.register("hello", "value")
        called: list[object] = []
        rooms.dispatch("hello", lambda entries: called.append((self_(), entries)))

        assert called == [(self_(), [(self_(), "value")])]


@trio_test
async def test_a_process_unregisters_its_own_keys_only_and_without_any_it_is_no_error() -> None:
    async with open_node():
        await rooms.start_link()
        rooms.unregister("hello")
        other = await registered_by(rooms, "other")
        rooms.register("hello")
        rooms.register("world")
        rooms.unregister("other")
        rooms.unregister("hello")

        assert rooms.keys(self_()) == ["world"]
        assert rooms.whereis("other") is other
        rooms.unregister("world")
        assert rooms.keys(self_()) == []


@trio_test
async def test_listeners_hear_of_registrations_and_of_their_end() -> None:
    async with open_node():
        registry = Registry("rooms", listeners=("audit", "absent"))
        await registry.start_link()
        register("audit", self_())
        other = await registered_by(registry, "hello", "world")
        registry.register("mine", "value")
        registry.unregister("mine")
        registry.unregister("mine")
        ref = monitor(other)
        exit_signal(other, KILL)

        assert await mailbox() == [
            Registered("rooms", "hello", other, "world"),
            Registered("rooms", "mine", self_(), "value"),
            Unregistered("rooms", "mine", self_()),
            Unregistered("rooms", "hello", other),
            Down(ref, other, KILLED),
        ]
        unregister("audit")
        registry.register("mine", "value")
        assert await mailbox() == []


# Links.


@trio_test
async def test_a_process_is_linked_to_the_registry_for_as_long_as_it_has_a_key() -> None:
    async with open_node():
        registry = await rooms.start_link()
        linked: list[bool] = []

        async def member() -> None:
            rooms.register("hello")
            linked.append(registry in links())
            rooms.register("world")
            rooms.unregister("hello")
            linked.append(registry in links())
            rooms.unregister("world")
            linked.append(registry in links())

        await death_of(monitor(spawn(member)))
        assert linked == [True, True, False]


@trio_test
async def test_a_link_that_was_there_before_stays() -> None:
    async with open_node():
        registry = await rooms.start_link()
        rooms.register("hello")
        rooms.unregister("hello")
        assert registry in links()


@trio_test
async def test_when_the_registry_is_killed_its_processes_die_with_it() -> None:
    async with open_node():
        trap_exit()
        registry = await rooms.start_link()
        other = await registered_by(rooms, "hello")
        ref = monitor(other)
        exit_signal(registry, KILL)

        assert await death_of(ref) is KILLED
        assert await receive(Exit) == Exit(registry, KILLED)


@trio_test
async def test_who_survives_the_registry_holds_nothing_of_it() -> None:
    async with open_node():
        trap_exit()
        first = await rooms.start_link()
        rooms.register("hello")
        exit_signal(first, KILL)
        process = self_().process
        assert process is not None
        assert not process.holdings
        await rooms.start_link()
        assert rooms.lookup("hello") == []
        rooms.register("hello")


@trio_test
async def test_the_death_of_a_process_leaves_the_registry_no_message() -> None:
    async with open_node():
        registry = await rooms.start_link()
        other = await registered_by(rooms, "hello")
        exit_signal(other, KILL)
        assert registry.process is not None
        assert registry.process.pending() == 0
        assert other not in {peer.pid for peer in registry.process.linked()}


@trio_test
async def test_the_death_of_one_that_had_linked_to_it_does_not_harm_the_registry() -> None:
    async with open_node():
        registry = await rooms.start_link()
        other = await Puppet.start([])
        assert other is not None
        tell(other, lambda _puppet: link(registry))
        await wait_all_tasks_blocked()
        await registered_by(rooms, "hello", pid=other)
        exit_signal(other, KILL)
        await wait_all_tasks_blocked()

        assert rooms.count() == 0
        assert registry.is_alive


# Under a supervisor, and not there.


@trio_test
async def test_a_registry_is_restarted_by_its_supervisor_empty() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([ChildSpec("rooms", rooms.start_link)])
        [child] = await which_children(supervisor)
        other = await registered_by(rooms, "hello")
        exit_signal(child.pid, KILL)  # type: ignore[arg-type]  # it is a pid: the child runs
        await wait_all_tasks_blocked()

        assert not other.is_alive
        assert rooms.count() == 0
        rooms.register("hello")


@trio_test
async def test_a_registry_that_does_not_run_is_unknown() -> None:
    async with open_node():
        for operation in (
            partial(rooms.register, "hello"),
            partial(rooms.unregister, "hello"),
            partial(rooms.lookup, "hello"),
            partial(rooms.keys, self_()),
            partial(rooms.meta, "key"),
            rooms.count,
        ):
            with pytest.raises(UnknownRegistryError, match="no registry 'rooms' runs on"):
                operation()
        register("rooms", self_())  # something else of that name
        with pytest.raises(UnknownRegistryError):
            rooms.count()
        with pytest.raises(AlreadyStartedError):
            await rooms.start_link()


@trio_test
async def test_a_name_stands_for_the_registry_of_the_node_one_is_on() -> None:
    async with open_node("one@localhost"):
        await rooms.start_link()
        rooms.register("hello", "one")
        async with open_node("two@localhost"):
            await rooms.start_link()
            assert rooms.count() == 0
        assert rooms.lookup("hello") == [(self_(), "one")]


@trio_test
async def test_a_process_that_is_dead_and_unwinds_cannot_register() -> None:
    refused: list[object] = []

    async def zombie() -> None:
        try:
            await trio.sleep_forever()
        finally:
            try:
                rooms.register("late")
            except NotAProcessError as error:
                refused.append(error)

    async with open_node():
        await rooms.start_link()
        pid = spawn(zombie)
        await wait_all_tasks_blocked()
        exit_signal(pid, KILL)
        await wait_all_tasks_blocked()
        assert len(refused) == 1
        assert rooms.count() == 0


@trio_test
async def test_code_outside_processes_can_look_up() -> None:
    async with open_node() as node:
        await rooms.start_link()
        rooms.register("hello")
        me = self_()

        def port() -> None:
            assert current_node() is node
            assert rooms.whereis("hello") is me
            with pytest.raises(NotAProcessError):
                rooms.register("world")

        node.scheduler.context.run(port)


@trio_test
async def test_meta_can_be_read_set_and_deleted() -> None:
    async with open_node():
        registry = Registry("rooms", initial_meta={"custom": "value"})
        await registry.start_link()
        assert registry.meta("custom") == "value"
        assert registry.meta("unknown") is None
        registry.put_meta(("tuple", 1), 2)
        assert registry.meta(("tuple", 1)) == 2
        registry.delete_meta("custom")
        registry.delete_meta("custom")
        assert registry.meta("custom", "default") == "default"
        assert registry.initial_meta == {"custom": "value"}


# Via.


@trio_test
async def test_a_server_is_started_called_and_stopped_by_its_key() -> None:
    async with open_node():
        await rooms.start_link()
        name = rooms.via("lobby", "value")
        pid = await Puppet.start_link([], name=name)

        assert rooms.lookup("lobby") == [(pid, "value")]
        assert await call(name, answers(lambda puppet, _caller: Reply(puppet.pid))) is pid
        with pytest.raises(AlreadyStartedError, match=r"rooms.via\('lobby'\) is already started as") as caught:
            await Puppet.start([], name=rooms.via("lobby"))
        assert caught.value.pid is pid
        await stop(name)
        assert rooms.lookup("lobby") == []
        with pytest.raises(CallError) as failed:
            await call(name, "hello")
        assert failed.value.reason is NOPROC


@trio_test
async def test_the_key_is_free_when_a_start_has_failed() -> None:
    async with open_node():
        await rooms.start_link()
        trap_exit()
        begin = does(lambda _puppet: Stop(Shutdown("no")))
        with pytest.raises(InitFailedError):
            await Puppet.start_link([], begin, name=rooms.via("lobby"))
        assert rooms.count() == 0
        with pytest.raises(InitFailedError):
            await Puppet.start_link([], does(lambda _puppet: raising(OSError())), name=rooms.via("lobby"))
        assert await Puppet.start_link([], name=rooms.via("lobby")) is rooms.whereis("lobby")


class AsyncIdle(Idle):
    async def init(self) -> None:
        await trio.lowlevel.checkpoint()


@pytest.mark.parametrize("server", [Idle, AsyncIdle])
@trio_test
async def test_without_its_registry_a_start_fails_and_leaves_no_process(server: type[Idle]) -> None:
    async with open_node() as node:
        with pytest.raises(UnknownRegistryError):
            await server.start_link(name=rooms.via("lobby"))
        await wait_all_tasks_blocked()
        assert node.pids() == [self_()]


@trio_test
async def test_timers_and_monitors_find_the_holder_of_a_key() -> None:
    async with open_node():
        name = rooms.via("me")
        send_after(1, name, "before the registry runs")
        await trio.sleep(2)
        await rooms.start_link()
        rooms.register("me")
        send(name, "now")
        send_after(1, name, "later")
        ref = monitor(rooms.via("nobody"))
        await trio.sleep(2)

        assert await mailbox() == ["now", Down(ref, rooms.via("nobody"), NOPROC), "later"]


@trio_test
async def test_a_via_frees_its_key_and_names_the_living_only() -> None:
    async with open_node():
        name = rooms.via("lobby")
        name.unregister()
        assert name.whereis() is None
        await rooms.start_link()
        name.unregister()
        pid = bystander()
        name.register(pid)
        with pytest.raises(NameTakenError):
            name.register(self_())
        name.unregister()
        assert name.whereis() is None
        exit_signal(pid, KILL)
        with pytest.raises(NotAProcessError, match="no living process"):
            name.register(pid)


def test_vias_are_equal_if_they_name_the_same() -> None:
    assert rooms.via("a", 1) == Registry("rooms").via("a", 2)
    assert hash(rooms.via("a", 1)) == hash(rooms.via("a", 2))
    assert rooms.via("a") != rooms.via("b")
    assert rooms.via("a") != Registry("others").via("a")


@trio_test
async def test_a_via_of_a_registry_that_runs_with_duplicate_keys_cannot_be_registered() -> None:
    async with open_node():
        await Registry("rooms", RegistryKeys.DUPLICATE).start_link()
        with pytest.raises(RegistryKeysError, match="via needs unique ones"):
            await Idle.start_link(name=rooms.via("lobby"))
        assert rooms.count() == 0


@trio_test
async def test_a_process_that_ends_normally_is_unregistered_too() -> None:
    async with open_node():
        await rooms.start_link()
        pid = spawn(rooms.register, "hello")
        assert await death_of(monitor(pid)) is NORMAL
        assert rooms.count() == 0
