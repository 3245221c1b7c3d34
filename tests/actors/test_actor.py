"""Actor: pykka's user contract on a process, inline and as a task."""

from __future__ import annotations

from typing import Any

import pykka
import pytest
import trio
from pykka._envelope import Envelope
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    KILLED,
    NOPROC,
    NORMAL,
    SHUTDOWN,
    TIMEOUT,
    Actor,
    ActorDiedError,
    CallError,
    CannotWaitError,
    Crash,
    Down,
    Exit,
    ExitReason,
    InitFailedError,
    Pid,
    call,
    cast,
    exit_signal,
    monitor,
    open_node,
    receive,
    self_,
    send,
    send_request,
    spawn,
    stop,
    sys,
    trap_exit,
    whereis,
)
from tests.support.assertions import death_of, mailbox
from tests.support.trio_test import trio_test


class Greeter(Actor):
    """An ordinary pykka actor; its hooks write down that they ran."""

    def __init__(self, log: list[object], greeting: str = "hello") -> None:
        super().__init__()
        self.log = log
        self.greeting = greeting

    def on_start(self) -> Any:
        self.log.append("on_start")

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, Exception):
            raise message
        self.log.append(message)
        return f"{self.greeting} {message}"

    def on_stop(self) -> Any:
        self.log.append("on_stop")

    def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> Any:
        self.log.append(("on_failure", exception_type, str(exception_value)))

    def shout(self, name: str, *, mark: str = "!") -> str:
        return f"{self.greeting} {name}{mark}".upper()

    def fail(self) -> None:
        raise ValueError("bad")

    def leave(self) -> None:
        self.stop()

    def who(self) -> Pid:
        return self_()


class TaskGreeter(Greeter):
    """The same with a hook that waits."""

    async def on_receive(self, message: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return super().on_receive(message)


both_actors = pytest.mark.parametrize("actor", [Greeter, TaskGreeter])


def pid_of(ref: pykka.ActorRef[Any]) -> Pid:
    actor = ref._actor_weakref()
    assert actor is not None
    return actor.pid  # type: ignore[no-any-return]


@both_actors
@trio_test
async def test_tell_delivers_in_order_after_on_start(actor: type[Greeter]) -> None:
    async with open_node():
        log: list[object] = []
        ref = actor.start(log)

        ref.tell("one")
        send(pid_of(ref), "two")
        ref.tell("three")
        await wait_all_tasks_blocked()

        assert log == ["on_start", "one", "two", "three"]


@both_actors
@trio_test
async def test_ask_is_awaited(actor: type[Greeter]) -> None:
    async with open_node():
        ref = actor.start([], greeting="hi")

        future = ref.ask("you", block=False)
        assert await future == "hi you"
        assert await future == "hi you"
        assert future.get() == "hi you"


@both_actors
@trio_test
async def test_a_proxy_calls_reads_and_runs_as_the_actor(actor: type[Greeter]) -> None:
    async with open_node():
        ref = actor.start([])
        proxy: Any = ref.proxy()

        assert await proxy.shout("you", mark="?") == "HELLO YOU?"
        assert await proxy.greeting == "hello"
        assert await proxy.who() is pid_of(ref)


@both_actors
@trio_test
async def test_a_proxy_defers_and_sets_from_another_thread(actor: type[Greeter]) -> None:
    async with open_node():
        log: list[object] = []
        ref = actor.start(log)
        proxy: Any = ref.proxy()

        def elsewhere() -> Any:
            proxy.greeting = "hi"
            proxy.on_receive.defer("deferred")
            again: Any = ref.proxy()
            return again.greeting.get()

        assert await trio.to_thread.run_sync(elsewhere) == "hi"
        await wait_all_tasks_blocked()
        assert "deferred" in log


@both_actors
@trio_test
async def test_stop_runs_on_stop_after_the_messages_before_it(actor: type[Greeter]) -> None:
    async with open_node():
        log: list[object] = []
        ref = actor.start(log)
        down = monitor(pid_of(ref))

        ref.tell("last")
        stopped = ref.stop(block=False)
        late = ref.ask("too late", block=False)

        assert await stopped is True
        assert await death_of(down) is NORMAL
        assert log == ["on_start", "last", "on_stop"]
        assert not ref.is_alive()
        with pytest.raises(pykka.ActorDeadError):
            await late


@both_actors
@trio_test
async def test_stopping_a_dead_actor_says_false_and_telling_it_raises(actor: type[Greeter]) -> None:
    async with open_node():
        ref = actor.start([])
        exit_signal(pid_of(ref), KILL)

        assert await ref.stop(block=False) is False
        with pytest.raises(pykka.ActorDeadError):
            ref.tell("anything")
        with pytest.raises(pykka.ActorDeadError):
            await ref.ask("anything", block=False)


@both_actors
@trio_test
async def test_an_actor_stops_itself(actor: type[Greeter]) -> None:
    async with open_node():
        log: list[object] = []
        ref = actor.start(log)
        down = monitor(pid_of(ref))
        proxy: Any = ref.proxy()

        await proxy.leave()

        assert await death_of(down) is NORMAL
        assert log[-1] == "on_stop"


@both_actors
@trio_test
async def test_a_crash_in_an_ask_kills_the_actor_and_the_caller_gets_the_reason(actor: type[Greeter]) -> None:
    async with open_node():
        log: list[object] = []
        ref = actor.start(log)
        down = monitor(pid_of(ref))

        with pytest.raises(ActorDiedError) as caught:
            await ref.ask(ValueError("bad"), block=False)

        reason = await death_of(down)
        assert isinstance(reason, Crash)
        assert reason.type == "ValueError"
        assert caught.value.reason is reason
        assert log == ["on_start", ("on_failure", ValueError, "bad")]


@both_actors
@trio_test
async def test_a_crash_in_a_proxy_call_is_the_same(actor: type[Greeter]) -> None:
    async with open_node():
        proxy: Any = actor.start([]).proxy()

        with pytest.raises(ActorDiedError) as caught:
            await proxy.fail()
        assert isinstance(caught.value.reason, Crash)


@both_actors
@trio_test
async def test_everybody_who_asked_learns_that_the_actor_was_killed(actor: type[Greeter]) -> None:
    async with open_node():
        ref = actor.start([])
        futures = [ref.ask(number, block=False) for number in range(3)]
        exit_signal(pid_of(ref), KILL)

        for future in futures:
            with pytest.raises(ActorDiedError) as caught:
                await future
            assert caught.value.reason is KILLED


@trio_test
async def test_an_answered_ask_leaves_no_watcher_behind() -> None:
    async with open_node():
        ref = Greeter.start([])

        await ref.ask("one", block=False)

        process = pid_of(ref).process
        assert process is not None
        assert not process.watchers


@both_actors
@trio_test
async def test_a_blocking_ask_on_the_trio_thread_is_refused(actor: type[Greeter]) -> None:
    async with open_node():
        ref = actor.start([])

        with pytest.raises(CannotWaitError, match="await future"):
            ref.ask("anything")
        with pytest.raises(CannotWaitError):
            ref.stop()
        with pytest.raises(CannotWaitError):
            ref.ask("anything", block=False).get(timeout=5)
        with pytest.raises(pykka.Timeout):
            ref.ask("anything", block=False).get(timeout=0)


@both_actors
@trio_test
async def test_a_blocking_ask_works_from_another_thread(actor: type[Greeter]) -> None:
    async with open_node():
        ref = actor.start([])

        assert await trio.to_thread.run_sync(lambda: ref.ask("you")) == "hello you"
        assert await trio.to_thread.run_sync(ref.stop) is True


@trio_test
async def test_start_link_links_registers_and_reports_failure() -> None:
    async with open_node():
        trap_exit()
        pid = await Greeter.start_link([], name="greeter")
        assert pid is not None
        assert whereis("greeter") is pid
        exit_signal(pid, KILL)
        assert await mailbox() == [Exit(pid, KILLED)]


class FailsToStart(Greeter):
    """An actor whose on_start raises."""

    def on_start(self) -> Any:
        raise ValueError("bad")


class TaskFailsToStart(FailsToStart):
    """The same as a task."""

    async def on_stop(self) -> Any:  # type: ignore[override]
        pass


@pytest.mark.parametrize("actor", [FailsToStart, TaskFailsToStart])
@trio_test
async def test_a_failing_on_start_fails_the_start(actor: type[Greeter]) -> None:
    async with open_node():
        trap_exit()

        with pytest.raises(InitFailedError) as caught:
            await actor.start_link([], name="it")

        assert isinstance(caught.value.reason, Crash)
        assert whereis("it") is None
        assert await mailbox() == []


@trio_test
async def test_plain_start_of_a_failing_actor_raises_inline_and_is_a_dead_ref_as_a_task() -> None:
    async with open_node():
        with pytest.raises(InitFailedError):
            FailsToStart.start([])

        ref = TaskFailsToStart.start([])
        await wait_all_tasks_blocked()
        assert not ref.is_alive()


@trio_test
async def test_an_actor_with_coroutine_hooks_is_alive_before_on_start_has_run() -> None:
    async with open_node():
        log: list[object] = []

        class Slow(TaskGreeter):
            async def on_start(self) -> Any:  # type: ignore[override]
                await trio.sleep(1)
                log.append("on_start")

        ref = Slow.start(log)
        assert ref.is_alive()
        assert log == []
        assert await ref.ask("you", block=False) == "hello you"
        assert log == ["on_start", "you"]


@both_actors
@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN])
@trio_test
async def test_stop_and_the_parents_exit_run_on_stop(actor: type[Greeter], reason: ExitReason) -> None:
    async with open_node():
        log: list[object] = []
        pid = await actor.start_link(log)
        assert pid is not None

        trap_exit()
        await stop(pid, reason)

        assert log == ["on_start", "on_stop"]
        assert await mailbox() == [Exit(pid, reason)]


class Trapper(Greeter):
    """An actor that traps exits."""

    def on_start(self) -> Any:
        trap_exit()


@trio_test
async def test_a_trapping_actor_is_stopped_by_its_parent_and_told_of_others() -> None:
    async with open_node():
        trap_exit()
        log: list[object] = []
        pid = await Trapper.start_link(log)
        assert pid is not None

        async def stranger() -> None:
            exit_signal(pid, SHUTDOWN)

        sender = spawn(stranger)
        await wait_all_tasks_blocked()
        assert log == [Exit(sender, SHUTDOWN)]

        exit_signal(pid, SHUTDOWN)
        assert await receive(timeout=1) == Exit(pid, SHUTDOWN)
        assert log[1:] == ["on_stop"]


@trio_test
async def test_an_actor_may_monitor_and_gets_the_down() -> None:
    async with open_node():
        log: list[object] = []
        main = self_()

        class Watcher(Greeter):
            def on_start(self) -> Any:
                self.ref = monitor(target)

        async def mortal() -> None:
            await receive()

        target = spawn(mortal)
        Watcher.start(log)
        send(target, main)
        await wait_all_tasks_blocked()

        assert [type(entry) for entry in log] == [Down]


# To processes that are no pykka code.


@both_actors
@trio_test
async def test_a_call_is_an_ask_and_a_cast_is_a_tell(actor: type[Greeter]) -> None:
    async with open_node():
        log: list[object] = []
        pid = await actor.start_link(log, name="greeter")

        cast("greeter", "one")
        assert await call("greeter", "two") == "hello two"
        ref = send_request("greeter", "three")
        answer = await receive(timeout=1)

        assert (answer.ref, answer.value) == (ref, "hello three")
        assert log == ["on_start", "one", "two", "three"]
        assert pid is not None
        assert pid.process is not None
        assert not pid.process.watchers


@both_actors
@trio_test
async def test_a_crash_in_a_call_kills_the_actor_and_the_caller_gets_the_reason(actor: type[Greeter]) -> None:
    async with open_node():
        log: list[object] = []
        ref = actor.start(log)
        down = monitor(pid_of(ref))

        with pytest.raises(CallError) as caught:
            await call(pid_of(ref), ValueError("bad"))

        assert caught.value.reason is await death_of(down)
        assert isinstance(caught.value.reason, Crash)
        assert log == ["on_start", ("on_failure", ValueError, "bad")]


@both_actors
@trio_test
async def test_a_call_to_a_dead_actor_and_one_that_stops_first_fail(actor: type[Greeter]) -> None:
    async with open_node():
        pid = pid_of(actor.start([]))
        stopped = pid_of(actor.start([]))
        ref = send_request(stopped, "first")
        await stop(stopped)
        late = send_request(stopped, "too late")
        exit_signal(pid, KILL)

        answers = await mailbox()
        assert [(answer.ref, getattr(answer, "reason", None)) for answer in answers] == [(ref, None), (late, NOPROC)]
        with pytest.raises(CallError) as caught:
            await call(pid, "anything")
        assert caught.value.reason is NOPROC


@both_actors
@trio_test
async def test_a_system_message_is_dropped_and_who_asked_waits_in_vain(actor: type[Greeter]) -> None:  # Y-4
    async with open_node():
        log: list[object] = []
        pid = pid_of(actor.start(log))

        for ask in (sys.get_state, sys.suspend):
            with pytest.raises(CallError) as caught:
                await ask(pid)
            assert caught.value.reason is TIMEOUT

        assert await call(pid, "you") == "hello you"
        assert log == ["on_start", "you"]


@trio_test
async def test_a_pykka_registry_never_hears_of_our_actors() -> None:
    async with open_node():
        ref = Greeter.start([])

        assert pykka.ActorRegistry.get_all() == []
        assert str(ref).startswith("Greeter (urn:regrow:")


@trio_test
async def test_asking_the_dead_says_noproc_through_the_inbox() -> None:
    async with open_node():
        ref = Greeter.start([])
        future = Greeter._create_future()
        exit_signal(pid_of(ref), KILL)

        ref.actor_inbox.put(Envelope("late", reply_to=future))

        with pytest.raises(ActorDiedError) as caught:
            await future
        assert caught.value.reason is NOPROC
