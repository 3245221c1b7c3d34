"""What holds of supervision trees whatever befalls them: random trees and misfortunes, looked at in between."""

from __future__ import annotations

import gc
import math
import weakref
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    NORMAL,
    SHUTDOWN,
    ExitReason,
    Failure,
    GenServer,
    Node,
    Pid,
    Stop,
    cast,
    exit_signal,
    open_node,
    self_,
    trap_exit,
)
from regrow.supervisors import ChildSpec, ChildType, DynamicSupervisor, Restart, Strategy, Supervisor, start_child

if TYPE_CHECKING:
    from collections.abc import Callable

REASONS: dict[str, ExitReason] = {"normal": NORMAL, "shutdown": SHUTDOWN, "broken": Failure("broken")}
PERIOD = 2


@dataclass(frozen=True)
class Tree:
    strategy: Strategy
    intensity: int
    restarts: tuple[Restart, ...]
    """Of the workers."""
    below: tuple[Tree, ...] = ()
    crowd: int | None = None
    """The size of a dynamic supervisor at the end, if there is one."""


def trees(depth: int) -> st.SearchStrategy[Tree]:
    return st.builds(
        Tree,
        st.sampled_from(Strategy),
        st.integers(0, 4),
        st.lists(st.sampled_from(Restart), max_size=3).map(tuple),
        st.lists(trees(depth - 1), max_size=2).map(tuple) if depth > 1 else st.just(()),
        st.none() | st.integers(0, 4),
    )


steps = st.one_of(
    st.tuples(st.just("kill"), st.integers(0, 20)),
    st.tuples(st.just("kill"), st.integers(0, 20)),
    st.tuples(st.just("stop"), st.integers(0, 20), st.sampled_from(sorted(REASONS))),
    st.tuples(st.just("wait"), st.sampled_from([0.5, 1.0, 3.0])),
    st.just(("settle",)),
)


@settings(max_examples=50, deadline=None)
@given(tree=trees(3), steps=st.lists(steps, max_size=30))
def test_nobody_outlives_a_supervisor_and_restarts_stay_within_the_limit(
    tree: Tree, steps: list[tuple[Any, ...]]
) -> None:
    trio.run(_live_through, tree, steps, clock=MockClock(autojump_threshold=0))


class Worker(GenServer):
    def init(self, world: World, trapping: bool) -> None:  # noqa: FBT001 - given by position like any init argument
        trap_exit(on=trapping)
        world.remains.append((self.pid, weakref.ref(self)))

    def handle_cast(self, request: ExitReason) -> Stop:
        return Stop(request)


async def _live_through(tree: Tree, steps: list[tuple[Any, ...]]) -> None:
    async with open_node() as node:
        trap_exit()
        world = World(node)
        await world.grow(tree)
        await world.settle()
        for step in steps:
            await world.take(step)
        await world.settle()
        world.check_memory()


class World:
    def __init__(self, node: Node) -> None:
        self.node = node
        self.remains: list[tuple[Pid, weakref.ref[Worker]]] = []
        self.limits: dict[Pid, int] = {}
        self.starts: dict[Pid, list[tuple[int, float]]] = {}
        """Which child each supervisor started, and when."""

    async def grow(self, tree: Tree) -> Pid:
        specs = [
            ChildSpec(
                number, self._counted(tree, number, partial(Worker.start_link, self, number % 2 == 0)), restart=restart
            )
            for number, restart in enumerate(tree.restarts)
        ]
        for number, below in enumerate(tree.below, len(specs)):
            start = self._counted(tree, number, partial(self.grow, below))
            specs.append(ChildSpec(number, start, type=ChildType.SUPERVISOR))
        if tree.crowd is not None:
            start = self._counted(tree, len(specs), partial(self._gather, tree.crowd))
            specs.append(ChildSpec(len(specs), start, type=ChildType.SUPERVISOR))
        return await Supervisor.start_link(specs, strategy=tree.strategy, intensity=tree.intensity, period=PERIOD)

    async def _gather(self, size: int) -> Pid:
        supervisor = await DynamicSupervisor.start_link(intensity=size, period=PERIOD)
        for number in range(size):
            await start_child(supervisor, ChildSpec(number, Worker.start_link, (self, number % 2 == 0)))
        return supervisor

    def _counted(self, tree: Tree, number: int, start: Callable[[], Any]) -> Callable[[], Any]:
        def counted() -> Any:
            supervisor = self_()
            self.limits[supervisor] = tree.intensity
            self.starts.setdefault(supervisor, []).append((number, trio.current_time()))
            return start()

        return counted

    async def take(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("settle",):
                await self.settle()
            case "wait", seconds:
                await trio.sleep(seconds)
            case "kill", index:
                victims = self.node.pids()[1:]  # all but main
                if victims:
                    exit_signal(victims[int(index) % len(victims)], KILL)
            case _:
                _, index, reason = step
                workers = [pid for pid, _ in self.remains if pid.is_alive]
                if workers:
                    cast(workers[int(index) % len(workers)], REASONS[reason])

    async def settle(self) -> None:
        """Nobody acts any more: who is alive then has a living supervisor, and no limit was exceeded."""
        await wait_all_tasks_blocked()
        for process in self.node.processes:
            assert process.parent is None or process.parent.is_alive, f"{process} outlived its supervisor"
        for supervisor, starts in self.starts.items():
            self._check_limit(self.limits[supervisor], starts)

    @staticmethod
    def _check_limit(intensity: int, starts: list[tuple[int, float]]) -> None:
        """Starts at one moment may be one group restart; apart from those, each is a restart of its own."""
        first = dict(reversed(starts))
        seconds = [math.floor(when) for when in sorted({when for number, when in starts if when != first[number]})]
        for newest in seconds:
            assert sum(newest - PERIOD <= second <= newest for second in seconds) <= intensity

    def check_memory(self) -> None:
        gc.collect()
        assert all(pid.is_alive == (remains() is not None) for pid, remains in self.remains)
