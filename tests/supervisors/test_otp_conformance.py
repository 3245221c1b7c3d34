"""The truth is a real BEAM: random supervisors and random misfortunes, on Erlang and on Regrow, must read the same.

Needs ``erl`` and ``erlc`` (Debian's ``erlang-base``); skipped without them.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from typing import cast as cast_to

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from regrow.actors import (
    IGNORE,
    NORMAL,
    SHUTDOWN,
    Exit,
    ExitReason,
    Failure,
    GenServer,
    Ignore,
    InitFailedError,
    Pid,
    Shutdown,
    Stop,
    cast,
    exit_signal,
    open_node,
    receive,
    trap_exit,
)
from regrow.supervisors import (
    ChildAlreadyStartedError,
    ChildInfo,
    ChildPresentError,
    ChildRestartingError,
    ChildRunningError,
    ChildSpec,
    FailedToStart,
    Restart,
    StartChildError,
    Strategy,
    Supervisor,
    SupervisorError,
    UnknownChildError,
    delete_child,
    restart_child,
    start_child,
    terminate_child,
    which_children,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REASONS: dict[str, ExitReason] = {"normal": NORMAL, "shutdown": SHUTDOWN, "broken": Failure("broken")}


@dataclass(frozen=True)
class Scenario:
    strategy: Strategy
    intensity: int
    children: list[tuple[str, Restart, list[str]]]
    operations: list[tuple[Any, ...]]

    def __str__(self) -> str:
        """The scenario as an Erlang term."""
        return _term((self.strategy, self.intensity, self.children, self.operations))


def _term(value: object) -> str:
    if isinstance(value, tuple | list):
        items = ",".join(_term(item) for item in cast_to("Sequence[object]", value))
        return f"{{{items}}}" if isinstance(value, tuple) else f"[{items}]"
    return str(value)


ids = st.sampled_from("abcd")
restarts = st.sampled_from(Restart)
moods = st.lists(st.sampled_from(["ok", "ok", "ok", "fail", "ignore"]), max_size=6)
stops = st.tuples(st.just("stop"), st.lists(ids, min_size=1, max_size=3, unique=True), st.sampled_from(list(REASONS)))
families = st.integers(1, 4).flatmap(
    lambda size: st.tuples(*(st.tuples(st.just(name), restarts, moods) for name in "abcd"[:size])).map(list)
)
operations = st.one_of(
    stops,
    stops,
    stops,
    st.tuples(st.sampled_from(["terminate", "restart", "delete"]), ids),
    st.tuples(st.just("start"), st.sampled_from("abcde"), restarts),
)
scenarios = st.builds(
    Scenario,
    st.sampled_from(Strategy),
    st.integers(0, 9),
    st.integers(1, 4)
    .flatmap(lambda n: st.tuples(*(st.tuples(st.just(i), restarts, moods) for i in "abcd"[:n])))
    .map(list),
    st.lists(operations, max_size=8),
)


@pytest.fixture(scope="module")
def beam(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """An Erlang that reads scenarios and writes what became of them."""
    erl, erlc = shutil.which("erl"), shutil.which("erlc")
    if erl is None or erlc is None:
        pytest.skip("needs Erlang")
    build = tmp_path_factory.mktemp("beam")
    source = Path(__file__).with_name("otp_scenarios.erl")
    subprocess.run([erlc, "-o", str(build), str(source)], check=True)  # noqa: S603 - the paths are our own
    command = [erl, "-noshell", "-pa", str(build), "-s", "otp_scenarios", "main"]
    with subprocess.Popen(  # noqa: S603 - the same
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@settings(max_examples=200, deadline=None)
@given(scenario=scenarios)
def test_a_supervisor_does_what_it_does_on_the_beam(beam: subprocess.Popen[str], scenario: Scenario) -> None:
    assert beam.stdin is not None
    assert beam.stdout is not None
    beam.stdin.write(f"{scenario}.\n")
    beam.stdin.flush()
    expected = beam.stdout.readline().rstrip("\n")
    clock = MockClock(autojump_threshold=0)
    assert trio.run(_run, scenario, clock=clock) == expected


class Diarist(GenServer):
    """Starts as its list of moods says and writes down what happens to it."""

    def init(self, name: str, moods: list[str], events: list[str]) -> Ignore | Stop | None:
        trap_exit()
        self.name = name
        self.events = events
        mood = moods.pop(0) if moods else "ok"
        events.append(name + {"ok": "+", "fail": "!", "ignore": "0"}[mood])
        if mood == "fail":
            return Stop(Failure("broken"))
        return IGNORE if mood == "ignore" else None

    def handle_cast(self, request: ExitReason) -> Stop:
        return Stop(request)

    def terminate(self, reason: ExitReason) -> None:
        self.events.append(f"{self.name}-")


async def _run(scenario: Scenario) -> str:
    return " | ".join(await _Run(scenario).lines())


class _Run:
    """One scenario on Regrow."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.written: list[str] = []
        self.moods = {name: list(moods) for name, _, moods in scenario.children}

    def spec(self, name: str, restart: Restart) -> ChildSpec:
        return ChildSpec(
            name, Diarist.start_link, (name, self.moods.setdefault(name, []), self.written), restart=restart
        )

    async def lines(self) -> list[str]:
        async with open_node():
            trap_exit()
            scenario = self.scenario
            specs = [self.spec(name, restart) for name, restart, _ in scenario.children]
            try:
                supervisor = await Supervisor.start_link(
                    specs, strategy=scenario.strategy, intensity=scenario.intensity, period=3600
                )
            except InitFailedError as error:
                return [f"{self.events()} failed {_culprit(error.reason)}"]
            lines = [await self.settled(supervisor)]
            for operation in scenario.operations:
                if supervisor.is_alive:
                    answer = await self.perform(supervisor, operation)
                    lines.append(f"{answer} {await self.settled(supervisor)}")
            if supervisor.is_alive:
                exit_signal(supervisor, SHUTDOWN)
                lines.append(await self.dead(supervisor))
            return lines

    async def perform(self, supervisor: Pid, operation: tuple[Any, ...]) -> str:
        try:
            match operation:
                case "stop", names, reason:
                    for info in sorted(await which_children(supervisor), key=_birth):
                        if info.id in names and isinstance(info.pid, Pid):
                            cast(info.pid, REASONS[reason])
                    return "ok"
                case "terminate", name:
                    await terminate_child(supervisor, name)
                    return "ok"
                case "delete", name:
                    await delete_child(supervisor, name)
                    return "ok"
                case "restart", name:
                    return "none" if await restart_child(supervisor, name) is None else "pid"
                case _:
                    _, name, restart = operation
                    return "none" if await start_child(supervisor, self.spec(name, restart)) is None else "pid"
        except SupervisorError as error:
            return ANSWERS[type(error)]

    async def settled(self, supervisor: Pid) -> str:
        await wait_all_tasks_blocked()
        if not supervisor.is_alive:
            return await self.dead(supervisor)
        children = await which_children(supervisor)
        states = [f"{info.id}={'none' if info.pid is None else 'pid'}" for info in children]
        return " ".join([self.events(), *states])

    async def dead(self, supervisor: Pid) -> str:
        def is_its_exit(message: object) -> bool:
            return isinstance(message, Exit) and message.pid is supervisor

        reason = (await receive(is_its_exit)).reason
        return f"{self.events()} dead {str(reason).lower()}"

    def events(self) -> str:
        text = f"[{' '.join(self.written)}]"
        self.written.clear()
        return text


def _culprit(reason: ExitReason) -> object:
    assert isinstance(reason, Shutdown)
    assert isinstance(reason.detail, FailedToStart)
    return reason.detail.child


def _birth(info: ChildInfo) -> int:
    return info.pid.number if isinstance(info.pid, Pid) else -1


ANSWERS: dict[type[SupervisorError], str] = {
    ChildAlreadyStartedError: "already_started",
    ChildPresentError: "already_present",
    ChildRestartingError: "restarting",
    ChildRunningError: "running",
    StartChildError: "error",
    UnknownChildError: "not_found",
}
