"""supervisor_SUITE, group restart strategies: who is restarted with whom, and what if a restart fails."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import trio

from regrow.actors import IGNORE, SHUTDOWN, ExitReason, Pid, call, exit_signal, monitor, open_node, trap_exit
from regrow.supervisors import (
    ChildSpec,
    DynamicSupervisor,
    Restart,
    Strategy,
    Supervisor,
    start_child,
    which_children,
)
from tests.support.assertions import death_of
from tests.support.misbehaving_children import Fragile, Slow
from tests.support.supervised import child, crash, fragile, its_end, moody, witness
from tests.support.trio_test import trio_test

if TYPE_CHECKING:
    from collections.abc import Sequence


ENOUGH = 100
"""An intensity that is never reached."""


async def family(strategy: Strategy, *, intensity: int = 2) -> tuple[Pid, list[str]]:
    """A supervisor of a, b and c, and what has happened to them since."""
    events: list[str] = []
    supervisor = await Supervisor.start_link(
        [witness(name, events) for name in "abc"], strategy=strategy, intensity=intensity, period=3600
    )
    events.clear()
    return supervisor, events


async def pids(supervisor: Pid) -> dict[object, Any]:
    return {name: await child(supervisor, name) for name in "abc"}


def changed(before: dict[object, Any], after: dict[object, Any]) -> str:
    assert all(isinstance(pid, Pid) for pid in after.values())
    return "".join(str(name) for name in before if before[name] is not after[name])


async def escalation(strategy: Strategy) -> Sequence[ExitReason]:
    """What a supervisor and its children die of when one of them cannot be started again."""
    moods: list[Any] = [None, *[ValueError("no")] * 10]
    trap_exit()
    supervisor = await Supervisor.start_link(
        [fragile("a"), moody("b", [], moods), fragile("c")], strategy=strategy, intensity=4, period=3600
    )
    refs = [monitor(await child(supervisor, name)) for name in "ac"]
    await crash(supervisor, "b")
    assert len(moods) == 10 - 4  # four restarts were tried, the fifth is one too many
    return [await its_end(supervisor), *[await death_of(ref) for ref in refs]]


@trio_test
async def test_one_for_one() -> None:
    """The child that died is restarted, and nobody else; too many of that end the supervisor."""
    async with open_node():
        trap_exit()
        supervisor, events = await family(Strategy.ONE_FOR_ONE)
        before = await pids(supervisor)
        await crash(supervisor, "b")
        assert events == ["b-", "b+"]
        assert changed(before, await pids(supervisor)) == "b"
        await crash(supervisor, "a")
        await crash(supervisor, "c")
        assert await its_end(supervisor) is SHUTDOWN


@trio_test
async def test_one_for_one_escalation() -> None:
    """A restart that keeps failing ends the supervisor and with it all children."""
    async with open_node():
        assert await escalation(Strategy.ONE_FOR_ONE) == [SHUTDOWN] * 3


@trio_test
async def test_one_for_all() -> None:
    """All children are restarted; too many of that end the supervisor."""
    async with open_node():
        trap_exit()
        supervisor, events = await family(Strategy.ONE_FOR_ALL)
        before = await pids(supervisor)
        await crash(supervisor, "b")
        assert events == ["b-", "c-", "a-", "a+", "b+", "c+"]
        assert changed(before, await pids(supervisor)) == "abc"
        await crash(supervisor, "a")
        await crash(supervisor, "c")
        assert await its_end(supervisor) is SHUTDOWN


@trio_test
async def test_one_for_all_escalation() -> None:
    """A group restart that keeps failing ends the supervisor and with it all children."""
    async with open_node():
        assert await escalation(Strategy.ONE_FOR_ALL) == [SHUTDOWN] * 3


@trio_test
async def test_one_for_all_other_child_fails_restart() -> None:
    """If another child fails in a group restart, those started again are stopped and the whole group is tried."""
    async with open_node():
        events: list[str] = []
        children = [witness("a", events), moody("b", events, [None, ValueError("no")]), witness("c", events)]
        supervisor = await Supervisor.start_link(children, strategy=Strategy.ONE_FOR_ALL, intensity=ENOUGH)
        events.clear()
        await crash(supervisor, "a")
        assert events == ["a-", "c-", "b-", "a+", "b!", "a-", "a+", "b+", "c+"]


@trio_test
async def test_simple_one_for_one() -> None:
    """A dynamic child that died is restarted, and nobody else; too many of that end the supervisor."""
    async with open_node():
        trap_exit()
        supervisor = await DynamicSupervisor.start_link(intensity=2, period=3600)
        children = [await start_child(supervisor, fragile(name)) for name in "abc"]
        await crash(supervisor, "b")
        after = [await child(supervisor, name) for name in "abc"]
        assert [old is new for old, new in zip(children, after, strict=True)] == [True, False, True]
        await crash(supervisor, "a")
        await crash(supervisor, "c")
        assert await its_end(supervisor) is SHUTDOWN


@trio_test
async def test_simple_one_for_one_shutdown() -> None:
    """Dynamic children stop together: it takes as long as the slowest, and no longer than the time they have."""
    async with open_node():
        trap_exit()
        for slowest, takes in ((4.0, 4.0), (50.0, 5.0)):
            supervisor = await DynamicSupervisor.start_link()
            for seconds in (1.0, 2.0, slowest):
                await start_child(supervisor, ChildSpec("slow", Slow.start_link, (0.0, seconds)))
            asked_at = trio.current_time()
            exit_signal(supervisor, SHUTDOWN)
            await its_end(supervisor)
            assert trio.current_time() == asked_at + takes


@trio_test
async def test_simple_one_for_one_extra() -> None:
    """Arguments of the supervisor come before those of the child, at each start; new ones at the next."""

    async def pair(*values: object) -> Pid | None:
        return await Fragile.start_link(values)

    async with open_node():
        supervisor = await DynamicSupervisor.start_link(extra_arguments=("shared", 1))
        pid = await start_child(supervisor, ChildSpec("a", pair, ("own",)))
        assert pid is not None
        assert await call(pid, "who") == ("shared", 1, "own")
        await crash(supervisor, "a")
        assert await call(await child(supervisor, "a"), "who") == ("shared", 1, "own")
        await DynamicSupervisor.upgrade(supervisor, extra_arguments=())
        await crash(supervisor, "a")
        assert await call(await child(supervisor, "a"), "who") == ("own",)


@trio_test
async def test_simple_one_for_one_escalation() -> None:
    """A restart of a dynamic child that keeps failing ends the supervisor and with it all children."""
    async with open_node():
        trap_exit()
        supervisor = await DynamicSupervisor.start_link(intensity=4, period=3600)
        moods: list[Any] = [None, *[ValueError("no")] * 10]
        await start_child(supervisor, moody("a", [], moods))
        other = await start_child(supervisor, fragile("b"))
        assert other is not None
        ref = monitor(other)
        await crash(supervisor, "a")
        assert [await its_end(supervisor), await death_of(ref)] == [SHUTDOWN] * 2


@trio_test
async def test_simple_one_for_one_corruption() -> None:
    """The arguments of a temporary child are not kept once it has started."""

    class Burden:
        """Something large."""

    async def forgetful(_burden: Burden) -> Pid | None:
        return await Fragile.start_link()

    async with open_node():
        supervisor = await DynamicSupervisor.start_link()
        burden = Burden()
        trace = weakref.ref(burden)
        await start_child(supervisor, ChildSpec("a", forgetful, (burden,), restart=Restart.TEMPORARY))
        del burden
        gc.collect()
        assert trace() is None
        assert len(await which_children(supervisor)) == 1


@trio_test
async def test_simple_one_for_one_restart_ignore() -> None:
    """A dynamic child that is not wanted when it is restarted is gone."""
    async with open_node():
        supervisor = await DynamicSupervisor.start_link()
        await start_child(supervisor, moody("a", [], [None, IGNORE]))
        await crash(supervisor, "a")
        assert await which_children(supervisor) == []


@trio_test
async def test_rest_for_one() -> None:
    """The child that died and those after it are restarted; too many of that end the supervisor."""
    async with open_node():
        trap_exit()
        supervisor, events = await family(Strategy.REST_FOR_ONE)
        before = await pids(supervisor)
        await crash(supervisor, "b")
        assert events == ["b-", "c-", "b+", "c+"]
        assert changed(before, await pids(supervisor)) == "bc"
        await crash(supervisor, "a")
        await crash(supervisor, "c")
        assert await its_end(supervisor) is SHUTDOWN


@trio_test
async def test_rest_for_one_escalation() -> None:
    """A restart of the rest that keeps failing ends the supervisor and with it all children."""
    async with open_node():
        assert await escalation(Strategy.REST_FOR_ONE) == [SHUTDOWN] * 3


@trio_test
async def test_rest_for_one_other_child_fails_restart() -> None:
    """If a later child fails, the earlier ones that are up again stay up: it goes on from the child that failed."""
    async with open_node():
        events: list[str] = []
        children = [witness("a", events), moody("b", events, [None, ValueError("no")]), witness("c", events)]
        supervisor = await Supervisor.start_link(children, strategy=Strategy.REST_FOR_ONE, intensity=ENOUGH)
        events.clear()
        await crash(supervisor, "a")
        assert events == ["a-", "c-", "b-", "a+", "b!", "b+", "c+"]
