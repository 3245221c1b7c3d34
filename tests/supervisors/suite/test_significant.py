"""supervisor_SUITE, group significant: supervisors that end when their significant children have."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from trio.testing import wait_all_tasks_blocked

from regrow.actors import KILLED, NORMAL, SHUTDOWN, ExitReason, Failure, Pid, Shutdown, open_node, trap_exit
from regrow.supervisors import (
    AutoShutdown,
    BadCombinationError,
    ChildSpec,
    ChildType,
    DynamicSupervisor,
    Restart,
    Strategy,
    Supervisor,
    start_child,
    terminate_child,
)
from tests.support.supervised import child, end, fragile, its_end, names, witness
from tests.support.trio_test import trio_test

if TYPE_CHECKING:
    from collections.abc import Sequence

NEVER, ANY, ALL = AutoShutdown.NEVER, AutoShutdown.ANY_SIGNIFICANT, AutoShutdown.ALL_SIGNIFICANT
ORDERLY: tuple[ExitReason, ...] = (NORMAL, SHUTDOWN, Shutdown("done"))
ABNORMAL: tuple[ExitReason, ...] = (Failure("broken"), KILLED)

temporary = partial(fragile, restart=Restart.TEMPORARY)
transient = partial(fragile, restart=Restart.TRANSIENT)


async def supervised(when: AutoShutdown, *children: ChildSpec, **options: Any) -> Pid:
    trap_exit()
    return await Supervisor.start_link(children, auto_shutdown=when, intensity=10, **options)


async def shuts_down(when: AutoShutdown, children: Sequence[ChildSpec], *ends: tuple[str, ExitReason]) -> bool:
    """Whether the last of these ends, and none before, ends the supervisor, with `SHUTDOWN`."""
    supervisor = await supervised(when, *children)
    for name, reason in ends:
        assert supervisor.is_alive
        await end(supervisor, name, reason)
    if supervisor.is_alive:
        return False
    assert await its_end(supervisor) is SHUTDOWN
    return True


@pytest.mark.parametrize("reason", [*ORDERLY, *ABNORMAL], ids=str)
@trio_test
async def test_nonsignificant_temporary(reason: ExitReason) -> None:
    """The end of a temporary child that is not significant ends nobody else."""
    async with open_node():
        for when in AutoShutdown:
            assert not await shuts_down(when, [temporary("a"), temporary("b")], ("a", reason), ("b", reason))


@pytest.mark.parametrize("reason", [*ORDERLY, *ABNORMAL], ids=str)
@trio_test
async def test_nonsignificant_transient(reason: ExitReason) -> None:
    """The end of a transient child that is not significant ends nobody else."""
    async with open_node():
        for when in AutoShutdown:
            assert not await shuts_down(when, [transient("a")], ("a", reason))


@pytest.mark.parametrize("reason", [*ORDERLY, *ABNORMAL], ids=str)
@trio_test
async def test_significant_temporary(reason: ExitReason) -> None:
    """Any end of a significant temporary child counts, but not being told to stop; with ALL, the last one's."""
    a, b = temporary("a", significant=True), temporary("b", significant=True)
    async with open_node():
        assert await shuts_down(ANY, [a, b, fragile("c")], ("a", reason))
        assert await shuts_down(ALL, [a, b, fragile("c")], ("b", reason), ("a", reason))
        for when in (ANY, ALL):
            supervisor = await supervised(when, a, b)
            await terminate_child(supervisor, "a")
            await terminate_child(supervisor, "b")
            assert await names(supervisor) == []


@trio_test
async def test_significant_transient() -> None:
    """Only an orderly end of a significant transient child counts: after any other it is restarted."""
    a, b = transient("a", significant=True), transient("b", significant=True)
    async with open_node():
        for reason in ORDERLY:
            assert await shuts_down(ANY, [a, b], ("b", reason))
            assert await shuts_down(ALL, [a, b, transient("c")], ("a", reason), ("b", reason))
        for reason in ABNORMAL:
            for when in (ANY, ALL):
                assert not await shuts_down(when, [a], ("a", reason), ("a", reason))
                assert await shuts_down(when, [a], ("a", reason), ("a", NORMAL))


@trio_test
async def test_significant_shutdown_stops_the_others_in_reverse() -> None:
    """A supervisor that is over stops its other children as always."""
    events: list[str] = []
    async with open_node():
        done = temporary("done", significant=True)
        supervisor = await supervised(ANY, witness("a", events), done, witness("b", events))
        await end(supervisor, "done", NORMAL)
        assert events == ["a+", "b+", "b-", "a-"]


@trio_test
async def test_significant_simple() -> None:
    """A dynamic supervisor never shuts down by itself, and refuses significant children."""
    async with open_node():
        supervisor = await DynamicSupervisor.start_link()
        for spec in (temporary("a", significant=True), transient("a", significant=True)):
            with pytest.raises(BadCombinationError, match="dynamic"):
                await start_child(supervisor, spec)
        assert await names(supervisor) == []


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
@pytest.mark.parametrize("when", [ANY, ALL])
@trio_test
async def test_significant_bystander(strategy: Strategy, when: AutoShutdown) -> None:
    """A significant child that is stopped because of another's crash does not count."""
    async with open_node():
        supervisor = await supervised(
            when,
            fragile("culprit"),
            transient("transient", significant=True),
            temporary("temporary", significant=True),
            strategy=strategy,
        )
        before = await child(supervisor, "transient")
        await end(supervisor, "culprit", Failure("broken"))
        assert await names(supervisor) == ["transient", "culprit"]
        assert await child(supervisor, "transient") not in {before, None}


@pytest.mark.parametrize("significant", [True, False])
@trio_test
async def test_significant_escalation(*, significant: bool) -> None:
    """A supervisor that shut itself down counts in the one above it if it is significant there."""
    start = partial(Supervisor.start_link, auto_shutdown=ANY)
    inner = ChildSpec(
        "inner",
        start,
        ([temporary("a", significant=True)],),
        restart=Restart.TRANSIENT,
        type=ChildType.SUPERVISOR,
        significant=significant,
    )
    async with open_node():
        outer = await supervised(ANY, inner, fragile("b"))
        await end(await child(outer, "inner"), "a", NORMAL)
        await wait_all_tasks_blocked()
        assert outer.is_alive is not significant
        if not significant:
            assert await child(outer, "inner") is None


async def after_upgrade(old: AutoShutdown, new: AutoShutdown) -> str:
    """How many ends of two significant children, that came with the change, end the supervisor: 1, 2, or never."""
    children = [temporary("a", significant=old is not NEVER), temporary("b", significant=old is not NEVER)]
    supervisor = await supervised(old, *children)
    pids = [await child(supervisor, name) for name in "ab"]
    changed = [temporary("a", significant=new is not NEVER), temporary("b", significant=new is not NEVER)]
    await Supervisor.upgrade(supervisor, children=changed, auto_shutdown=new)
    assert [await child(supervisor, name) for name in "ab"] == pids
    for count, name in enumerate("ab", 1):
        await end(supervisor, name, NORMAL)
        if not supervisor.is_alive:
            assert await its_end(supervisor) is SHUTDOWN
            return str(count)
    return "never"


@trio_test
async def test_significant_upgrade_never_any() -> None:
    """A change from NEVER to ANY applies at once."""
    async with open_node():
        assert await after_upgrade(NEVER, ANY) == "1"


@trio_test
async def test_significant_upgrade_any_never() -> None:
    """A change from ANY to NEVER applies at once."""
    async with open_node():
        assert await after_upgrade(ANY, NEVER) == "never"


@trio_test
async def test_significant_upgrade_never_all() -> None:
    """A change from NEVER to ALL applies at once."""
    async with open_node():
        assert await after_upgrade(NEVER, ALL) == "2"


@trio_test
async def test_significant_upgrade_all_never() -> None:
    """A change from ALL to NEVER applies at once."""
    async with open_node():
        assert await after_upgrade(ALL, NEVER) == "never"


@trio_test
async def test_significant_upgrade_any_all() -> None:
    """A change from ANY to ALL applies at once."""
    async with open_node():
        assert await after_upgrade(ANY, ALL) == "2"


@trio_test
async def test_significant_upgrade_all_any() -> None:
    """A change from ALL to ANY applies at once."""
    async with open_node():
        assert await after_upgrade(ALL, ANY) == "1"


@trio_test
async def test_significant_upgrade_child() -> None:
    """A running child becomes significant, or stops to be, when its spec changes."""
    async with open_node():
        supervisor = await supervised(ANY, temporary("a"), temporary("b", significant=True))
        await Supervisor.upgrade(supervisor, children=[temporary("a", significant=True), temporary("b")])
        await end(supervisor, "b", NORMAL)
        assert supervisor.is_alive
        await end(supervisor, "a", NORMAL)
        assert await its_end(supervisor) is SHUTDOWN
