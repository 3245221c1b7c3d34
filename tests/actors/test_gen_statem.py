"""GenStatem: what OTP's ``gen_statem`` promises, for both drivers.

Which event comes next in any mix of actions is compared with a real BEAM in ``tests/conformance/statem``.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any
from typing import cast as cast_to

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    HIBERNATE,
    IGNORE,
    KILL,
    KILLED,
    NORMAL,
    POSTPONE,
    SHUTDOWN,
    After,
    AlreadyStartedError,
    BadReturn,
    Call,
    CallError,
    CancelTimeout,
    Cast,
    Crash,
    Down,
    Enter,
    Event,
    EventTimeout,
    Exit,
    ExitReason,
    Fail,
    Failure,
    From,
    GenStatem,
    Info,
    InitFailedError,
    Internal,
    Keep,
    NamedTimeout,
    Next,
    NextEvent,
    Pid,
    Repeat,
    Reply,
    ReplyTo,
    Report,
    ServerTerminated,
    State,
    StateTimeout,
    Stop,
    StopAndReply,
    Transition,
    UpdateTimeout,
    call,
    cast,
    exit_,
    exit_signal,
    monitor,
    open_node,
    receive,
    reply,
    send,
    state,
    stop,
    sys,
    trap_exit,
    whereis,
)
from regrow.actors._processes._process import Origin, Process, exit_arrives
from tests.support.assertions import death_of, mailbox
from tests.support.misbehaving import raising
from tests.support.trio_test import trio_test

Log = list[object]


class Door(GenStatem):
    """The code lock of OTP's Design Principles: opens with its code, and locks itself after ten seconds."""

    def init(self, code: int) -> Next:
        self.code = code
        self.guesses = 0
        return Next(self.locked)

    @state
    def locked(self, event: Event) -> Any:
        match event:
            case Cast(code) if code == self.code:
                return Next(self.open, After(10, StateTimeout("lock")))
            case Cast():
                self.guesses += 1
                return Keep()
            case _:
                return self.common(event)

    @state
    def open(self, event: Event) -> Any:
        match event:
            case StateTimeout("lock"):
                return Next(self.locked)
            case Cast():
                return Keep(POSTPONE)
            case _:
                return self.common(event)

    def common(self, event: Event) -> Any:
        match event:
            case Call("state", caller):
                return Keep(ReplyTo(caller, self._machine.state))
            case Call("misspelt", _):
                return Next("opne")
            case _:
                return None


class SlowDoor(Door):
    """The same door as a task."""

    @state
    async def open(self, event: Event) -> Any:
        await trio.lowlevel.checkpoint()
        return Door.open(self, event)


both_doors = pytest.mark.parametrize("door", [Door, SlowDoor])


class Puppet(GenStatem):
    """A machine that carries out the functions it is sent, and writes down all events it gets."""

    def init(self, log: Log, begin: Action | None = None) -> Any:
        self.log = log
        return Next("a") if begin is None else begin(self)

    def handle_event(self, event: Event, state: Any) -> Any:
        return self.handled(event, state)

    def handled(self, event: Event, state: Any) -> Any:
        match event:
            case Cast(action) if callable(action):
                return action(self)
            case Call(action, caller) if callable(action):
                return action(self, caller)
            case _:
                self.log.append((state, event))
                return None

    def terminate(self, reason: ExitReason, state: Any) -> Any:
        self.log.append(("terminate", reason, state))


class TaskPuppet(Puppet):
    """The same, as a task."""

    async def handle_event(self, event: Event, state: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return self.handled(event, state)


class EnteringPuppet(Puppet):
    state_enter = True


both_puppets = pytest.mark.parametrize("puppet", [Puppet, TaskPuppet])


Action = Callable[["Puppet"], Any]


def does(action: Action) -> Action:
    """Give a lambda that a `Puppet` is to carry out its type."""
    return action


def answers(action: Callable[[Puppet, From], Any]) -> Callable[[Puppet, From], Any]:
    """The same for the request of a call."""
    return action


def untyped(value: Any) -> Any:
    """Let a value pass where a type checker would not have it."""
    return value


async def started(machine: type[GenStatem], *args: Any, name: str | None = None) -> Pid:
    """Start a linked machine that is expected to come up."""
    pid = await machine.start_link(*args, name=name)
    assert pid is not None
    return pid


async def told(machine: Pid, *actions: Action | str) -> None:
    """Cast actions to a machine, and wait until they are done."""
    for action in actions:
        cast(machine, action)
    await wait_all_tasks_blocked()


# States that are methods.


@both_doors
@trio_test
async def test_a_machine_goes_from_state_to_state(door: type[Door]) -> None:
    async with open_node():
        pid = await started(door, 7)

        assert await call(pid, "state") == "locked"
        cast(pid, 7)
        assert await call(pid, "state") == "open"
        await trio.sleep(11)
        assert await call(pid, "state") == "locked"


@both_doors
@trio_test
async def test_a_postponed_event_comes_back_when_the_state_changes(door: type[Door]) -> None:
    async with open_node():
        pid = await started(door, 7)

        for guess in (7, 1, 7, 2):
            cast(pid, guess)
        await trio.sleep(11)  # the first 7 has run out: the second opened the door again, and 2 is postponed anew

        assert await call(pid, "state") == "open"
        assert (await sys.get_state(pid))[1] == {"code": 7, "guesses": 1}


@both_doors
@trio_test
async def test_a_misspelt_state_ends_the_machine_with_a_reason_that_lists_the_states(door: type[Door]) -> None:
    async with open_node():
        trap_exit()
        pid = await started(door, 7)

        with pytest.raises(CallError) as failed:
            await call(pid, "misspelt")

        reason = failed.value.reason
        assert isinstance(reason, BadReturn)
        assert (reason.callback, reason.got) == ("Door.locked", "Next('opne')")
        assert reason.expected == f"a state of {door.__qualname__}, which are 'locked', 'open'"


def test_a_state_is_its_name() -> None:
    assert isinstance(Door.open, State)
    assert Door.open == "open"
    assert Door.open != Door.locked
    assert pickle.loads(pickle.dumps(Door.open)) == "open"  # noqa: S301 - our own bytes


def test_a_state_that_hides_an_attribute_of_the_machine_is_refused() -> None:
    with pytest.raises(TypeError, match=r"cannot have a state 'init': GenStatem\.init is something else"):

        class Bad(GenStatem):  # pyright: ignore[reportUnusedClass]
            @state
            def init(self, event: Event) -> Any: ...  # pyright: ignore[reportIncompatibleMethodOverride] - the test


def test_a_state_under_another_name_is_refused() -> None:
    with pytest.raises(TypeError, match="bound to another name: 'shut'"):

        class Bad(GenStatem):  # pyright: ignore[reportUnusedClass]
            @state
            def open(self, event: Event) -> Any: ...

            shut = open  # noqa: A003 - the state above


@trio_test
async def test_a_machine_without_states_is_refused_at_its_start() -> None:
    class Empty(GenStatem):
        def init(self) -> Next:
            return Next("a")

    async with open_node():
        with pytest.raises(TypeError, match="Empty has no states: declare methods with @state"):
            await Empty.start()


@trio_test
async def test_handle_event_may_handle_what_is_the_same_in_all_states() -> None:
    class Greeting(Door):
        def handle_event(self, event: Event, state: Any) -> Any:
            match event:
                case Call("hello", caller):
                    return Keep(ReplyTo(caller, f"hello from {state}"))
                case _:
                    return super().handle_event(event, state)

    async with open_node():
        pid = await started(Greeting, 7)

        assert await call(pid, "hello") == "hello from locked"
        cast(pid, 7)
        assert await call(pid, "hello") == "hello from open"


@trio_test
async def test_a_subclass_may_replace_a_state() -> None:
    class Ajar(Door):
        @state
        def open(self, event: Event) -> Any:
            match event:
                case Call("state", caller):
                    return Keep(ReplyTo(caller, "ajar"))
                case _:
                    return Door.open(self, event)

    async with open_node():
        pid = await started(Ajar, 7)
        cast(pid, 7)
        assert await call(pid, "state") == "ajar"


# States that are values.


@both_puppets
@trio_test
async def test_a_state_may_be_any_value_that_can_be_compared(puppet: type[Puppet]) -> None:
    async with open_node():
        log: Log = []
        pid = await started(puppet, log, does(lambda _puppet: Next(["list"])))

        await told(pid, lambda _puppet: Keep(POSTPONE), lambda _puppet: Next(["list"]), "still here")
        assert log == [(["list"], Cast("still here"))]
        await told(pid, lambda _puppet: Next(("tuple", 1)))
        assert (await sys.get_state(pid))[0] == ("tuple", 1)


# The init table.


@both_puppets
@pytest.mark.parametrize(
    ("begin", "reason"),
    [
        (does(lambda _puppet: Stop(Failure("x"))), Failure("x")),
        (does(lambda _puppet: Fail(Failure("x"))), Failure("x")),
        (does(lambda _puppet: exit_(SHUTDOWN)), SHUTDOWN),
        (does(lambda _puppet: None), BadReturn("Puppet.init", "None", "Next, IGNORE, Fail or Stop")),
        (does(lambda _puppet: Keep()), BadReturn("Puppet.init", "Keep()", "Next, IGNORE, Fail or Stop")),
    ],
)
@trio_test
async def test_init_that_fails_fails_the_start_and_terminate_does_not_run(
    puppet: type[Puppet], begin: Any, reason: ExitReason
) -> None:
    async with open_node():
        trap_exit()
        log: Log = []

        with pytest.raises(InitFailedError) as failed:
            await puppet.start_link(log, begin, name="it")

        assert failed.value.reason == reason
        assert log == []
        assert whereis("it") is None
        assert await mailbox() == []


@trio_test
async def test_init_that_begins_in_no_state_of_its_class_fails_the_start() -> None:
    class Lost(Door):
        def init(self, code: int) -> Next:
            return Next("nowhere")

    async with open_node():
        with pytest.raises(InitFailedError, match=r"a state of .*Lost, which are 'locked', 'open'"):
            await Lost.start(7)


@both_puppets
@trio_test
async def test_init_that_returns_ignore_starts_nothing(puppet: type[Puppet]) -> None:
    async with open_node():
        assert await puppet.start_link([], does(lambda _puppet: IGNORE), name="it") is None
        assert whereis("it") is None


@trio_test
async def test_start_finds_its_name_taken() -> None:
    async with open_node():
        pid = await started(Puppet, [], name="it")

        with pytest.raises(AlreadyStartedError) as failed:
            await Puppet.start_link([], name="it")
        assert failed.value.pid is pid


@both_puppets
@trio_test
async def test_actions_of_init_come_before_any_message_even_those_sent_in_init(puppet: type[Puppet]) -> None:
    async with open_node():
        log: Log = []

        def begin(machine: Puppet) -> Next:
            send(machine.pid, "sent in init")
            return Next("a", After(0, StateTimeout("due")), NextEvent(Internal("first")), POSTPONE)

        await started(puppet, log, begin)
        await wait_all_tasks_blocked()

        assert log == [("a", Internal("first")), ("a", StateTimeout("due")), ("a", Info("sent in init"))]


# Timeouts.


@both_puppets
@trio_test
async def test_a_state_timeout_is_cancelled_by_a_change_of_state_and_by_nothing_else(puppet: type[Puppet]) -> None:
    async with open_node():
        log: Log = []
        pid = await started(puppet, log)

        await told(pid, lambda _puppet: Next("b", After(10, StateTimeout("b over"))))
        await trio.sleep(5)
        await told(pid, lambda _puppet: Repeat(), lambda _puppet: Next("b"))
        await trio.sleep(6)
        assert log == [("b", StateTimeout("b over"))]
        await told(pid, lambda _puppet: Keep(After(10, StateTimeout("too late"))), lambda _puppet: Next("c"))
        await trio.sleep(20)
        assert log[1:] == []


@both_puppets
@trio_test
async def test_an_event_timeout_is_cancelled_by_any_event(puppet: type[Puppet]) -> None:
    async with open_node():
        log: Log = []
        pid = await started(puppet, log)

        await told(pid, lambda _puppet: Keep(After(10, EventTimeout("idle"))))
        await trio.sleep(11)
        assert log == [("a", EventTimeout("idle"))]
        await told(pid, lambda _puppet: Keep(After(10, EventTimeout("idle"))), "event")
        await trio.sleep(20)
        assert log[1:] == [("a", Cast("event"))]


@both_puppets
@trio_test
async def test_a_named_timeout_survives_events_and_changes_of_state(puppet: type[Puppet]) -> None:
    async with open_node():
        log: Log = []
        pid = await started(puppet, log)

        await told(
            pid,
            lambda _puppet: Keep(After(10, NamedTimeout("x", 1)), After(12, NamedTimeout("y", 2))),
            lambda _puppet: Next("b"),
        )
        await trio.sleep(13)
        assert log == [("b", NamedTimeout("x", 1)), ("b", NamedTimeout("y", 2))]


@trio_test
async def test_a_timeout_set_again_replaces_the_old_one() -> None:
    async with open_node():
        log: Log = []
        pid = await started(Puppet, log)

        await told(
            pid,
            lambda _puppet: Keep(After(10, NamedTimeout("x", "old"))),
            lambda _puppet: Keep(After(20, NamedTimeout("x", "new"))),
        )
        await trio.sleep(15)
        assert log == []
        await trio.sleep(6)
        assert log == [("a", NamedTimeout("x", "new"))]


@pytest.mark.parametrize("cancel", [CancelTimeout(NamedTimeout("x")), After(math.inf, NamedTimeout("x"))])
@trio_test
async def test_a_timeout_can_be_cancelled(cancel: Any) -> None:
    async with open_node():
        log: Log = []
        pid = await started(Puppet, log)

        await told(pid, lambda _puppet: Keep(After(10, NamedTimeout("x"))), lambda _puppet: Keep(cancel))
        await trio.sleep(20)
        assert log == []


@trio_test
async def test_updating_a_timeout_changes_what_it_brings_and_not_when() -> None:
    async with open_node():
        log: Log = []
        pid = await started(Puppet, log)

        await told(pid, lambda _puppet: Keep(After(10, StateTimeout("old"))))
        await trio.sleep(6)
        await told(pid, lambda _puppet: Keep(UpdateTimeout(StateTimeout("new"))))
        assert log == []
        await trio.sleep(5)
        assert log == [("a", StateTimeout("new"))]


@trio_test
async def test_updating_a_timeout_that_does_not_run_brings_it_at_once() -> None:
    async with open_node():
        log: Log = []
        pid = await started(Puppet, log)

        await told(pid, lambda _puppet: Keep(UpdateTimeout(StateTimeout("now"))))
        assert log == [("a", StateTimeout("now"))]


@trio_test
async def test_a_timeout_that_rang_while_it_was_being_cancelled_does_not_come() -> None:
    async with open_node():
        log: Log = []

        async def overrun(_puppet: Puppet) -> Any:
            await trio.sleep(5)
            return Next("b")

        class Slow(TaskPuppet):
            async def handle_event(self, event: Event, state: Any) -> Any:
                outcome = self.handled(event, state)
                return await outcome if hasattr(outcome, "__await__") else outcome

        pid = await started(Slow, log)
        cast(pid, does(lambda _puppet: Keep(After(2, StateTimeout("too late")))))
        cast(pid, overrun)
        await trio.sleep(10)
        assert log == []
        assert (await sys.get_state(pid))[0] == "b"


# Enter calls.


@trio_test
async def test_a_state_is_entered_at_the_start_at_each_change_and_when_repeated() -> None:
    async with open_node():
        log: Log = []
        pid = await started(EnteringPuppet, log)

        await told(pid, lambda _p: Next("b"), lambda _p: Next("b"), lambda _p: Keep(), lambda _p: Repeat())

        assert log == [("a", Enter("a")), ("b", Enter("a")), ("b", Enter("b"))]


@trio_test
async def test_without_state_enter_repeat_is_keep() -> None:
    async with open_node():
        log: Log = []
        pid = await started(Puppet, log)

        await told(pid, lambda _puppet: Repeat(), lambda _puppet: Next("b"))
        assert log == []


@trio_test
async def test_the_start_is_over_before_the_first_state_is_entered() -> None:
    class Hopeless(EnteringPuppet):
        def handle_event(self, event: Event, state: Any) -> Any:
            raise ArithmeticError("cannot enter")

    async with open_node():
        trap_exit()
        pid = await started(Hopeless, [])

        message = await receive(Exit)
        assert message.pid is pid
        assert isinstance(message.reason, Crash)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Next("c"), "an enter call may not change the state: Keep, Repeat or Stop"),
        (Keep(POSTPONE), "an enter call has no event to postpone: no POSTPONE"),
        (Keep(NextEvent(Internal())), "an enter call may not insert events: no NextEvent"),
    ],
)
@trio_test
async def test_an_enter_call_may_do_only_so_much(outcome: Any, expected: str) -> None:
    class Overbold(EnteringPuppet):
        def handle_event(self, event: Event, state: Any) -> Any:
            return outcome if event == Enter("a") and state == "b" else super().handle_event(event, state)

    async with open_node():
        pid = await started_unlinked(Overbold, [])
        ref = monitor(pid)

        cast(pid, does(lambda _puppet: Next("b")))

        reason = await death_of(ref)
        assert isinstance(reason, BadReturn)
        assert reason.expected == expected


async def started_unlinked(machine: type[GenStatem], *args: Any) -> Pid:
    """Start a machine linked to nobody that is expected to come up."""
    pid = await machine.start(*args)
    assert pid is not None
    return pid


# Replies and ends.


@both_puppets
@trio_test
async def test_a_call_may_be_answered_later_by_anybody(puppet: type[Puppet]) -> None:
    async with open_node():
        pid = await started(puppet, [])
        kept: list[Any] = []

        def keep(_puppet: Puppet, caller: Any) -> Keep:
            kept.append(caller)
            return Keep(After(1, EventTimeout()))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer_soon, kept)
            assert await call(pid, keep) == "later"


async def answer_soon(kept: list[Any]) -> None:
    await trio.sleep(2)
    reply(kept[0], "later")


BAD: list[tuple[Any, str]] = [
    (None, "an outcome for a call, like Keep(ReplyTo(caller, value)), or Keep() to reply later"),
    (7, "None, Next, Keep, Repeat, Stop or StopAndReply"),
    (Reply(7), "None, Next, Keep, Repeat, Stop or StopAndReply"),
    (Stop(NORMAL, reply=7), "Stop without a reply; to reply, StopAndReply(reason, ReplyTo(caller, value))"),
    (Keep(ReplyTo(untyped("nobody"), 7)), "a reply is ReplyTo(caller, value) with the caller of a Call"),
    (StopAndReply(NORMAL, untyped(7)), "a reply is ReplyTo(caller, value) with the caller of a Call, got 7"),
    (Keep(untyped(Internal())), "actions are ReplyTo, POSTPONE, NextEvent"),
    (Keep(NextEvent(untyped("text"))), "NextEvent of an event, like Internal or Cast, got 'text'"),
    (Keep(NextEvent(Enter("a"))), "NextEvent of an event, like Internal or Cast"),
    (Keep(After(1, untyped("text"))), "a timeout is an EventTimeout, StateTimeout or NamedTimeout, got 'text'"),
    (Keep(After(-1, StateTimeout())), "a timeout's seconds are a number, not negative, got -1"),
    (Keep(After(untyped("1"), StateTimeout())), "a timeout's seconds are a number, not negative, got '1'"),
    (Keep(After(1, NamedTimeout([]))), "the name of a timeout is hashable, got []"),
    (Keep(After(math.nan, StateTimeout())), "a timeout's seconds are a number, not negative, got nan"),
]


@pytest.mark.parametrize(("outcome", "expected"), BAD, ids=[repr(outcome) for outcome, _ in BAD])
@trio_test
async def test_an_outcome_outside_the_contract_ends_the_machine_and_says_what_would_be_right(
    outcome: Any, expected: str
) -> None:
    async with open_node():
        log: Log = []
        pid = await started_unlinked(Puppet, log)

        with pytest.raises(CallError) as failed:
            await call(pid, answers(lambda _puppet, _caller: outcome))

        reason = failed.value.reason
        assert isinstance(reason, BadReturn)
        assert reason.expected.startswith(expected)
        assert log == [("terminate", reason, "a")]


@both_puppets
@trio_test
async def test_stop_and_reply_replies_before_terminate_runs(puppet: type[Puppet]) -> None:
    async with open_node():
        log: Log = []
        pid = await started_unlinked(puppet, log)
        ref = monitor(pid)

        answer = await call(pid, answers(lambda _puppet, caller: StopAndReply(Failure("x"), ReplyTo(caller, "bye"))))

        assert answer == "bye"
        assert await death_of(ref) == Failure("x")
        assert log == [("terminate", Failure("x"), "a")]


@both_puppets
@trio_test
async def test_stop_terminates_a_machine_with_the_state_it_is_in(puppet: type[Puppet]) -> None:
    async with open_node():
        log: Log = []
        pid = await started(puppet, log)
        await told(pid, lambda _puppet: Next("b"))

        await stop(pid)

        assert log == [("terminate", NORMAL, "b")]


@both_puppets
@trio_test
async def test_a_crash_terminates_with_its_reason_and_ends_what_was_queued(puppet: type[Puppet]) -> None:
    async with open_node():
        log: Log = []
        pid = await started_unlinked(puppet, log)
        ref = monitor(pid)

        await told(
            pid,
            lambda _puppet: Keep(
                NextEvent(Cast(does(lambda _puppet: raising(KeyError("x"))))), NextEvent(Internal("never")), POSTPONE
            ),
        )

        reason = await death_of(ref)
        assert isinstance(reason, Crash)
        assert log == [("terminate", reason, "a")]


@both_puppets
@trio_test
async def test_what_terminate_raises_replaces_the_reason(puppet: type[Puppet]) -> None:
    class Fails(puppet):  # type: ignore[valid-type, misc]
        def terminate(self, reason: ExitReason, state: Any) -> Any:
            exit_(Failure("terminate"))

    async with open_node():
        pid = await started_unlinked(Fails, [])
        ref = monitor(pid)

        await told(pid, lambda _puppet: Stop(NORMAL))

        assert await death_of(ref) == Failure("terminate")


@both_puppets
@trio_test
async def test_a_machine_that_traps_exits_terminates_with_its_parent_and_is_told_of_others(
    puppet: type[Puppet],
) -> None:
    async with open_node():
        trap_exit()
        log: Log = []

        def begin(_puppet: Puppet) -> Next:
            trap_exit()
            return Next("a")

        pid = await started(puppet, log, begin)
        other = await started(Puppet, [])
        await told(pid, does(lambda _puppet: exit_signal(other, KILL)))
        monitor_of_other = Exit(other, KILLED)
        send(pid, monitor_of_other)
        exit_signal(pid, SHUTDOWN)
        await wait_all_tasks_blocked()

        assert log == [("a", Info(monitor_of_other)), ("terminate", SHUTDOWN, "a")]


@both_puppets
@trio_test
async def test_a_killed_machine_runs_no_code_of_its_own_any_more(puppet: type[Puppet]) -> None:
    async with open_node():
        log: Log = []
        pid = await started_unlinked(puppet, log)
        ref = monitor(pid)

        def killed(_puppet: Puppet) -> None:
            exit_arrives(self_process(pid), pid, KILL, Origin.OTHER)  # as from another process, while its code runs

        def kill_itself(_puppet: Puppet) -> Keep:
            return Keep(NextEvent(Cast(killed)), NextEvent(Internal("never")))

        await told(pid, kill_itself)

        assert await death_of(ref) is KILLED
        assert log == []


@trio_test
async def test_a_monitor_and_other_messages_come_as_info() -> None:
    async with open_node():
        log: Log = []
        pid = await started(Puppet, log)
        other = await started_unlinked(Puppet, [])

        def watch(_puppet: Puppet) -> None:
            monitor(other)

        await told(pid, watch)
        await stop(other)
        await wait_all_tasks_blocked()

        [message] = [event.message for _, event in cast_to("list[tuple[str, Any]]", log)]
        assert isinstance(message, Down)


def self_process(pid: Pid) -> Process:
    """The process of a pid that is alive."""
    assert pid.process is not None
    return pid.process


@both_puppets
@trio_test
async def test_a_machine_that_fails_is_reported_with_its_state_and_the_event_it_failed_at(puppet: type[Puppet]) -> None:
    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)
        pid = await started_unlinked(puppet, [])

        await told(pid, lambda _puppet: Next("b", NextEvent(Internal("next"))), lambda _puppet: Stop(Failure("x")))

        [report] = [report for report in reports if isinstance(report, ServerTerminated)]
        assert report.reason == Failure("x")
        assert report.message.startswith("Cast(")
        assert report.state.startswith("('b', {'log': ")


@trio_test
async def test_hibernate_lasts_until_the_next_event() -> None:
    async with open_node():
        log: Log = []
        pid = await started(Puppet, log)
        running = self_process(pid).server
        assert isinstance(running, Puppet)

        await told(pid, lambda _puppet: Keep(HIBERNATE))
        assert running.is_hibernating
        await told(pid, "event")
        assert not running.is_hibernating
        await told(pid, lambda _puppet: Keep(HIBERNATE, NextEvent(Internal())))
        assert not running.is_hibernating


# System messages.


@both_doors
@trio_test
async def test_sys_shows_and_replaces_state_and_data_without_a_transition(door: type[Door]) -> None:
    async with open_node():
        pid = await started(door, 7)

        assert await sys.get_state(pid) == ("locked", {"code": 7, "guesses": 0})
        await sys.replace_state(pid, lambda now: ("open", now[1] | {"code": 8}))
        assert await sys.get_state(pid) == ("open", {"code": 8, "guesses": 0})
        assert (await sys.get_status(pid)).status.state[0] == "open"
        with pytest.raises(Exception, match="which are 'locked', 'open'"):
            await sys.replace_state(pid, lambda now: ("opne", now[1]))
        assert await call(pid, "state") == "open"


@both_doors
@trio_test
async def test_a_suspended_machine_handles_nothing_until_it_is_resumed(door: type[Door]) -> None:
    async with open_node():
        pid = await started(door, 7)
        cast(pid, 7)

        await sys.suspend(pid)
        await trio.sleep(11)
        cast(pid, 7)
        assert (await sys.get_state(pid))[0] == "open"
        await sys.resume(pid)
        assert await call(pid, "state") == "open"
        await trio.sleep(11)
        assert await call(pid, "state") == "locked"


@both_doors
@trio_test
async def test_code_change_converts_data_and_renames_the_state_or_changes_nothing(door: type[Door]) -> None:
    class Newer(door):  # type: ignore[valid-type, misc]
        @state
        def ajar(self, event: Event) -> Any:
            return self.common(event)

        def code_change(self, old_version: Any, state: Any, extra: Any) -> Any:
            self.code = extra
            return Next(extra) if isinstance(extra, str) else None

    async with open_node():
        pid = await started(door, 7)
        await sys.suspend(pid)

        with pytest.raises(Exception, match="which are"):
            await sys.change_code(pid, Newer, extra="nowhere")
        assert await sys.get_state(pid) == ("locked", {"code": 7, "guesses": 0})
        await sys.change_code(pid, Newer, extra="ajar")
        await sys.resume(pid)
        assert await call(pid, "state") == "ajar"
        assert (await sys.get_status(pid)).actor is Newer


@trio_test
async def test_a_machine_does_not_change_its_driver_by_a_change_of_code() -> None:
    async with open_node():
        pid = await started(Door, 7)
        await sys.suspend(pid)

        with pytest.raises(Exception, match="becomes only a GenStatem whose callbacks are plain functions"):
            await sys.change_code(pid, SlowDoor)


@both_puppets
@trio_test
async def test_sys_logs_events_transitions_and_replies_while_it_is_asked_to(puppet: type[Puppet]) -> None:
    async with open_node():
        log: Log = []
        pid = await started(puppet, log)

        await sys.log(pid)
        move = answers(lambda _puppet, caller: Next("b", ReplyTo(caller, "moved"), NextEvent(Internal("next"))))
        await call(pid, move)
        events = await sys.get_log(pid)
        assert [type(event) for event in events] == [sys.In, sys.Out, sys.In, Transition, Transition]
        moved, consumed = events[3:]
        assert isinstance(moved, Transition)
        assert (moved.old, moved.new, moved.is_postponed) == ("a", "b", False)
        assert str(consumed) == "consumes Internal(content='next') in state 'b' => 'b'"
        await sys.no_debug(pid)
        await told(pid, "unobserved")
        assert await sys.get_log(pid) == ()
        assert log == [("b", Internal("next")), ("b", Cast("unobserved"))]


@trio_test
async def test_a_machine_may_be_debugged_from_its_start() -> None:
    async with open_node():
        pid = await EnteringPuppet.start_link([], debug=[sys.Log()])
        assert pid is not None

        await told(pid, "event")

        assert [str(event) for event in await sys.get_log(pid)] == [
            "got Cast(request='event')",
            "consumes Cast(request='event') in state 'a' => 'a'",
        ]
