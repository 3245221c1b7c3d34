"""The truth is a real BEAM: random state machines, fed random events, must read the same on Erlang and on Regrow.

Timeouts are of 0 seconds or of an hour, so that nothing depends on the clock: the second kind is seen by what
cancels, replaces and updates it, and by what still runs in the end.

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
    NORMAL,
    POSTPONE,
    SHUTDOWN,
    After,
    Answer,
    Call,
    CancelTimeout,
    Cast,
    Enter,
    EventTimeout,
    ExitReason,
    GenStatem,
    Info,
    Internal,
    Keep,
    NamedTimeout,
    Next,
    NextEvent,
    Pid,
    Repeat,
    ReplyTo,
    StateTimeout,
    Stop,
    StopAndReply,
    Unanswered,
    UpdateTimeout,
    cast,
    open_node,
    send,
    send_request,
    state,
)
from tests.support.assertions import mailbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FUEL = 40
LONG = 3600

Action = str | tuple[str, ...]
Table = dict[tuple[str, str], tuple[str | tuple[str, str], list[Action]]]
"""State and label of an event, or state and ``enter``: where to go and what to do."""


@dataclass(frozen=True)
class Scenario:
    mode: str
    enters: bool
    init_actions: list[Action]
    rows: Table
    crashes: Table
    enter_rows: Table
    commands: list[tuple[str, str]]

    @property
    def table(self) -> Table:
        return {**self.rows, **self.crashes, **self.enter_rows}

    def __str__(self) -> str:
        """The scenario as an Erlang term."""
        return _term((self.mode, self.enters, self.init_actions, list(self.table.items()), self.commands))


def _term(value: object) -> str:
    if isinstance(value, tuple | list):
        items = ",".join(_term(item) for item in cast_to("Sequence[object]", value))
        return f"{{{items}}}" if isinstance(value, tuple) else f"[{items}]"
    text = str(value).lower()
    return f"'{text}'" if text == "after" else text


STATES = ["a", "b", "c"]
LABELS = ["x", "y", "z"]
TIMERS = ["timeout", "state_timeout", "n", "m"]

labels = st.sampled_from(LABELS)
timers = st.sampled_from(TIMERS)
timer_actions = st.one_of(
    st.tuples(st.just("after"), timers, st.sampled_from(["zero", "long", "long"]), labels),
    st.tuples(st.just("after"), timers, st.sampled_from(["zero", "long", "long"]), labels),
    st.tuples(st.just("cancel"), timers),
    st.tuples(st.just("update"), timers, labels),
)
insertions = st.tuples(st.just("next_event"), st.sampled_from(["internal", "cast", "info", *TIMERS]), labels)
actions = st.one_of(
    timer_actions, timer_actions, insertions, st.just("postpone"), st.just("postpone"), st.just("reply")
)
moves = st.tuples(st.just("next"), st.sampled_from(STATES))
outcomes = st.one_of(*[moves] * 9, *[st.just("keep")] * 6, st.just("repeat"), st.sampled_from(["stop", "reply_stop"]))
rows = st.fixed_dictionaries(
    {
        (name, label): st.tuples(outcomes, st.lists(actions, min_size=1, max_size=3))
        for name in STATES
        for label in LABELS
    }
)
enter_actions = st.one_of(*[timer_actions] * 6, st.just("reply"), actions)
enter_outcomes = st.one_of(*[st.just("keep")] * 20, st.just("repeat"), st.sampled_from(["stop", "crash"]), moves)
enter_rows = st.dictionaries(
    st.tuples(st.sampled_from(STATES), st.just("enter")),
    st.tuples(enter_outcomes, st.lists(enter_actions, max_size=2)),
    max_size=3,
)
crash_rows = st.dictionaries(
    st.tuples(st.sampled_from(STATES), labels), st.tuples(st.just("crash"), st.lists(actions, max_size=0)), max_size=1
)
scenarios = st.builds(
    Scenario,
    st.sampled_from(["state_functions", "handle_event_function"]),
    st.booleans(),
    st.lists(actions, max_size=2),
    rows,
    crash_rows,
    enter_rows,
    st.lists(st.tuples(st.sampled_from(["cast", "info", "call"]), labels), min_size=3, max_size=12),
)


@pytest.fixture(scope="module")
def beam(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """An Erlang that reads scenarios and writes what became of them."""
    erl, erlc = shutil.which("erl"), shutil.which("erlc")
    if erl is None or erlc is None:
        pytest.skip("needs Erlang")
    build = tmp_path_factory.mktemp("beam")
    source = Path(__file__).with_name("statem_scenarios.erl")
    subprocess.run([erlc, "-o", str(build), str(source)], check=True)  # noqa: S603 - the paths are our own
    command = [erl, "-noshell", "-pa", str(build), "-s", "statem_scenarios", "main"]
    with subprocess.Popen(  # noqa: S603 - the same
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@settings(max_examples=400, deadline=None)
@given(scenario=scenarios)
def test_a_state_machine_does_what_it_does_on_the_beam(beam: subprocess.Popen[str], scenario: Scenario) -> None:
    assert beam.stdin is not None
    assert beam.stdout is not None
    beam.stdin.write(f"{scenario}.\n")
    beam.stdin.flush()
    expected = beam.stdout.readline().rstrip("\n")
    for machine in MACHINES[scenario.mode]:
        assert trio.run(_run, machine, scenario, clock=MockClock(autojump_threshold=0)) == expected


KINDS: dict[str, Callable[[str], Any]] = {
    "cast": Cast,
    "info": Info,
    "internal": Internal,
    "timeout": EventTimeout,
    "state_timeout": StateTimeout,
    "n": lambda label: NamedTimeout("n", label),
    "m": lambda label: NamedTimeout("m", label),
}


def _read(event: Any) -> tuple[str, str]:
    match event:
        case Call(label, _):
            return "call", str(label)
        case Cast(label):
            return "cast", str(label)
        case Info(label):
            return "info", label
        case Internal(label):
            return "internal", label
        case EventTimeout(label):
            return "timeout", label
        case StateTimeout(label):
            return "state_timeout", label
        case NamedTimeout(name, label):
            return name, label
        case Enter(old):
            return "enter", old
        case _:
            raise AssertionError(event)


class Scripted(GenStatem):
    """Does what the table of a scenario says and writes down what happens to it."""

    def init(self, scenario: Scenario, written: list[str], made: list[Scripted]) -> Next:
        made.append(self)
        self.table = scenario.table
        self.written = written
        self.fuel = FUEL
        return Next("a", *self.actions(scenario.init_actions, None))

    def handled(self, event: Any, state: str) -> Any:
        kind, label = _read(event)
        self.written.append(f"{state}:{kind}:{label}")
        if self.fuel == 0:
            return Keep()
        self.fuel -= 1
        outcome, actions = self.table.get((state, "enter" if kind == "enter" else label), ("keep", []))
        caller = event.caller if kind == "call" else None
        return self.outcome(outcome, actions, caller)

    def outcome(self, outcome: str | tuple[str, str], actions: list[Action], caller: Any) -> Any:
        match outcome:
            case "keep":
                return Keep(*self.actions(actions, caller))
            case "repeat":
                return Repeat(*self.actions(actions, caller))
            case "next", target:
                return Next(target, *self.actions(actions, caller))
            case "stop":
                return Stop(NORMAL)
            case "reply_stop":
                return StopAndReply(SHUTDOWN, *self.actions(["reply"], caller))
            case _:
                raise RuntimeError("crash")

    def actions(self, actions: list[Action], caller: Any) -> list[Any]:
        made: list[Any] = []
        for action in actions:
            match action:
                case "reply":
                    if caller is not None:
                        made.append(ReplyTo(caller, "answered"))
                case "postpone":
                    made.append(POSTPONE)
                case "next_event", kind, label:
                    made.append(NextEvent(KINDS[kind](label)))
                case "after", kind, time, label:
                    made.append(After(0 if time == "zero" else LONG, KINDS[kind](label)))
                case "cancel", kind:
                    made.append(CancelTimeout(KINDS[kind]("any")))
                case "update", kind, label:
                    made.append(UpdateTimeout(KINDS[kind](label)))
                case _:
                    raise AssertionError(action)
        return made

    def terminate(self, reason: ExitReason, state: str) -> None:
        what = str(reason).lower() if reason in {NORMAL, SHUTDOWN} else "error"
        self.written.append(f"{state}:terminate:{what}")


class ScriptedInline(Scripted):
    def handle_event(self, event: Any, state: str) -> Any:
        return self.handled(event, state)


class ScriptedInlineEntering(ScriptedInline):
    state_enter = True


class ScriptedTask(Scripted):
    async def handle_event(self, event: Any, state: str) -> Any:
        await trio.lowlevel.checkpoint()
        return self.handled(event, state)


class ScriptedTaskEntering(ScriptedTask):
    state_enter = True


class ScriptedStates(Scripted):
    """The same, each state a method."""

    @state
    def a(self, event: Any) -> Any:
        return self.handled(event, "a")

    @state
    def b(self, event: Any) -> Any:
        return self.handled(event, "b")

    @state
    def c(self, event: Any) -> Any:
        return self.handled(event, "c")


class ScriptedStatesEntering(ScriptedStates):
    state_enter = True


class ScriptedTaskStates(ScriptedStates):
    @state
    async def a(self, event: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return self.handled(event, "a")


class ScriptedTaskStatesEntering(ScriptedTaskStates):
    state_enter = True


MACHINES: dict[str, list[tuple[type[Scripted], type[Scripted]]]] = {
    "handle_event_function": [(ScriptedInline, ScriptedInlineEntering), (ScriptedTask, ScriptedTaskEntering)],
    "state_functions": [(ScriptedStates, ScriptedStatesEntering), (ScriptedTaskStates, ScriptedTaskStatesEntering)],
}
"""Inline and task machines of each mode, without and with enter calls."""


async def _run(machines: tuple[type[Scripted], type[Scripted]], scenario: Scenario) -> str:
    async with open_node():
        written: list[str] = []
        made: list[Scripted] = []
        pid = await machines[scenario.enters].start(scenario, written, made)
        assert pid is not None
        requests = [request for command in scenario.commands for request in _perform(pid, command)]
        await wait_all_tasks_blocked()
        answers = {message.ref: message for message in await mailbox() if isinstance(message, Answer | Unanswered)}
        rest = _rest(made[0]) if pid.is_alive else []
        return " ".join([*written, "|", *(_reply(answers.get(ref)) for ref in requests), "|", *rest])


def _perform(pid: Pid, command: tuple[str, str]) -> list[Any]:
    kind, label = command
    if kind == "cast":
        cast(pid, label)
    elif kind == "info":
        send(pid, label)
    else:
        return [send_request(pid, label)]
    return []


def _reply(answer: Answer | Unanswered | None) -> str:
    if answer is None:
        return "none"
    return str(answer.value) if isinstance(answer, Answer) else "dead"


def _rest(scripted: Scripted) -> list[str]:
    machine = scripted._machine
    running = sorted(":".join(_read(timeout)) for _, timeout in machine.timeouts.running.values())
    return [*running, "|", *(":".join(_read(event)) for event in machine.postponed)]
