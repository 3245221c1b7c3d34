"""One process: identity, signals in order, and the order of its dying (rules P-1 to P-7)."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    KILLED,
    NORMAL,
    SHUTDOWN,
    Crash,
    Down,
    Exit,
    ExitReason,
    Failure,
    InitFailedError,
    Pid,
    Reply,
    Shutdown,
    Stop,
    exit_,
    exit_signal,
    link,
    monitor,
    open_node,
    register,
    self_,
    send,
    spawn,
    spawn_link,
    spawn_monitor,
    start_inline,
    start_task,
    trap_exit,
    whereis,
)
from regrow.actors._processes._process import Origin, _Fate, _fate
from tests.support.assertions import death_of, mailbox, unlinked, watched
from tests.support.misbehaving import (
    DRIVERS,
    Driver,
    Puppet,
    as_task,
    ask,
    does,
    inform,
    tell,
    trapping,
    wait_forever,
)
from tests.support.trio_test import trio_test

both_drivers = pytest.mark.parametrize("driver", DRIVERS)


@both_drivers
@trio_test
async def test_exit_signals_keep_their_place_among_the_messages_of_their_sender(driver: Driver) -> None:  # P-1
    async with open_node():
        log: list[object] = []
        pid = await unlinked(driver(Puppet), log, trapping)

        send(pid, "a")
        exit_signal(pid, SHUTDOWN)
        send(pid, "b")
        await wait_all_tasks_blocked()

        assert log == ["a", Exit(self_(), SHUTDOWN), "b"]


@both_drivers
@given(plan=st.lists(st.booleans(), max_size=300))
@settings(max_examples=30, deadline=None)
def test_messages_and_exit_signals_of_one_sender_stay_in_order(driver: Driver, plan: list[bool]) -> None:  # P-1
    @trio_test
    async def run() -> None:
        async with open_node():
            log: list[object] = []
            pid = await unlinked(driver(Puppet), log, trapping)
            sent: list[object] = []
            for number, is_signal in enumerate(plan):
                if is_signal:
                    exit_signal(pid, Failure(number))
                    sent.append(Exit(self_(), Failure(number)))
                else:
                    send(pid, number)
                    sent.append(number)
            await wait_all_tasks_blocked()

            assert log == sent

    run()


@both_drivers
@trio_test
async def test_what_a_process_sent_before_it_died_comes_before_its_down_and_its_exit(driver: Driver) -> None:  # P-1
    async with open_node():
        trap_exit()
        main = self_()
        pid, ref = await watched(driver(Puppet), [])

        def speak_and_leave(_puppet: Puppet) -> Stop:
            send(main, "a")
            send(main, "b")
            return Stop(SHUTDOWN)

        link(pid)
        tell(pid, speak_and_leave)
        await wait_all_tasks_blocked()

        first, second, *deaths = await mailbox()
        assert (first, second) == ("a", "b")
        assert sorted(map(repr, deaths)) == sorted(map(repr, [Down(ref, pid, SHUTDOWN), Exit(pid, SHUTDOWN)]))


@trio_test
async def test_a_process_that_does_not_trap_dies_at_any_point_of_its_execution() -> None:  # P-2
    async with open_node():
        reached: list[str] = []

        async def busy() -> None:
            reached.append("before")
            await trio.sleep(10)
            reached.append("after")

        pid, ref = spawn_monitor(busy)
        await wait_all_tasks_blocked()
        exit_signal(pid, Failure("enough"))

        assert not pid.is_alive
        assert await death_of(ref) == Failure("enough")
        await trio.sleep(20)
        assert reached == ["before"]


@both_drivers
@trio_test
async def test_a_trapping_process_gets_the_exit_at_the_end_of_its_queue(driver: Driver) -> None:  # P-2
    async with open_node():
        log: list[object] = []
        pid = await unlinked(driver(Puppet), log, trapping)

        def flood(puppet: Puppet) -> None:
            for number in range(3):
                send(puppet.pid, number)

        inform(pid, flood)
        await wait_all_tasks_blocked()
        send(pid, "last")
        exit_signal(pid, KILLED)
        await wait_all_tasks_blocked()

        assert log == [0, 1, 2, "last", Exit(self_(), KILLED)]


def as_function(how: Callable[[], object]) -> Callable[[], object]:
    return how


def as_coroutine(how: Callable[[], object]) -> Callable[[], object]:
    async def run() -> None:
        how()

    return run


both_functions = pytest.mark.parametrize("made", [as_function, as_coroutine])
Made = Callable[[Callable[[], object]], Callable[[], object]]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (lambda: None, NORMAL),
        (lambda: exit_(SHUTDOWN), SHUTDOWN),
        (lambda: exit_(NORMAL), NORMAL),
        (lambda: exit_(Failure("mine")), Failure("mine")),
        (lambda: exit_(KILL), KILL),
    ],
)
@both_functions
@trio_test
async def test_the_way_a_function_ends_is_its_exit_reason(how: Any, reason: ExitReason, made: Made) -> None:  # P-4
    async with open_node():
        _pid, ref = spawn_monitor(made(how))

        assert await death_of(ref) == reason


@both_functions
@trio_test
async def test_an_exception_is_a_crash_with_type_message_and_stack(made: Made) -> None:  # P-4
    async with open_node():

        def divide() -> None:
            _ = 1 // 0

        _pid, ref = spawn_monitor(made(divide))
        reason = await death_of(ref)

        assert isinstance(reason, Crash)
        assert reason.type == "ZeroDivisionError"
        assert "by zero" in reason.message
        assert reason.stack[-1].function.endswith("divide")
        assert reason.stack[-1].file == __file__


@trio_test
async def test_exit_in_ones_own_code_unwinds_the_stack() -> None:  # P-5
    async with open_node():
        done: list[str] = []

        async def leave() -> None:
            try:
                exit_(SHUTDOWN)
            finally:
                done.append("finally")

        _pid, ref = spawn_monitor(leave)

        assert await death_of(ref) is SHUTDOWN
        assert done == ["finally"]


@trio_test
async def test_exit_is_not_caught_by_a_handler_of_exceptions() -> None:  # P-5
    async with open_node():

        async def stubborn() -> None:
            try:
                exit_(SHUTDOWN)
            except Exception:  # noqa: BLE001
                await trio.sleep_forever()

        _pid, ref = spawn_monitor(stubborn)

        assert await death_of(ref) is SHUTDOWN


@both_drivers
@trio_test
async def test_an_exit_signal_runs_no_callback_of_its_target(driver: Driver) -> None:  # P-5
    async with open_node():
        log: list[object] = []
        pid, ref = await watched(driver(Puppet), log)

        exit_signal(pid, SHUTDOWN)

        assert await death_of(ref) is SHUTDOWN
        assert log == []


@both_functions
@trio_test
async def test_a_crash_in_the_first_instruction_reaches_the_link_and_the_monitor_once(made: Made) -> None:  # P-6
    async with open_node():
        trap_exit()

        def crash() -> None:
            raise ValueError("at once")

        pid, ref = spawn_monitor(made(crash))
        linked = spawn_link(made(crash))
        await wait_all_tasks_blocked()
        messages = await mailbox()

        assert len(messages) == 2
        assert {type(message) for message in messages} == {Down, Exit}
        for message in messages:
            assert isinstance(message.reason, Crash)
            if isinstance(message, Down):
                assert (message.ref, message.target) == (ref, pid)
            else:
                assert message.pid is linked


@both_drivers
@trio_test
async def test_a_dead_process_is_unregistered_before_its_down_and_exit_arrive(driver: Driver) -> None:  # P-7
    async with open_node():
        seen: list[object] = []
        mortal = spawn(wait_forever)
        register("mortal", mortal)

        class Heir(Puppet):
            def handle_info(self, message: Any) -> Any:
                seen.append((message.__class__, whereis("mortal")))
                if isinstance(message, Down):
                    register("mortal", self.pid)

        def watch(_puppet: Puppet) -> None:
            trap_exit()
            link(mortal)
            monitor(mortal)

        heir = await unlinked(driver(Heir), [], watch)
        exit_signal(mortal, KILL)
        await wait_all_tasks_blocked()

        assert seen == [(Down, None), (Exit, heir)]


@pytest.mark.parametrize("trapping_exits", [True, False])
@pytest.mark.parametrize("origin", list(Origin))
@pytest.mark.parametrize("reason", [NORMAL, KILL, KILLED, SHUTDOWN, Shutdown("x"), Failure("x")])
def test_the_decision_table_of_exit_signals(origin: Origin, reason: ExitReason, trapping_exits: Any) -> None:
    """All that exit signals do."""
    fate, seen = _fate(origin, reason, trapping=trapping_exits)

    if reason is KILL and origin is not Origin.LINK:
        assert (fate, seen) == (_Fate.DIE, KILLED)
    elif trapping_exits:
        assert (fate, seen) == (_Fate.MESSAGE, reason)
    elif reason is NORMAL:
        assert fate is (_Fate.DIE if origin is Origin.SELF else _Fate.IGNORE)
    else:
        assert (fate, seen) == (_Fate.DIE, reason)


@both_drivers
@trio_test
async def test_a_process_killed_by_its_own_message_dies_when_its_callback_returns(driver: Driver) -> None:
    """A handles a message and kills B, linked to A: A's death comes back while A is on the stack (rule P-2)."""
    async with open_node():
        log: list[object] = []
        peer = spawn(wait_forever)

        def kill_peer(puppet: Puppet) -> None:
            link(peer)
            exit_signal(peer, KILL)
            puppet.log.append("returned")

        pid, ref = await watched(driver(Puppet), log)
        tell(pid, kill_peer)
        tell(pid, lambda puppet: puppet.log.append("next"))

        assert await death_of(ref) is KILLED
        assert log == ["returned"]


@both_drivers
@trio_test
async def test_a_process_that_was_killed_runs_no_terminate_when_it_stops_afterwards(driver: Driver) -> None:
    async with open_node():
        log: list[object] = []
        peer = spawn(wait_forever)

        def kill_peer_and_stop(_puppet: Puppet) -> Stop:
            link(peer)
            exit_signal(peer, KILL)
            return Stop(NORMAL)

        pid, ref = await watched(driver(Puppet), log)
        tell(pid, kill_peer_and_stop)

        assert await death_of(ref) is KILLED
        assert log == []


@both_drivers
@trio_test
async def test_a_thousand_links_in_a_chain_die_without_recursion(driver: Driver) -> None:
    async with open_node():
        pids = [await unlinked(driver(Puppet), []) for _ in range(1000)]
        for one, other in pairwise(pids):
            tell(one, partial(link_to, other))
        await wait_all_tasks_blocked()
        last = monitor(pids[-1])

        exit_signal(pids[0], Failure("deep"))

        assert not any(pid.is_alive for pid in pids)
        assert await death_of(last) == Failure("deep")


def link_to(peer: Pid, _puppet: Puppet) -> None:
    link(peer)


@both_drivers
@trio_test
async def test_a_reason_keeps_no_frame_of_the_dead_process_alive(driver: Driver) -> None:
    async with open_node():

        class Thing:
            pass

        things: list[weakref.ref[Thing]] = []

        def crash(_puppet: Puppet) -> None:
            thing = Thing()
            things.append(weakref.ref(thing))
            try:
                _ = 1 // 0
            except ZeroDivisionError as error:
                raise ValueError(str(thing)) from error

        pid, ref = await watched(driver(Puppet), [])
        puppet = weakref.ref((await ask(pid, lambda puppet, _caller: Reply([puppet]))).pop())
        tell(pid, crash)
        reason = await death_of(ref)
        await wait_all_tasks_blocked()
        gc.collect()

        assert isinstance(reason, Crash)
        assert things[0]() is None
        assert puppet() is None


@both_drivers
@trio_test
async def test_a_message_that_was_taken_is_not_kept_by_the_runtime(driver: Driver) -> None:
    async with open_node():

        class Message:
            pass

        class Forgetful(Puppet):
            def handle_info(self, message: Any) -> Any:
                return None

        pid = await unlinked(driver(Forgetful), [])
        message = Message()
        send(pid, message)
        await wait_all_tasks_blocked()
        kept = weakref.ref(message)
        del message
        gc.collect()

        assert kept() is None


class FakeOwner:
    """The end of a port; it writes down which deaths it was told of, and whether the name was free then."""

    def __init__(self) -> None:
        self.deaths: list[tuple[Pid, ExitReason, Pid | None]] = []

    def process_exited(self, pid: Pid, reason: ExitReason) -> None:
        self.deaths.append((pid, reason, whereis("served")))


@trio_test
async def test_the_port_owner_is_told_of_the_death_of_the_process_that_served_it() -> None:
    async with open_node():
        owner = FakeOwner()
        inline_pid = start_inline(Puppet(), ([],), linked=False, name="served", port=owner)
        assert inline_pid is not None
        exit_signal(inline_pid, KILL)
        task_pid = await start_task(as_task(Puppet)(), ([],), linked=False, name="served", port=owner)
        assert task_pid is not None
        exit_signal(task_pid, SHUTDOWN)

        assert owner.deaths == [(inline_pid, KILLED, None), (task_pid, SHUTDOWN, None)]


@trio_test
async def test_the_port_owner_hears_nothing_of_a_start_that_failed() -> None:
    async with open_node():
        owner = FakeOwner()

        with pytest.raises(InitFailedError):
            start_inline(Puppet(), ([], does(lambda _puppet: Stop(SHUTDOWN))), linked=True, port=owner)
        with pytest.raises(InitFailedError):
            await start_task(as_task(Puppet)(), ([], does(lambda _puppet: Stop(SHUTDOWN))), linked=True, port=owner)

        assert owner.deaths == []


@trio_test
async def test_pids_are_ordered_by_birth_and_never_reused() -> None:
    async with open_node() as node:
        first = spawn(wait_forever)
        exit_signal(first, KILL)
        second = spawn(wait_forever)

        assert first < second
        assert first != second
        assert node.pids() == [self_(), second]
        assert repr(second) == f"<0.{second.number}>"


@trio_test
async def test_a_link_joined_twice_is_parted_once() -> None:  # L-3
    async with open_node() as node:
        one, two, three = (spawn(wait_forever).process for _ in range(3))
        assert one is not None
        assert two is not None
        assert three is not None

        one.join(two)
        one.join(two)
        one.join(three)
        assert set(one.linked()) == {two, three}
        one.part(two)
        one.part(two)
        assert list(one.linked()) == [three]
        one.part(three)
        assert list(one.linked()) == []
        assert len(node.processes) == 4
