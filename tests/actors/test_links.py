"""Links and exit signals, end to end (rules L-1 to L-7, and what exit signals do, case by case)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    KILLED,
    NOPROC,
    NORMAL,
    SHUTDOWN,
    Exit,
    ExitReason,
    Failure,
    MainExitError,
    NoProcessError,
    NotAProcessError,
    Pid,
    ReceiveTimeoutError,
    Shutdown,
    exit_,
    exit_signal,
    link,
    monitor,
    open_node,
    receive,
    self_,
    spawn,
    spawn_link,
    spawn_monitor,
    trap_exit,
    unlink,
)
from tests.support.assertions import death_of, mailbox, unlinked, watched
from tests.support.misbehaving import DRIVERS, Driver, Puppet, inform, tell, trapping, wait_forever
from tests.support.trio_test import trio_test

if TYPE_CHECKING:
    from regrow.actors import Ref

both_drivers = pytest.mark.parametrize("driver", DRIVERS)
REASONS = [SHUTDOWN, Shutdown("for a reason"), Failure("x"), KILLED]


async def exits(reason: ExitReason) -> None:
    exit_(reason)


@both_drivers
@trio_test
async def test_exit_normal_of_another_is_ignored(driver: Driver) -> None:  # exit signals, 1
    async with open_node():
        pid = await unlinked(driver(Puppet), [])

        exit_signal(pid, NORMAL)
        await wait_all_tasks_blocked()

        assert pid.is_alive


@both_drivers
@pytest.mark.parametrize("reason", [NORMAL, *REASONS])
@trio_test
async def test_a_trapping_process_gets_exit_of_another_as_a_message(driver: Driver, reason: ExitReason) -> None:
    async with open_node():
        log: list[object] = []
        pid = await unlinked(driver(Puppet), log, trapping)

        exit_signal(pid, reason)
        await wait_all_tasks_blocked()

        assert log == [Exit(self_(), reason)]
        assert pid.is_alive


@both_drivers
@trio_test
async def test_exit_normal_to_oneself_ends_a_process_that_does_not_trap(driver: Driver) -> None:  # exit signals, 2
    async with open_node():
        log: list[object] = []

        def leave(puppet: Puppet) -> None:
            exit_signal(puppet.pid, NORMAL)
            puppet.log.append("still here")

        pid, ref = await watched(driver(Puppet), log)
        inform(pid, leave)

        assert await death_of(ref) is NORMAL
        assert log == []


@both_drivers
@trio_test
async def test_exit_normal_to_oneself_is_a_message_when_trapping(driver: Driver) -> None:  # exit signals, 2
    async with open_node():
        log: list[object] = []
        pid = await unlinked(driver(Puppet), log, trapping)

        inform(pid, lambda puppet: exit_signal(puppet.pid, NORMAL))
        await wait_all_tasks_blocked()

        assert log == [Exit(pid, NORMAL)]


@both_drivers
@pytest.mark.parametrize("begin", [None, trapping])
@trio_test
async def test_kill_cannot_be_trapped_and_kills_as_killed(driver: Driver, begin: Any) -> None:  # exit signals, 3
    async with open_node():
        log: list[object] = []
        pid, ref = await watched(driver(Puppet), log, begin)

        exit_signal(pid, KILL)

        assert not pid.is_alive
        assert await death_of(ref) is KILLED
        assert log == []


@both_drivers
@pytest.mark.parametrize("begin", [None, trapping])
@trio_test
async def test_kill_of_oneself_ends_at_once_even_when_trapping(driver: Driver, begin: Any) -> None:  # exit signals, 3
    async with open_node():
        log: list[object] = []

        def kill_oneself(puppet: Puppet) -> None:
            exit_signal(puppet.pid, KILL)
            puppet.log.append("still here")

        pid, ref = await watched(driver(Puppet), log, begin)
        inform(pid, kill_oneself)

        assert await death_of(ref) is KILLED
        assert log == []


@both_drivers
@trio_test
async def test_a_peer_that_exits_with_kill_breaks_the_link_with_kill(driver: Driver) -> None:  # exit signals, 4
    async with open_node():
        log: list[object] = []
        trapper = await unlinked(driver(Puppet), log, trapping)
        victim, ref = await watched(driver(Puppet), [])

        async def leave() -> None:
            link(trapper)
            link(victim)
            exit_(KILL)

        peer = spawn(leave)

        assert await death_of(ref) is KILL
        await wait_all_tasks_blocked()
        assert log == [Exit(peer, KILL)]


@both_drivers
@trio_test
async def test_a_peer_that_was_killed_breaks_the_link_with_killed(driver: Driver) -> None:  # exit signals, 5
    async with open_node():
        log: list[object] = []
        trapper = await unlinked(driver(Puppet), log, trapping)
        victim, ref = await watched(driver(Puppet), [])
        peer = spawn(wait_forever)
        await bind(peer, trapper, victim)

        exit_signal(peer, KILL)

        assert await death_of(ref) is KILLED
        await wait_all_tasks_blocked()
        assert log == [Exit(peer, KILLED)]


async def bind(peer: Pid, *servers: Pid) -> None:
    for server in servers:
        tell(server, lambda _puppet: link(peer))
    await wait_all_tasks_blocked()


@both_drivers
@trio_test
async def test_a_link_that_breaks_with_normal_is_a_message_or_nothing(driver: Driver) -> None:  # exit signals, 6
    async with open_node():
        log: list[object] = []
        trapper = await unlinked(driver(Puppet), log, trapping)
        other = await unlinked(driver(Puppet), log)

        async def leave() -> None:
            link(trapper)
            link(other)

        peer = spawn(leave)
        await wait_all_tasks_blocked()

        assert other.is_alive
        assert log == [Exit(peer, NORMAL)]


@both_drivers
@pytest.mark.parametrize("reason", REASONS)
@trio_test
async def test_a_linked_process_dies_of_exactly_the_reason_shutdown_included(
    driver: Driver, reason: ExitReason
) -> None:  # exit signals, 7, L-1
    async with open_node():
        pid, ref = await watched(driver(Puppet), [])

        async def leave() -> None:
            link(pid)
            exit_(reason)

        spawn(leave)

        assert await death_of(ref) == reason


@both_drivers
@trio_test
async def test_reasons_travel_unchanged_through_chains_of_links(driver: Driver) -> None:  # L-2
    async with open_node():
        refs: list[Ref] = []
        last: Pid | None = None
        for _ in range(3):
            pid, ref = await watched(driver(Puppet), [])
            refs.append(ref)
            if last is not None:
                await bind(last, pid)
            last = pid
        assert last is not None

        exit_signal(last, Failure("deep"))

        assert [await death_of(ref) for ref in refs] == [Failure("deep")] * 3


@trio_test
async def test_linking_twice_gives_one_exit() -> None:  # L-3
    async with open_node():
        trap_exit()
        peer = spawn_link(wait_forever)
        link(peer)

        exit_signal(peer, KILL)

        assert await mailbox() == [Exit(peer, KILLED)]


@trio_test
async def test_one_unlink_removes_a_link_made_twice() -> None:  # L-3
    async with open_node():
        trap_exit()
        peer = spawn_link(wait_forever)
        link(peer)
        unlink(peer)

        exit_signal(peer, KILL)

        assert await mailbox() == []


@trio_test
async def test_a_link_works_in_both_directions() -> None:  # L-3
    async with open_node():
        child: list[Pid] = []

        async def parent() -> None:
            child.append(spawn_link(wait_forever))
            await trio.sleep_forever()

        pid = spawn(parent)
        await wait_all_tasks_blocked()
        exit_signal(pid, Failure("x"))

        assert not child[0].is_alive


@trio_test
async def test_linking_to_oneself_does_nothing() -> None:  # L-3
    async with open_node():

        async def narcissus() -> None:
            link(self_())

        _pid, ref = spawn_monitor(narcissus)

        assert await death_of(ref) is NORMAL


@both_drivers
@trio_test
async def test_link_to_a_dead_pid_raises_noproc_unless_trapping(driver: Driver) -> None:  # L-4
    async with open_node():
        dead = spawn(wait_forever)
        exit_signal(dead, KILL)
        caught: list[object] = []
        trapped: list[object] = []

        def try_to_link(puppet: Puppet) -> None:
            try:
                link(dead)
            except NoProcessError:
                puppet.log.append("noproc")

        tell(await unlinked(driver(Puppet), caught), try_to_link)
        tell(await unlinked(driver(Puppet), trapped, trapping), try_to_link)
        victim, ref = await watched(driver(Puppet), [])
        tell(victim, lambda _puppet: link(dead))

        assert await death_of(ref) is NOPROC
        await wait_all_tasks_blocked()
        assert caught == ["noproc"]
        assert trapped == [Exit(dead, NOPROC)]


@trio_test
async def test_after_unlink_no_new_exit_arrives_but_one_in_the_mailbox_stays() -> None:  # L-5
    async with open_node():
        trap_exit()
        early, late = spawn_link(wait_forever), spawn_link(wait_forever)
        exit_signal(early, KILL)
        unlink(early)
        unlink(late)
        exit_signal(late, KILL)
        unlink(late)

        assert await mailbox() == [Exit(early, KILLED)]


@trio_test
async def test_a_receive_that_does_not_wait_takes_the_exit_that_unlink_left_and_nothing_else() -> None:  # L-5
    async with open_node():
        trap_exit()
        one, two = spawn_link(wait_forever), spawn_link(wait_forever)
        exit_signal(one, KILL)
        exit_signal(two, KILL)
        unlink(one)

        def is_of_one(message: object) -> bool:
            return isinstance(message, Exit) and message.pid is one

        assert await receive(is_of_one, timeout=0) == Exit(one, KILLED)
        with pytest.raises(ReceiveTimeoutError):
            await receive(is_of_one, timeout=0)

        assert await mailbox() == [Exit(two, KILLED)]


@trio_test
async def test_turning_trap_exit_off_leaves_queued_exits_in_place() -> None:  # L-6
    async with open_node():
        assert trap_exit() is False
        peer = spawn_link(wait_forever)
        exit_signal(peer, KILL)
        assert trap_exit(on=False) is True

        assert await receive(timeout=0) == Exit(peer, KILLED)


@both_drivers
@trio_test
async def test_exit_of_a_third_party_names_the_sender_not_the_peer(driver: Driver) -> None:  # L-7
    async with open_node():
        log: list[object] = []
        pid = await unlinked(driver(Puppet), log, trapping)

        async def stranger() -> None:
            exit_signal(pid, SHUTDOWN)

        sender = spawn(stranger)
        await wait_all_tasks_blocked()

        assert log == [Exit(sender, SHUTDOWN)]


@trio_test
async def test_exit_signal_to_a_dead_pid_is_no_error() -> None:  # L-7
    async with open_node():
        dead = spawn(wait_forever)
        exit_signal(dead, KILL)

        exit_signal(dead, KILL)
        unlink(dead)

        assert not dead.is_alive


@trio_test
async def test_main_dies_of_a_linked_process_and_says_so() -> None:
    async def main() -> None:
        async with open_node():
            spawn_link(exits, Failure("x"))
            await trio.sleep_forever()

    with pytest.raises(MainExitError) as caught:
        await main()

    assert caught.value.reason == Failure("x")


@trio_test
async def test_a_dead_process_that_unwinds_leaves_no_orphan_and_no_link() -> None:
    async with open_node() as node:
        refused: list[str] = []
        other = spawn(wait_forever)

        async def stubborn() -> None:
            try:
                await trio.sleep_forever()
            finally:
                for attempt in (lambda: spawn_link(wait_forever), lambda: link(other), lambda: monitor(other)):
                    try:
                        attempt()
                    except NotAProcessError as error:
                        refused.append(str(error))

        pid = spawn(stubborn)
        await wait_all_tasks_blocked()
        exit_signal(pid, KILL)
        await wait_all_tasks_blocked()

        assert len(refused) == 3
        assert all("stubborn" in text and "is dead" in text for text in refused)
        assert node.pids() == [self_(), other]


@trio_test
async def test_exit_signals_and_unlinks_of_a_dead_process_that_unwinds_are_dropped() -> None:
    async with open_node():
        steps: list[str] = []
        other = spawn(wait_forever)

        async def stubborn() -> None:
            try:
                await trio.sleep_forever()
            finally:
                exit_signal(other, KILL)
                unlink(other)
                steps.append("went on")

        pid = spawn(stubborn)
        await wait_all_tasks_blocked()
        exit_signal(pid, KILL)
        await wait_all_tasks_blocked()

        assert steps == ["went on"]
        assert other.is_alive
