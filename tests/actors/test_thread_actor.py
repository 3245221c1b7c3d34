"""ThreadActor: an unmodified pykka thread actor as a process."""

from __future__ import annotations

import gc
import threading
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

import pykka
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    KILLED,
    NORMAL,
    SHUTDOWN,
    TIMEOUT,
    Actor,
    ActorDiedError,
    AlreadyStartedError,
    CallError,
    CallFailed,
    Crash,
    Down,
    Exit,
    ExitReason,
    Failure,
    GenServer,
    InitFailedError,
    NotAProcessError,
    Pid,
    Reply,
    Report,
    Shutdown,
    ThreadActor,
    Unanswered,
    ZombieReport,
    actor_ref,
    call,
    cast,
    exit_,
    exit_signal,
    intercept,
    link,
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
from regrow.actors._pykka._thread import ThreadProcess
from regrow.supervisors import BRUTAL_KILL, ChildSpec, Supervisor, which_children
from tests.support.assertions import death_of, mailbox
from tests.support.misbehaving_threads import (
    BlocksOnStart,
    BornBroken,
    FailsOnStart,
    FailsOnStop,
    NeverInitialised,
    ThreadPuppet,
)
from tests.support.thread_test import Gate, thread_test

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True)
def nothing_is_left_in_pykkas_registry() -> Iterator[None]:
    yield
    assert pykka.ActorRegistry.get_all() == []


def does(action: Callable[[ThreadPuppet], Any]) -> Callable[[ThreadPuppet], Any]:
    """Give a lambda its type, where it is what a puppet is told to do."""
    return action


def collected() -> list[Report]:
    """The reports of the current node from now on."""
    reports: list[Report] = []
    process = self_().process
    assert process is not None
    process.node.reports.listeners.append(reports.append)
    return reports


def zombies(reports: list[Report]) -> list[Pid]:
    return [report.pid for report in reports if isinstance(report, ZombieReport)]


# Starting.


@thread_test
async def test_it_is_a_process_with_a_name_a_link_and_a_mailbox() -> None:
    async with open_node():
        trap_exit()
        log: list[object] = []
        pid = await ThreadActor(ThreadPuppet, log).start_link(name="puppet")

        assert whereis("puppet") is pid
        send(pid, 1)
        cast("puppet", 2)
        assert await call("puppet", 3) == "did 3"
        assert log == ["on_start", 1, 2, 3]

        await stop("puppet", SHUTDOWN)
        assert await mailbox() == [Exit(pid, SHUTDOWN)]
        assert whereis("puppet") is None


@thread_test
async def test_the_whole_actor_lives_in_one_thread_of_its_own() -> None:
    async with open_node():
        threads: list[list[int]] = []
        pid = await ThreadActor(ThreadPuppet, []).start()
        send(pid, does(lambda puppet: threads.append(puppet.threads)))

        await stop(pid)

        assert len(threads[0]) == 3
        assert len(set(threads[0])) == 1
        assert threads[0][0] != threading.get_ident()


@pytest.mark.parametrize(
    ("recipe", "failure"),
    [
        (ThreadActor(FailsOnStart, []), "ValueError"),
        (ThreadActor(BornBroken, LookupError("bad")), "LookupError"),
        (ThreadActor(BornBroken, SystemExit(1)), "SystemExit"),
        (ThreadActor(NeverInitialised), "TypeError"),
        (ThreadActor(ThreadPuppet, no="such argument"), "TypeError"),
    ],
    ids=repr,
)
@thread_test
async def test_a_failing_start_is_an_error_of_the_starter_and_leaves_no_trace(
    recipe: ThreadActor, failure: str
) -> None:
    """S-3, S-4; pykka alone logs it."""
    async with open_node():
        trap_exit()

        with pytest.raises(InitFailedError) as caught:
            await recipe.start_link(name="it")

        assert isinstance(caught.value.reason, Crash)
        assert caught.value.reason.type == failure
        assert whereis("it") is None
        assert await mailbox() == []


@thread_test
async def test_start_refuses_a_name_that_is_held() -> None:
    async with open_node():
        pid = await ThreadActor(ThreadPuppet, []).start(name="it")

        with pytest.raises(AlreadyStartedError) as caught:
            await ThreadActor(ThreadPuppet, []).start(name="it")

        assert caught.value.pid is pid


@thread_test
async def test_a_start_that_takes_too_long_is_detached() -> None:
    """S-2."""
    async with open_node():
        trap_exit()
        log: list[object] = []
        gate = Gate()

        with pytest.raises(InitFailedError) as caught:
            await ThreadActor(BlocksOnStart, log, gate).start_link(name="it", timeout=0)

        assert caught.value.reason is TIMEOUT
        assert whereis("it") is None
        await gate.reached()
        gate.open()
        await trio.to_thread.run_sync(_until_no_actor_thread_runs)
        assert log == ["on_start"]
        assert await mailbox() == []


@thread_test
async def test_a_cancelled_start_is_detached() -> None:
    """S-2."""
    async with open_node():
        gate = Gate()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ThreadActor(BlocksOnStart, [], gate).start)
            await gate.reached()
            [ref] = pykka.ActorRegistry.get_all()
            nursery.cancel_scope.cancel()

        assert not ref.is_alive()
        gate.open()
        await trio.to_thread.run_sync(_until_no_actor_thread_runs)


@thread_test
async def test_a_process_that_gets_no_thread_fails_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_node():

        def refuse(_thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patch, pytest.raises(InitFailedError, match="can't start new thread"):
            patch.setattr(threading.Thread, "start", refuse)
            await ThreadActor(ThreadPuppet, []).start(name="it")

        assert whereis("it") is None


def test_only_thread_actors_are_driven_by_threads() -> None:
    with pytest.raises(TypeError, match="use its own start_link"):
        ThreadActor(Actor)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="is no subclass of"):
        ThreadActor(int)  # type: ignore[arg-type]


# Messages.


@thread_test
async def test_pykka_refs_work_from_any_thread() -> None:
    async with open_node():
        log: list[object] = []
        ref = actor_ref(await ThreadActor(ThreadPuppet, log).start())

        ref.tell("told")
        assert await trio.to_thread.run_sync(lambda: ref.ask("asked")) == "did asked"
        assert await trio.to_thread.run_sync(lambda: ref.proxy().shout("word").get()) == "WORD"
        assert await trio.to_thread.run_sync(ref.stop) is True
        assert log == ["on_start", "told", "asked", "on_stop"]
        assert await trio.to_thread.run_sync(ref.stop) is False


@thread_test
async def test_blocking_work_delays_nobody_else() -> None:
    class Counter(GenServer):
        def init(self) -> None:
            self.count = 0

        def handle_call(self, request: object, caller: object) -> Reply:
            self.count += 1
            return Reply(self.count)

    async with open_node():
        gate = Gate()
        pid = await ThreadActor(ThreadPuppet, []).start()
        counter = await Counter.start()
        assert counter is not None
        send(pid, does(lambda _puppet: gate.block()))
        await gate.reached()

        assert [await call(counter, "next") for _ in range(3)] == [1, 2, 3]

        gate.open()
        assert await call(pid, "free again") == "did free again"


class Helper(Actor):
    """One of our own actors, inline."""

    def on_receive(self, message: Any) -> Any:
        return f"helped {message}"


class TaskHelper(Helper):
    """The same as a task."""

    async def on_stop(self) -> None:  # type: ignore[override]
        pass


@pytest.mark.parametrize("helper", [Helper, TaskHelper])
@thread_test
async def test_a_thread_may_ask_our_actors_and_block_for_the_answer(helper: type[Helper]) -> None:
    async with open_node():
        ref = helper.start()
        pid = await ThreadActor(ThreadPuppet, []).start()

        assert await call(pid, does(lambda puppet: ref.ask("you"))) == "helped you"


@thread_test
async def test_thread_actors_ask_each_other() -> None:
    async with open_node():
        first = await ThreadActor(ThreadPuppet, []).start()
        second = actor_ref(await ThreadActor(ThreadPuppet, []).start())

        assert await call(first, does(lambda puppet: second.ask("this"))) == "did this"


@thread_test
async def test_process_primitives_are_refused_in_the_thread() -> None:
    async with open_node():
        pid = await ThreadActor(ThreadPuppet, []).start()

        with pytest.raises(CallError) as caught:
            await call(pid, does(lambda puppet: self_()))

        assert isinstance(caught.value.reason, Crash)
        assert caught.value.reason.type.endswith(NotAProcessError.__name__)


@thread_test
async def test_a_thread_that_waits_keeps_nothing_of_its_last_message() -> None:
    class Thing:
        pass

    async with open_node():
        pid = await ThreadActor(ThreadPuppet, []).start()
        thing = Thing()
        gone = weakref.ref(thing)
        await call(pid, partial(_look_at, thing))
        await call(pid, does(lambda puppet: None))
        del thing
        gc.collect()
        assert gone() is None


# Failing.


@thread_test
async def test_an_exception_out_of_a_tell_is_a_crash_after_on_failure() -> None:
    async with open_node():
        log: list[object] = []
        pid = await ThreadActor(ThreadPuppet, log).start()
        ref = monitor(pid)

        send(pid, ValueError("told to"))
        reason = await death_of(ref)

        assert isinstance(reason, Crash)
        assert (reason.type, reason.message) == ("ValueError", "told to")
        assert reason.stack[-1].function == "ThreadPuppet.on_receive"
        assert log == ["on_start", ("on_failure", ValueError)]


@thread_test
async def test_a_crash_keeps_nothing_of_the_actor_alive() -> None:
    async with open_node():
        pid = await ThreadActor(ThreadPuppet, []).start()
        process = pid.process
        assert process is not None
        actor = weakref.ref(process.server)
        ref = monitor(pid)
        del process

        send(pid, does(lambda puppet: puppet.log.remove("nothing")))
        reason = await death_of(ref)
        await trio.to_thread.run_sync(_until_no_actor_thread_runs)
        gc.collect()

        assert isinstance(reason, Crash)
        assert actor() is None


@thread_test
async def test_its_supervisor_starts_it_again() -> None:
    async with open_node():
        supervisor = await Supervisor.start_link([ChildSpec("puppet", ThreadActor(ThreadPuppet, []).start_link)])
        assert supervisor is not None
        [before] = await which_children(supervisor)
        assert isinstance(before.pid, Pid)
        ref = monitor(before.pid)

        send(before.pid, RuntimeError("told to"))
        await death_of(ref)
        [after] = await which_children(supervisor)

        assert isinstance(after.pid, Pid)
        assert after.pid is not before.pid
        assert await call(after.pid, "again") == "did again"


@thread_test
async def test_an_exception_in_an_ask_goes_to_whoever_asked_and_the_actor_lives_on() -> None:
    """pykka's contract."""
    async with open_node():
        pid = await ThreadActor(ThreadPuppet, []).start()
        ref = actor_ref(pid)

        with pytest.raises(ValueError, match="told to"):
            await trio.to_thread.run_sync(lambda: ref.ask(ValueError("told to")))
        assert await call(pid, "still here") == "did still here"


@thread_test
async def test_an_exception_in_a_call_is_a_call_error_and_the_actor_lives_on() -> None:
    async with open_node():
        pid = await ThreadActor(ThreadPuppet, []).start()

        with pytest.raises(CallError) as caught:
            await call(pid, ValueError("told to"))
        assert isinstance(caught.value.reason, Crash)
        assert caught.value.reason.message == "told to"

        request = send_request(pid, ValueError("again"))
        answer = await receive()
        assert isinstance(answer, Unanswered)
        assert answer.ref is request
        assert pid.is_alive


@thread_test
async def test_a_system_message_is_dropped_and_who_asked_waits_in_vain() -> None:  # Y-4
    async with open_node():
        log: list[object] = []
        pid = await ThreadActor(ThreadPuppet, log).start()

        with pytest.raises(CallError) as caught:
            await sys.get_state(pid, timeout=0.01)

        assert caught.value.reason is TIMEOUT
        assert await call(pid, "something") == "did something"
        assert not any(isinstance(entry, sys.SystemMessage) for entry in log)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), BaseExceptionGroup("both", [SystemExit(3)])])
@pytest.mark.parametrize("way", [send, call])
@thread_test
async def test_what_elsewhere_ends_the_node_ends_one_thread_actor_and_no_other(
    error: BaseException, way: Callable[[Pid, object], Any]
) -> None:
    """Alone, pykka would stop every actor of the program."""
    async with open_node():
        bystander = await ThreadActor(ThreadPuppet, []).start()
        stranger = ThreadPuppet.start([])
        pid = await ThreadActor(ThreadPuppet, []).start()
        ref = monitor(pid)

        if way is call:
            with pytest.raises(CallError):
                await way(pid, error)
        else:
            way(pid, error)

        reason = await death_of(ref)
        assert isinstance(reason, Crash)
        assert reason.type == type(error).__name__
        assert await call(bystander, "here") == "did here"
        assert stranger.is_alive()
        stranger.stop()


@pytest.mark.parametrize("reason", [NORMAL, Shutdown("enough"), Failure("bad")])
@thread_test
async def test_it_may_choose_its_exit_reason(reason: ExitReason) -> None:
    async with open_node():
        pid = await ThreadActor(ThreadPuppet, []).start()
        ref = monitor(pid)

        send(pid, does(lambda puppet: exit_(reason)))

        assert await death_of(ref) == reason


@thread_test
async def test_an_ask_of_the_dead_that_nobody_caught_is_its_exit_reason() -> None:
    async with open_node():
        helper = Helper.start()
        await trio.to_thread.run_sync(helper.stop)
        pid = await ThreadActor(ThreadPuppet, []).start()
        ref = monitor(pid)

        send(pid, does(lambda puppet: helper.ask("you")))

        assert isinstance(await death_of(ref), (CallFailed, Crash))


@thread_test
async def test_an_intercepted_thread_crashes_as_if_its_handler_had() -> None:
    async with open_node():
        pid = await ThreadActor(ThreadPuppet, []).start()
        ref = monitor(pid)

        def crash(message: object) -> None:
            raise RuntimeError(f"not {message}")

        intercept(pid, crash)
        send(pid, "this")

        reason = await death_of(ref)
        assert isinstance(reason, Crash)
        assert reason.message == "not this"


# Stopping.


@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, Shutdown("enough")])
@thread_test
async def test_stop_runs_on_stop_and_is_the_reason(reason: ExitReason) -> None:
    async with open_node():
        log: list[object] = []
        trap_exit()
        pid = await ThreadActor(ThreadPuppet, log).start_link()

        await stop(pid, reason)

        assert log == ["on_start", "on_stop"]
        assert await mailbox() == [Exit(pid, reason)]


@thread_test
async def test_an_exit_signal_stops_it_behind_the_messages_that_wait() -> None:
    async with open_node():
        log: list[object] = []
        gate = Gate()
        pid = await ThreadActor(ThreadPuppet, log).start()
        ref = monitor(pid)
        send(pid, does(lambda _puppet: gate.block()))
        send(pid, "before")
        await gate.reached()
        exit_signal(pid, SHUTDOWN)
        send(pid, "after")
        gate.open()

        assert await death_of(ref) is SHUTDOWN
        assert log == ["on_start", "before", "on_stop"]


@thread_test
async def test_an_exit_signal_that_says_normal_is_ignored() -> None:
    """L-7."""
    async with open_node():
        pid = await ThreadActor(ThreadPuppet, []).start()

        exit_signal(pid, NORMAL)

        assert await call(pid, "here") == "did here"


@thread_test
async def test_it_stops_when_a_linked_process_crashes() -> None:
    async with open_node():
        log: list[object] = []
        pid = await ThreadActor(ThreadPuppet, log).start()
        ref = monitor(pid)

        async def peer() -> None:
            link(pid)
            exit_(Failure("bad"))

        spawn(peer)

        assert await death_of(ref) == Failure("bad")
        assert log == ["on_start", "on_stop"]


@pytest.mark.parametrize("way", ["leave", "ref"])
@thread_test
async def test_stopping_by_itself_or_by_its_ref_is_normal(way: str) -> None:
    async with open_node():
        log: list[object] = []
        trap_exit()
        pid = await ThreadActor(ThreadPuppet, log).start_link()
        ref = actor_ref(pid)

        if way == "leave":
            send(pid, does(lambda puppet: puppet.leave()))
        else:
            ref.stop(block=False)

        assert await receive() == Exit(pid, NORMAL)
        assert log == ["on_start", "on_stop"]
        assert not ref.is_alive()


@thread_test
async def test_a_failing_on_stop_is_a_crash_and_whoever_asked_is_answered() -> None:
    async with open_node():
        pid = await ThreadActor(FailsOnStop, []).start()
        ref = monitor(pid)

        assert await trio.to_thread.run_sync(actor_ref(pid).stop) is True

        reason = await death_of(ref)
        assert isinstance(reason, Crash)
        assert reason.type == "ArithmeticError"


@thread_test
async def test_what_waits_behind_a_stop_is_refused_with_the_reason() -> None:
    async with open_node():
        gate = Gate()
        pid = await ThreadActor(ThreadPuppet, []).start()
        ref = actor_ref(pid)
        send(pid, does(lambda _puppet: gate.block()))
        await gate.reached()
        ref.stop(block=False)
        late = ref.ask("late", block=False)
        request = send_request(pid, "late too")
        gate.open()

        with pytest.raises(ActorDiedError) as caught:
            await trio.to_thread.run_sync(late.get)
        assert caught.value.reason is NORMAL
        assert await receive() == Unanswered(request, NORMAL)
        with pytest.raises(pykka.ActorDeadError):
            ref.tell("later")


@thread_test
async def test_pykkas_stop_all_stops_it_even_from_the_thread_trio_runs_in() -> None:
    async with open_node():
        trap_exit()
        pid = await ThreadActor(ThreadPuppet, []).start_link()
        assert [str(ref) for ref in pykka.ActorRegistry.get_by_class(ThreadPuppet)] == [str(actor_ref(pid))]

        assert pykka.ActorRegistry.stop_all() == [True]

        assert await receive() == Exit(pid, NORMAL)


@thread_test
async def test_the_end_of_the_node_stops_it_in_order() -> None:
    log: list[object] = []
    async with open_node():
        await Supervisor.start_link([ChildSpec("puppet", ThreadActor(ThreadPuppet, log).start_link)])
    assert log == ["on_start", "on_stop"]


# Killing.


@thread_test
async def test_a_killed_thread_is_dead_for_the_system_at_once() -> None:
    async with open_node():
        log: list[object] = []
        gate = Gate()
        recipe = ThreadActor(ThreadPuppet, log)
        pid = await recipe.start(name="it")
        ref = actor_ref(pid)

        def work(puppet: ThreadPuppet) -> str:
            gate.block()
            puppet.log.append("late effect")
            return "late answer"

        running = ref.ask(work, block=False)
        await gate.reached()
        waiting = ref.ask("waiting", block=False)
        stopping = ref.stop(block=False)
        watch = monitor(pid)
        exit_signal(pid, KILL)

        assert not pid.is_alive
        assert await receive(timeout=0) == Down(watch, pid, KILLED)
        for future in (running, waiting):
            with pytest.raises(ActorDiedError) as caught:
                future.get(timeout=0)
            assert caught.value.reason is KILLED
        assert stopping.get(timeout=0) is True
        with pytest.raises(pykka.ActorDeadError):
            ref.tell("too late")
        assert pykka.ActorRegistry.get_all() == []
        with pytest.raises(ActorDiedError):
            actor_ref(pid)

        successor = await recipe.start(name="it")
        assert await call("it", "mine") == "did mine"
        gate.open()
        await stop(successor)
        await trio.to_thread.run_sync(_until_no_actor_thread_runs)
        assert log[:3] == ["on_start", "on_start", "mine"]
        assert sorted(map(str, log[3:])) == ["late effect", "on_stop"]  # each of one thread
        with pytest.raises(ActorDiedError):
            running.get(timeout=0)


@thread_test
async def test_a_caller_of_a_killed_thread_hears_of_it_and_no_late_answer_reaches_it() -> None:
    """G-4."""
    async with open_node():
        gate = Gate()
        pid = await ThreadActor(ThreadPuppet, []).start()
        request = send_request(pid, does(lambda _puppet: gate.block()))
        await gate.reached()

        exit_signal(pid, KILL)
        assert await mailbox() == [Unanswered(request, KILLED)]

        gate.open()
        await trio.to_thread.run_sync(_until_no_actor_thread_runs)
        await wait_all_tasks_blocked()
        assert await mailbox() == []


@thread_test
async def test_brutal_kill_of_a_supervisor_waits_for_no_thread() -> None:
    gate = Gate()
    log: list[object] = []
    async with open_node():
        trap_exit()
        spec = ChildSpec("puppet", ThreadActor(ThreadPuppet, log).start_link, shutdown=BRUTAL_KILL)
        supervisor = await Supervisor.start_link([spec])
        assert supervisor is not None
        [child] = await which_children(supervisor)
        assert isinstance(child.pid, Pid)
        send(child.pid, does(lambda _puppet: gate.block()))
        await gate.reached()

        await stop(supervisor, SHUTDOWN)

        assert not child.pid.is_alive
        gate.open()
    assert log == ["on_start"]


def test_a_killed_thread_that_goes_on_for_long_is_reported_once() -> None:
    clock = MockClock()
    gate = Gate()

    async def main() -> None:
        async with open_node():
            reports = collected()
            pid = await ThreadActor(ThreadPuppet, []).start()
            idle = await ThreadActor(ThreadPuppet, []).start()
            send(pid, does(lambda _puppet: gate.block()))
            await gate.reached()
            assert await call(idle, "here") == "did here"
            await trio.to_thread.run_sync(_until_idle, idle)
            exit_signal(pid, KILL)
            exit_signal(idle, KILL)
            await wait_all_tasks_blocked()
            assert zombies(reports) == []

            clock.jump(5)
            await wait_all_tasks_blocked()

            assert zombies(reports) == [pid]
            assert "was killed 5.0 s ago" in str(reports[-1])
        assert zombies(reports) == [pid]
        gate.open()
        await trio.to_thread.run_sync(_until_no_actor_thread_runs)

    trio.run(main, clock=clock)


def test_a_killed_thread_that_ends_in_time_is_not_reported() -> None:
    clock = MockClock()

    async def main() -> None:
        gate = Gate()
        async with open_node():
            reports = collected()
            pid = await ThreadActor(ThreadPuppet, []).start()
            send(pid, does(lambda _puppet: gate.block()))
            await gate.reached()
            exit_signal(pid, KILL)
            gate.open()
            await trio.to_thread.run_sync(_until_no_actor_thread_runs)
            await wait_all_tasks_blocked()
            clock.jump(60)
            await wait_all_tasks_blocked()
            assert zombies(reports) == []

    trio.run(main, clock=clock)


@thread_test
async def test_a_node_does_not_wait_for_a_thread_that_hangs_but_reports_it() -> None:
    gate = Gate()
    async with open_node(shutdown_timeout=0):
        reports = collected()
        pid = await ThreadActor(ThreadPuppet, []).start()
        send(pid, does(lambda _puppet: gate.block()))
        await gate.reached()
    assert zombies(reports) == [pid]
    gate.open()
    await trio.to_thread.run_sync(_until_no_actor_thread_runs)


def test_a_thread_that_ends_after_trio_has_ended_harms_nobody() -> None:
    gate = Gate()

    async def main() -> None:
        async with open_node(shutdown_timeout=0):
            pid = await ThreadActor(ThreadPuppet, []).start()
            send(pid, does(lambda _puppet: gate.block()))
            await gate.reached()

    trio.run(main)
    gate.open()
    _until_no_actor_thread_runs()  # what a thread raises is a warning, and warnings are errors here


# The ref.


@thread_test
async def test_only_pykka_actors_have_a_ref() -> None:
    async with open_node():
        with pytest.raises(TypeError, match="is no pykka actor"):
            actor_ref(self_())
        helper = Helper.start()
        pid = helper._actor_weakref().pid  # type: ignore[union-attr]
        assert actor_ref(pid) is helper
        assert actor_ref(await ThreadActor(ThreadPuppet, []).start()).actor_class is ThreadPuppet


def _until_no_actor_thread_runs() -> None:
    for thread in threading.enumerate():
        if " <0." in thread.name:
            thread.join()


def _look_at(thing: object, _puppet: ThreadPuppet) -> str:
    return type(thing).__name__


def _until_idle(pid: Pid) -> None:
    process = pid.process
    assert process is not None
    assert isinstance(process, ThreadProcess)
    while process.mailbox.is_busy:
        pass
