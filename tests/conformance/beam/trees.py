"""Plays supervision trees on Regrow. ``trees.erl`` plays the same on the BEAM and says what an answer looks like."""

from __future__ import annotations

import contextlib
import itertools
import math
import re
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any
from typing import cast as cast_to

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from regrow.actors import (
    IGNORE,
    KILL,
    SHUTDOWN,
    CallError,
    Exit,
    ExitReason,
    Failure,
    From,
    GenServer,
    Ignore,
    InitFailedError,
    Pid,
    Reply,
    Stop,
    call,
    cast,
    exit_,
    exit_signal,
    open_node,
    receive,
    trap_exit,
)
from regrow.actors._processes._monitors import watch
from regrow.supervisors import (
    BRUTAL_KILL,
    RESTARTING,
    AutoShutdown,
    ChildAlreadyStartedError,
    ChildInfo,
    ChildPresentError,
    ChildRestartingError,
    ChildRunningError,
    ChildSpec,
    ChildType,
    DynamicSupervisor,
    Restart,
    StartChildError,
    Strategy,
    Supervisor,
    SupervisorError,
    UnknownChildError,
    count_children,
    delete_child,
    restart_child,
    start_child,
    terminate_child,
    which_children,
)

from .reasons import REASONS, text
from .tree_scenarios import SLOW, Child, Dynamic, Static, TreeScenario, Worker, children_of

if TYPE_CHECKING:
    from collections.abc import Awaitable

__all__ = ["normalise", "play"]


def play(scenario: TreeScenario) -> str:
    """What becomes of a scenario on Regrow."""
    return " | ".join(trio.run(_play, scenario, clock=MockClock(autojump_threshold=0)))


def normalise(scenario: TreeScenario, answer: str) -> str:
    """Put events into a fixed order where the BEAM promises none.

    The children of a dynamic supervisor stop all at once, and so do those of a supervisor that is killed, while
    its own supervisor goes on.
    """
    phases = [phase.split("; ") for phase in answer.split(" | ")]
    for fields in phases:
        if len(fields) > 1:
            events = fields[1].split(" ")
            fields[1] = " ".join(sorted(events) if scenario.orphans else _crowds_sorted(events))
    return "\n".join("; ".join(fields) for fields in phases)


def _crowds_sorted(events: list[str]) -> list[str]:
    runs = itertools.groupby(events, key=lambda event: re.match(r"(d\wx)\w+-", event) is not None)
    return [event for stops, run in runs for event in (sorted(run) if stops else run)]


class _Worker(GenServer):
    """Starts in the mood of the day, and writes down what happens to it."""

    def init(self, chronicle: _Chronicle, child_id: str, spec: Worker) -> Ignore | Stop | None:
        trap_exit(on=spec.trap)
        self.chronicle = chronicle
        self.ending = spec.ending
        self.name, mood = chronicle.enter(child_id, self.pid)
        chronicle.events.append(f"{self.name}+{mood}")
        match mood:
            case "stop":
                return Stop(Failure("broken"))
            case "raise":
                _raise()
            case "exit":
                exit_(SHUTDOWN)
            case "ignore":
                return IGNORE
            case _:
                pass
        return None

    def handle_call(self, request: Any, caller: From) -> Reply:
        return Reply(None)

    def handle_cast(self, request: Any) -> Any:
        match request:
            case "raise":
                raise ZeroDivisionError
            case "bad_return":
                return "garbage"
            case _:
                return Stop(_reason(request[1]))

    def handle_info(self, message: Any) -> None:
        assert isinstance(message, Exit)
        self.chronicle.events.append(f"{self.name}?{text(message.reason)}")

    def terminate(self, reason: ExitReason) -> None:
        self.chronicle.events.append(f"{self.name}-{text(reason)}")
        match self.ending:
            case "raise":
                _raise()
            case "exit":
                exit_(Failure("odd"))
            case _:
                pass


class _TaskWorker(_Worker):
    async def terminate(self, reason: ExitReason) -> None:  # type: ignore[override]  # the driver is the only difference
        if self.ending == "slow":
            self.chronicle.events.append(f"{self.name}-{text(reason)}")
            await trio.sleep(SLOW)
        else:
            _Worker.terminate(self, reason)


def _raise() -> None:
    raise ZeroDivisionError


def _reason(term: Any) -> ExitReason:
    return REASONS["{shutdown,x}" if isinstance(term, tuple) else term]


class _Chronicle:
    """What happens, in order, and who is alive."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.moods: dict[str, list[str]] = {}
        self.alive: dict[Pid, str] = {}
        self._deaths: list[str] = []
        self._births = Counter[str]()
        self._failing = set[Pid]()

    def enter(self, child_id: str, pid: Pid) -> tuple[str, str]:
        self._births[child_id] += 1
        name = f"{child_id}{self._births[child_id]}"
        self.alive[pid] = name
        assert pid.process is not None
        watch(pid.process, _Death(self, pid))
        moods = self.moods.get(child_id)
        mood = moods.pop(0) if moods else "ok"
        if mood != "ok":
            self._failing.add(pid)
        return name, mood

    def died(self, pid: Pid, reason: ExitReason) -> None:
        name = self.alive.pop(pid)
        if pid not in self._failing:
            self._deaths.append(f"{name}={text(reason)}")

    def phase(self) -> str:
        answer = f"{' '.join(self.events)}; {' '.join(sorted(self._deaths))}"
        self.events.clear()
        self._deaths.clear()
        return answer

    def expect(self, child: Child) -> None:
        if isinstance(child, Worker):
            self.moods[child.id] = list(child.moods)
        for below in children_of(child):
            self.expect(below)

    # How children are started.

    def spec(self, child: Child) -> ChildSpec:
        return ChildSpec(
            child.id,
            partial(self.start, child),
            restart=Restart(child.restart),
            shutdown=_shutdown(child.shutdown),
            type=ChildType.WORKER if isinstance(child, Worker) else ChildType.SUPERVISOR,
            significant=child.significant,
        )

    def start(self, child: Child) -> Awaitable[Pid | None]:
        if isinstance(child, Worker):
            return self.start_worker(child, child.id)
        return self._start_supervisor(child)

    def start_worker(self, worker: Worker, child_id: str) -> Awaitable[Pid | None]:
        return (_TaskWorker if worker.is_task else _Worker).start_link(self, child_id, worker)

    async def _start_supervisor(self, child: Static | Dynamic) -> Pid:
        if isinstance(child, Static):
            pid = await Supervisor.start_link(
                [self.spec(below) for below in child.children],
                strategy=Strategy(child.strategy),
                intensity=child.intensity,
                period=child.period,
                auto_shutdown=AutoShutdown(child.auto_shutdown),
            )
        else:
            pid = await DynamicSupervisor.start_link(intensity=child.intensity, period=child.period)
        if pid.is_alive:
            self.enter(child.id, pid)
        return pid


class _Death:
    def __init__(self, chronicle: _Chronicle, pid: Pid) -> None:
        self._chronicle = chronicle
        self._pid = pid

    def fire(self, reason: ExitReason) -> None:
        self._chronicle.died(self._pid, reason)


def _shutdown(value: str | int) -> Any:
    if value == "brutal_kill":
        return BRUTAL_KILL
    return math.inf if value == "infinity" else cast_to("int", value) / 1000


async def _play(scenario: TreeScenario) -> list[str]:
    async with open_node():
        return await _Play(scenario).phases()


class _AbsentError(Exception):
    pass


class _UnsettledError(Exception):
    pass


class _Play:
    """One scenario."""

    def __init__(self, scenario: TreeScenario) -> None:
        self.scenario = scenario
        self.chronicle = _Chronicle()
        self.dynamics = {child.id: child for child in _all(scenario.root) if isinstance(child, Dynamic)}
        self.supervisors = {child.id for child in _all(scenario.root) if not isinstance(child, Worker)}
        self.time = 1.3

    async def phases(self) -> list[str]:
        trap_exit()
        scenario, chronicle = self.scenario, self.chronicle
        if scenario.pauses:
            await trio.sleep_until(self.time)
        chronicle.expect(scenario.root)
        try:
            root = await chronicle.start(scenario.root)
        except InitFailedError as error:
            await self._none_left()
            return [f"{text(error.reason)}; {chronicle.phase()}; gone"]
        assert root is not None
        self.root = root
        phases = [await self._phase("ok")]
        for operation in scenario.operations:
            if not root.is_alive:
                return phases
            phases.append(await self._phase(await self._perform(operation)))
        if root.is_alive:
            exit_signal(root, _reason(scenario.end))
            phases.append(f"end; {await self._gone()}")
        return phases

    # Operations.

    async def _perform(self, operation: tuple[Any, ...]) -> str:
        try:
            return await self._act(operation)
        except _AbsentError:
            return "absent"
        except CallError as error:
            return text(error.reason)
        except StartChildError as error:
            return f"error {text(error.reason)}"
        except SupervisorError as error:
            return _ANSWERS[type(error)]

    async def _act(self, operation: tuple[Any, ...]) -> str:
        match operation:
            case "pause", milliseconds:
                self.time += milliseconds / 1000
                await trio.sleep_until(self.time)
            case "cast", child_id, how:
                pid = self._find(child_id)
                cast(pid, how)
                while pid.is_alive:  # noqa: ASYNC110 - the clock is virtual
                    await trio.sleep(0.001)
            case "exit", child_id, reason:
                pid = self._find(child_id)
                exit_signal(pid, _reason(reason))
                with contextlib.suppress(CallError):
                    await (count_children(pid) if child_id in self.supervisors else call(pid, None, timeout=math.inf))
            case "together", supervisor_id, ends:
                self._find(supervisor_id)
                for child_id, how in ends:
                    self._finish(child_id, how)
            case "behind", supervisor_id, child_id, request:
                supervisor = self._find(supervisor_id)
                exit_signal(self._find(child_id), KILL)
                return await self._request(supervisor, request)
            case "add", supervisor_id, child_id, moods:
                supervisor = self._find(supervisor_id)
                self.chronicle.moods[child_id] = list(moods)
                template = self.dynamics[supervisor_id].template
                spec = self.chronicle.spec(template)
                start = partial(self.chronicle.start_worker, template, child_id)
                return _started(
                    await start_child(
                        supervisor, ChildSpec(child_id, start, restart=spec.restart, shutdown=spec.shutdown)
                    )
                )
            case "remove", supervisor_id, child_id:
                await terminate_child(self._find(supervisor_id), self._find(child_id))
            case _:
                _, supervisor_id, request = operation
                return await self._request(self._find(supervisor_id), request)
        return "ok"

    def _finish(self, child_id: str, how: Any) -> None:
        try:
            pid = self._find(child_id)
        except _AbsentError:
            return
        if how == "kill":
            exit_signal(pid, KILL)
        else:
            cast(pid, how)

    async def _request(self, supervisor: Pid, request: Any) -> str:
        match request:
            case "which":
                return ",".join(f"{info.id}={_state(info)}" for info in await which_children(supervisor))
            case "terminate", child_id:
                await terminate_child(supervisor, child_id)
            case "delete", child_id:
                await delete_child(supervisor, child_id)
            case "restart", child_id:
                return _started(await restart_child(supervisor, child_id))
            case _:
                _, child = request
                self.chronicle.expect(child)
                return _started(await start_child(supervisor, self.chronicle.spec(child)))
        return "ok"

    # What has become of the tree, once nothing in it moves any more.

    async def _phase(self, answer: str) -> str:
        while True:
            await wait_all_tasks_blocked()
            if not self.root.is_alive:
                return f"{answer}; {await self._gone()}"
            try:
                tree, pids = await self._walk(self.root)
            except (CallError, _UnsettledError):
                continue
            if pids == set(self.chronicle.alive):
                return f"{answer}; {self.chronicle.phase()}; {tree}"
            await trio.sleep(0.001)

    async def _gone(self) -> str:
        def is_its_exit(message: object) -> bool:
            return isinstance(message, Exit) and message.pid is self.root

        reason = (await receive(is_its_exit)).reason
        await self._none_left()
        return f"{self.chronicle.phase()}; gone {text(reason)}"

    async def _none_left(self) -> None:
        while self.chronicle.alive:  # noqa: ASYNC110 - the clock is virtual
            await trio.sleep(0.001)

    async def _walk(self, supervisor: Pid) -> tuple[str, set[Pid]]:
        pids = {supervisor}
        branches: list[str] = []
        infos = await which_children(supervisor)
        for info in infos:
            if info.pid is RESTARTING:
                await trio.sleep(0.001)
                raise _UnsettledError
            if info.pid is None:
                branches.append(f"{info.id}=none")
            elif info.type is ChildType.SUPERVISOR:
                self._name(info.pid)
                branch, below = await self._walk(info.pid)
                branches.append(branch)
                pids |= below
            else:
                branches.append(self._name(info.pid))
                pids.add(info.pid)
        counts = await count_children(supervisor)
        name = self._name(supervisor)
        if name.rstrip("0123456789") in self.dynamics:
            branches.sort()
        numbers = f"{counts.specs},{counts.active},{counts.supervisors},{counts.workers}"
        return f"{name}{{{' '.join(branches)}}}{numbers}", pids

    def _name(self, pid: Pid) -> str:
        name = self.chronicle.alive.get(pid)
        if name is None:
            raise _UnsettledError
        return name

    def _find(self, child_id: str) -> Pid:
        """The living process that was started under an id."""
        found = [pid for pid, name in self.chronicle.alive.items() if name.rstrip("0123456789") == child_id]
        if len(found) != 1:
            raise _AbsentError
        return found[0]


def _all(child: Child) -> list[Child]:
    return [child, *(below for one in children_of(child) for below in _all(one))]


def _started(pid: Pid | None) -> str:
    return "none" if pid is None else "pid"


def _state(info: ChildInfo) -> str:
    if info.pid is RESTARTING:
        return "restarting"
    return "undefined" if info.pid is None else "pid"


_ANSWERS: dict[type[SupervisorError], str] = {
    ChildAlreadyStartedError: "already_started",
    ChildPresentError: "already_present",
    ChildRestartingError: "restarting",
    ChildRunningError: "running",
    UnknownChildError: "not_found",
}
