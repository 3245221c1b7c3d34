"""What holds of processes whatever they do: random lives on one node, looked at after each step."""

from __future__ import annotations

import contextlib
import gc
import weakref
from typing import TYPE_CHECKING, Any

import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    NORMAL,
    SHUTDOWN,
    ActorError,
    Down,
    ExitReason,
    Failure,
    GenServer,
    Node,
    Pid,
    Ref,
    demonitor,
    exit_,
    exit_signal,
    link,
    monitor,
    open_node,
    receive,
    register,
    registered,
    send,
    spawn,
    trap_exit,
    unlink,
    unregister,
    whereis,
)

if TYPE_CHECKING:
    from collections.abc import Callable

REASONS: dict[str, ExitReason] = {"normal": NORMAL, "shutdown": SHUTDOWN, "kill": KILL, "broken": Failure("broken")}

indices = st.integers(0, 5)
reasons = st.sampled_from(sorted(REASONS))
names = st.sampled_from(["red", "blue"])
steps = st.one_of(
    st.tuples(st.just("spawn"), st.sampled_from(["task", "inline"]), st.booleans()),
    st.tuples(st.sampled_from(["link", "unlink", "monitor", "monitor"]), indices, indices),
    st.tuples(st.just("demonitor"), indices, indices),
    st.tuples(st.just("exit"), indices, reasons),
    st.tuples(st.just("signal"), indices, indices, reasons),
    st.tuples(st.just("crash"), indices),
    st.tuples(st.just("register"), indices, indices, names),
    st.tuples(st.just("unregister"), indices, names),
    st.just(("settle",)),
)
lives = st.lists(steps, max_size=40)


@settings(max_examples=60, deadline=None)
@given(life=lives)
def test_names_monitors_links_and_memory_are_as_they_must_be_after_every_step(life: list[tuple[Any, ...]]) -> None:
    trio.run(_live_through, life, clock=MockClock(autojump_threshold=0))


class Mind:
    """What an actor keeps for itself, and what its death must free."""

    def __init__(self) -> None:
        self.pid: Pid
        self.refs: list[Ref] = []
        self.downs: list[Ref] = []

    def take(self, message: Any) -> None:
        if isinstance(message, Down):
            self.downs.append(message.ref)
        elif callable(message):
            message(self)


class Server(GenServer):
    def init(self, mind: Mind, trapping: bool) -> None:  # noqa: FBT001 - given by position like any init argument
        trap_exit(on=trapping)
        self.mind = mind

    def handle_info(self, message: Any) -> None:
        self.mind.take(message)


async def serve(mind: Mind, trapping: bool) -> None:  # noqa: FBT001 - the same
    trap_exit(on=trapping)
    while True:
        mind.take(await receive())


async def _live_through(life: list[tuple[Any, ...]]) -> None:
    async with open_node() as node:
        world = World(node)
        for step in [("spawn", "task", True), ("spawn", "inline", False), *life]:
            await world.take(step)
            world.check()
        await wait_all_tasks_blocked()
        world.check()
        await world.end()


class World:
    def __init__(self, node: Node) -> None:
        self.node = node
        self.minds: list[Mind | None] = []
        self.pids: list[Pid] = []
        self.remains: list[weakref.ref[Mind]] = []
        self.watched: dict[Ref, tuple[Pid, Pid]] = {}
        """Monitors: who watches whom."""
        self.cancelled: set[Ref] = set()

    async def take(self, step: tuple[Any, ...]) -> None:  # noqa: C901 - a table: one step a case
        match step:
            case "spawn", driver, trapping:
                await self._spawn(driver, trapping=trapping)
            case ("settle",):
                await wait_all_tasks_blocked()
            case "link", who, whom:
                self._tell(who, lambda _mind: link(self._pid(whom)))
            case "unlink", who, whom:
                self._tell(who, lambda _mind: unlink(self._pid(whom)))
            case "monitor", who, whom:
                self._tell(who, lambda mind: self._watch(mind, self._pid(whom)))
            case "demonitor", who, which:
                self._tell(who, lambda mind: self._stop_watching(mind, which))
            case "exit", who, reason:
                self._tell(who, lambda _mind: exit_(REASONS[reason]))
            case "crash", who:
                self._tell(who, lambda _mind: 1 // 0)
            case "signal", who, whom, reason:
                self._tell(who, lambda _mind: exit_signal(self._pid(whom), REASONS[reason]))
            case "register", who, whom, name:
                self._tell(who, lambda _mind: register(name, self._pid(whom)))
            case _:
                _, who, name = step
                self._tell(who, lambda _mind: unregister(name))

    async def _spawn(self, driver: str, *, trapping: bool) -> None:
        mind = Mind()
        pid = spawn(serve, mind, trapping) if driver == "task" else await Server.start(mind, trapping)
        assert pid is not None
        mind.pid = pid
        self.minds.append(mind)
        self.pids.append(pid)
        self.remains.append(weakref.ref(mind))

    def _pid(self, index: int) -> Pid:
        return self.pids[index % len(self.pids)]

    def _tell(self, index: int, what: Callable[[Mind], object]) -> None:
        def obey(mind: Mind) -> None:
            with contextlib.suppress(ActorError):  # a name that is taken, a process that is dead: it lives on
                what(mind)

        send(self._pid(index), obey)

    def _watch(self, mind: Mind, target: Pid) -> None:
        ref = monitor(target)
        mind.refs.append(ref)
        self.watched[ref] = (mind.pid, target)

    def _stop_watching(self, mind: Mind, which: int) -> None:
        if mind.refs:
            ref = mind.refs[which % len(mind.refs)]
            if demonitor(ref):
                self.cancelled.add(ref)

    def check(self) -> None:
        """What must hold at any moment, settled or not."""
        for name in registered():
            holder = whereis(name)
            assert holder is not None
            assert holder.is_alive
        for process in self.node.processes:
            assert process.pid.process is process
            for peer in process.linked():
                assert peer.pid.is_alive
                assert process in peer.linked()
        for mind in self.minds:
            if mind is not None:
                assert len(set(mind.downs)) == len(mind.downs)
                assert not self.cancelled & set(mind.downs)

    async def end(self) -> None:
        """Each monitor has fired once if its target is dead, unless it was cancelled; nothing is left of the dead."""
        fired = {ref for mind in self.minds if mind is not None for ref in mind.downs}
        for ref, (watcher, target) in self.watched.items():
            if watcher.is_alive and watcher is not target:
                assert (ref in fired) == (not target.is_alive and ref not in self.cancelled)
        survivors = [pid.is_alive for pid in self.pids]
        self.minds = [mind if alive else None for mind, alive in zip(self.minds, survivors, strict=True)]
        gc.collect()
        assert [remains() is not None for remains in self.remains] == survivors
