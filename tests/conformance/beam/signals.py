"""Plays links, monitors, exit signals and names on Regrow. ``signals.erl`` plays the same on the BEAM."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, final

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    NORMAL,
    Down,
    Exit,
    ExitProcess,
    ExitReason,
    GenServer,
    NameTakenError,
    NoProcessError,
    NotAProcessError,
    Pid,
    Ref,
    UnknownNameError,
    alias,
    demonitor,
    exit_,
    exit_signal,
    link,
    monitor,
    open_node,
    receive,
    register,
    send,
    spawn,
    spawn_link,
    spawn_monitor,
    trap_exit,
    unalias,
    unlink,
    unregister,
    whereis,
)
from regrow.actors._processes._monitors import watch

from .reasons import REASONS, text

if TYPE_CHECKING:
    from regrow.actors import Alias

    from .signal_scenarios import Actor, SignalScenario

__all__ = ["normalise", "play"]


def play(scenario: SignalScenario) -> str:
    """What becomes of a scenario on Regrow."""
    return " | ".join(trio.run(_play, scenario, clock=MockClock(autojump_threshold=0)))


def normalise(_scenario: SignalScenario, answer: str) -> str:
    """Put what a process received into a fixed order where the BEAM promises none.

    It promises that the signals of one sender arrive in the order in which they were sent. In which order a dead
    process tells those who are linked to it and those who watch it is its own affair.
    """
    phases = [phase.split("; ") for phase in answer.split(" | ")]
    for fields in phases:
        if len(fields) > 1:
            fields[1] = " ".join(_sorted_by_sender(received) for received in fields[1].split("] ") if received)
    return "\n".join("; ".join(fields) for fields in phases)


def _sorted_by_sender(received: str) -> str:
    name, _, signals = received.rstrip("]").partition("[")

    def sender(signal: str) -> str:
        return signal.split(":")[1]

    groups = [list(group) for _, group in itertools.groupby(sorted(signals.split(" "), key=sender), key=sender)]
    for group in groups:
        if not any(signal.startswith("message:") for signal in group):
            group.sort()
    return f"{name}[{' '.join(itertools.chain.from_iterable(groups))}]"


async def _play(scenario: SignalScenario) -> list[str]:
    async with open_node():
        return await _Play(scenario).phases()


@final
class _Do:
    """A command in a mailbox, and what came of it."""

    def __init__(self, number: int, command: Any) -> None:
        self.number = number
        self.command = command
        self.answer: str | None = None


@final
class _WriteTo:
    """Asks a process to send to an address of another one."""

    def __init__(self, address: Any, number: int) -> None:
        self.address = address
        self.number = number


class _Play:
    """One scenario."""

    def __init__(self, scenario: SignalScenario) -> None:
        self.scenario = scenario
        self.pids: dict[str, Pid] = {}
        self.lives: dict[str, _Life] = {}
        self.deaths: list[str] = []

    async def phases(self) -> list[str]:
        for actor in self.scenario.actors:
            await self._start(actor)
        await wait_all_tasks_blocked()
        return [
            await self._phase(name, _Do(number, command))
            for number, (name, command) in enumerate(self.scenario.commands, 1)
        ]

    async def _start(self, actor: Actor) -> None:
        life = self.lives[actor.name] = _Life(actor, self.pids)
        if actor.driver == "inline":
            pid = await _Server.start(life)
            assert pid is not None
        else:
            pid = spawn(_live, life)
        self.pids[actor.name] = pid
        assert pid.process is not None
        watch(pid.process, _Death(self.deaths, actor.name))

    async def _phase(self, name: str, do: _Do) -> str:
        pid = self.pids[name]
        send(pid, do)
        await wait_all_tasks_blocked()
        answer = do.answer if pid.is_alive else "dead"
        received = [self.lives[one].read() for one in sorted(self.lives) if self.pids[one].is_alive]
        deaths = sorted(self.deaths)
        self.deaths.clear()
        names = [f"{one}={self._holder(one)}" for one in ("na", "nb")]
        return f"{answer}; {' '.join(one for one in received if one)}; {' '.join(deaths)}; {' '.join(names)}"

    def _holder(self, name: str) -> str:
        pid = whereis(name)
        return "none" if pid is None else next(one for one, held in self.pids.items() if held is pid)


class _Death:
    def __init__(self, deaths: list[str], name: str) -> None:
        self._deaths = deaths
        self._name = name

    def fire(self, reason: ExitReason) -> None:
        self._deaths.append(f"{self._name}={text(reason)}")


class _Server(GenServer):
    """The inline driver."""

    def init(self, life: _Life) -> None:
        life.begin()
        self.life = life

    def handle_info(self, message: Any) -> None:
        self.life.take(message)


async def _live(life: _Life) -> None:
    life.begin()
    while True:
        life.take(await receive())


class _Life:
    """What a process does and receives, whatever drives it."""

    def __init__(self, actor: Actor, pids: dict[str, Pid]) -> None:
        self._actor = actor
        self._pids = dict[str, Pid]()
        self._everybody = pids
        self._monitors: list[tuple[Ref, str]] = []
        self._aliases: list[Alias] = []
        self._log: list[str] = []

    def begin(self) -> None:
        trap_exit(on=self._actor.trap)

    def take(self, message: Any) -> None:
        if isinstance(message, _Do):
            try:
                message.answer = self._act(message.command, message.number)
            except (NameTakenError, NotAProcessError, UnknownNameError):
                message.answer = "badarg"
            except NoProcessError:
                message.answer = "noproc"
        elif isinstance(message, _WriteTo):
            for part in (1, 2):
                send(message.address, (self._actor.name, message.number, part))
        else:
            self._log.append(self._text(message))

    def read(self) -> str:
        received = f"{self._actor.name}[{' '.join(self._log)}]" if self._log else ""
        self._log.clear()
        return received

    def _text(self, message: Any) -> str:
        match message:
            case Exit(pid, reason):
                name = next(name for name, one in [*self._everybody.items(), *self._pids.items()] if one is pid)
                return f"exit:{name}:{text(reason)}"
            case Down(ref, _, reason):
                target = next(target for one, target in self._monitors if one is ref)
                return f"down:{target}:{text(reason)}"
            case _:
                sender, number, part = message
                return f"message:{sender}:{number}.{part}"

    def _pid(self, name: str) -> Pid:
        return self._everybody[name]

    def _act(self, command: Any, number: int) -> str:  # noqa: C901, PLR0912, PLR0915 - a table: one command a case
        me = self._actor.name
        match command:
            case "return":
                raise ExitProcess(NORMAL)
            case "raise":
                raise ZeroDivisionError
            case "link", to:
                link(self._pid(to))
            case "unlink", to:
                unlink(self._pid(to))
            case "monitor", to:
                self._watched(monitor(self._pid(to)), to)
            case "monitor_name", name:
                self._watched(monitor(name), name)
            case "demonitor", index:
                if self._monitors:
                    ref, _ = self._monitors[int(index) % len(self._monitors)]
                    return _boolean(demonitor(ref))
            case "kill_and_demonitor", to, options:
                ref = monitor(self._pid(to))
                self._watched(ref, to)
                exit_signal(self._pid(to), KILL)
                return _boolean(demonitor(ref, flush=bool(options)))
            case "kill_and_unlink", to:
                link(self._pid(to))
                exit_signal(self._pid(to), KILL)
                unlink(self._pid(to))
            case "signal", to, reason:
                exit_signal(self._pid(to), _reason(reason))
            case "burst", to, reason:
                send(self._pid(to), (me, number, 1))
                exit_signal(self._pid(to), _reason(reason))
                send(self._pid(to), (me, number, 2))
            case "send", to:
                send(self._pid(to), (me, number, 0))
            case "send_name", name:
                send(name, (me, number, 0))
            case "exit", reason:
                exit_(_reason(reason))
            case "trap", on:
                return _boolean(trap_exit(on=on))
            case "register", name, to:
                register(name, self._pid(to))
            case "unregister", name:
                unregister(name)
            case "alias", kind:
                self._aliases.append(alias(once=kind == "once"))
            case "unalias", index:
                if self._aliases:
                    return _boolean(unalias(self._aliases[int(index) % len(self._aliases)]))
            case "by_alias", to, index:
                if self._aliases:
                    send(self._pid(to), _WriteTo(self._aliases[int(index) % len(self._aliases)], number))
            case "spawn_link", reason:
                self._pids[f"c{number}"] = spawn_link(_leave, _reason(reason))
            case _:
                _, reason = command
                pid, ref = spawn_monitor(_leave, _reason(reason))
                self._pids[f"c{number}"] = pid
                self._watched(ref, f"c{number}")
        return "ok"

    def _watched(self, ref: Ref, target: str) -> None:
        self._monitors.append((ref, target))


def _leave(reason: ExitReason) -> None:
    exit_(reason)


def _reason(term: Any) -> ExitReason:
    return REASONS["{shutdown,x}" if isinstance(term, tuple) else term]


def _boolean(value: bool) -> str:  # noqa: FBT001 - it is what is written
    return str(value).lower()
