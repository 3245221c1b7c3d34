"""Plays a server on Regrow. ``servers.erl`` plays the same on the BEAM and says what an answer looks like."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from regrow.actors import (
    IGNORE,
    TIMEOUT,
    Answer,
    CallError,
    Exit,
    ExitProcess,
    ExitReason,
    From,
    GenServer,
    InitFailedError,
    NoReply,
    Ok,
    Pid,
    ReceiveTimeoutError,
    Ref,
    Reply,
    Stop,
    Unanswered,
    call,
    cast,
    exit_,
    exit_signal,
    open_node,
    receive,
    reply,
    self_,
    send,
    send_request,
    spawn,
    spawn_link,
    stop,
    trap_exit,
)
from regrow.actors._processes._monitors import watch

from .reasons import REASONS, text
from .server_scenarios import SOON

if TYPE_CHECKING:
    from .server_scenarios import ServerScenario

__all__ = ["play"]


def play(scenario: ServerScenario) -> str:
    """What becomes of a scenario on Regrow."""
    return "\n".join(trio.run(_play, scenario, clock=MockClock(autojump_threshold=0)))


async def _play(scenario: ServerScenario) -> list[str]:
    async with open_node():
        return await _Play(scenario).phases()


class _Play:
    """One scenario."""

    def __init__(self, scenario: ServerScenario) -> None:
        self.scenario = scenario
        self.trace: list[str] = []
        self.died_of: ExitReason | None = None
        self.pending: dict[Ref, str] = {}

    async def phases(self) -> list[str]:
        trap_exit()
        scenario = self.scenario
        server = _TaskServer if scenario.driver == "task" else _Server
        start = server.start_link if scenario.link == "link" else server.start
        try:
            pid = await start(self, self_(), scenario)
        except InitFailedError as error:
            return [f"error {text(error.reason)}; {' '.join(self.trace)}; "]
        if pid is None:
            return [f"ignore; {' '.join(self.trace)}; "]
        self.pid = pid
        phases = [await self._phase("pid")]
        for number, operation in enumerate(scenario.operations, 1):
            phases.append(await self._phase(await self._act(number, operation)))
        return phases

    def fire(self, reason: ExitReason) -> None:
        """The server died."""
        self.died_of = reason

    async def _act(self, number: int, operation: Any) -> str:
        try:
            match operation:
                case "burst", messages:
                    for part, message in enumerate(messages, 1):
                        self._post(f"{number}.{part}", message)
                case "call", form:
                    return str(await call(self.pid, (f"{number}.0", form), timeout=math.inf))
                case "call_soon", form:
                    return str(await call(self.pid, (f"{number}.0", form), timeout=SOON / 1000))
                case "stop", reason:
                    await stop(self.pid, _reason(reason))
                case "stranger", reason:
                    spawn(exit_signal, self.pid, _reason(reason))
                case _:
                    self._post(f"{number}.0", operation)
        except CallError as error:
            return f"exit {text(error.reason)}"
        return "ok"

    def _post(self, key: str, message: Any) -> None:
        match message:
            case "request", form:
                self.pending[send_request(self.pid, (key, form))] = key
            case "cast", form:
                cast(self.pid, (key, form))
            case "info", form:
                send(self.pid, (key, form))
            case _:
                exit_signal(self.pid, _reason(message[1]))

    async def _phase(self, answer: str) -> str:
        await wait_all_tasks_blocked()
        await trio.sleep(4 * SOON / 1000)  # every timeout that runs out has
        await wait_all_tasks_blocked()
        results = await self._results()
        died_of, self.died_of = self.died_of, None
        death = "" if died_of is None else f"server1={text(died_of)}"
        phase = f"{answer}; {' '.join(self.trace)}; {death}; {' '.join(sorted(results))}"
        self.trace.clear()
        return phase

    async def _results(self) -> list[str]:
        """The answers to requests that have come."""
        results: list[str] = []
        while True:
            try:
                message: Answer | Unanswered = await receive(Answer, Unanswered, timeout=0)
            except ReceiveTimeoutError:
                return results
            key = self.pending.pop(message.ref)
            if isinstance(message, Answer):
                results.append(f"{key}={message.value}")
            else:
                results.append(f"{key}=exit {text(message.reason)}")


class _Server(GenServer):
    """Returns what it is told to. Inline."""

    def init(self, play: _Play, parent: Pid, scenario: ServerScenario) -> Any:
        trap_exit(on=scenario.trap)
        self.play = play
        self.parent = parent
        self.ending = scenario.ending
        self.callers: list[From] = []
        self._enter("init")
        assert self.pid.process is not None
        form: Any = scenario.init
        match form:
            case "ok":
                watch(self.pid.process, play)
                return None
            case "ok", more:
                watch(self.pid.process, play)
                return Ok(**_more(more))
            case _:
                return self._common(form)

    def handle_call(self, request: Any, caller: From) -> Any:
        key, form = request
        self._enter(f"call:{key}")
        match form:
            case "noreply", more:
                self.callers.append(caller)
                return NoReply(**_more(more))
            case _:
                return self._common(form)

    def handle_cast(self, request: Any) -> Any:
        key, form = request
        self._enter(f"cast:{key}")
        return self._returned(form)

    def handle_info(self, message: Any) -> Any:
        if message is TIMEOUT:
            self._enter("timeout")
            return None
        if isinstance(message, Exit):
            who = "parent" if message.pid is self.parent else "other"
            self._enter(f"exit:{who}:{text(message.reason)}")
            return None
        key, form = message
        self._enter(f"info:{key}")
        return self._returned(form)

    def handle_continue(self, continuation: Any) -> Any:
        self._enter("continue")
        return self._returned(continuation)

    def terminate(self, reason: ExitReason) -> Any:
        self._enter(f"terminate:{text(reason)}")
        match self.ending:
            case "raise":
                raise ZeroDivisionError
            case "exit":
                exit_(REASONS["odd"])
            case _:
                pass

    def _enter(self, what: str) -> None:
        self.play.trace.append(what)

    def _returned(self, form: Any) -> Any:
        match form:
            case "noreply", "none":
                return None
            case "noreply", more:
                return NoReply(**_more(more))
            case "answer", value:
                if self.callers:
                    oldest = self.callers.pop(0)
                    reply(oldest, value)
                    reply(oldest, "again")
                return None
            case "spawn_link", reason:
                spawn_link(exit_, _reason(reason))
                return None
            case _:
                return self._common(form)

    def _common(self, form: Any) -> Any:
        match form:
            case "reply", value, more:
                return Reply(value, **_more(more))
            case (("stop" | "stop_init"), reason):
                return Stop(_reason(reason))
            case "stop", reason, value:
                return Stop(_reason(reason), reply=value)
            case "ignore":
                return IGNORE
            case "raise":
                raise ZeroDivisionError
            case "exit", reason:
                raise ExitProcess(_reason(reason))
            case "call_self" | "call_dead" | "call_mute":
                return _Asks(form)
            case _:
                return "garbage"


class _Asks:
    """A callback that only a task can run: it calls, and dies of that."""

    def __init__(self, form: str) -> None:
        self._form = form

    async def run(self) -> None:
        if self._form == "call_self":
            await call(self_(), "anything")
        mute = spawn(trio.sleep_forever)
        if self._form == "call_dead":
            exit_signal(mute, REASONS["kill"])
        await call(mute, "anything", timeout=SOON / 1000)


class _TaskServer(_Server):
    """The same as a task."""

    async def handle_call(self, request: Any, caller: From) -> Any:
        return await _run(_Server.handle_call(self, request, caller))

    async def handle_cast(self, request: Any) -> Any:
        return await _run(_Server.handle_cast(self, request))

    async def handle_info(self, message: Any) -> Any:
        return await _run(_Server.handle_info(self, message))

    async def handle_continue(self, continuation: Any) -> Any:
        return await _run(_Server.handle_continue(self, continuation))

    async def terminate(self, reason: ExitReason) -> None:
        _Server.terminate(self, reason)


async def _run(outcome: Any) -> Any:
    return await outcome.run() if isinstance(outcome, _Asks) else outcome


def _more(more: Any) -> dict[str, Any]:
    match more:
        case "none":
            return {}
        case "timeout", milliseconds:
            return {"timeout": math.inf if milliseconds == "infinity" else milliseconds / 1000}
        case _:
            return {"continue_": more[1]}


def _reason(term: Any) -> ExitReason:
    return REASONS["{shutdown,x}" if isinstance(term, tuple) else term]
