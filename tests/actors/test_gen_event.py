"""GenEvent: what OTP's ``gen_event`` does, each seen on a real BEAM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from typing import cast as cast_to

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    HIBERNATE,
    MANAGER_STOPS,
    NO_HANDLER,
    NOPROC,
    NORMAL,
    REMOVE_HANDLER,
    SHUTDOWN,
    BadReturn,
    CallError,
    Crash,
    EventHandler,
    Exit,
    ExitReason,
    Fail,
    Failure,
    GenEvent,
    HandlerCrashed,
    HandlerExit,
    HandlerFailedError,
    HandlerReport,
    Pid,
    RemoveHandler,
    Reply,
    Report,
    Stop,
    SwapHandler,
    Swapped,
    UnknownHandlerError,
    UnknownNameError,
    add_handler,
    add_sup_handler,
    call_handler,
    cast,
    delete_handler,
    exit_,
    exit_signal,
    notify,
    open_node,
    receive,
    self_,
    send,
    spawn,
    stop,
    swap_handler,
    swap_sup_handler,
    sync_notify,
    sys,
    trap_exit,
    whereis,
    which_handlers,
)
from tests.support.assertions import mailbox
from tests.support.misbehaving import raising
from tests.support.misbehaving_event_handlers import (
    FailsToBeMade,
    FailsToInit,
    FailsToTerminate,
    Listener,
    OtherListener,
    SlowListener,
)
from tests.support.trio_test import trio_test

if TYPE_CHECKING:
    from collections.abc import Callable

Log = list[object]


def flattened(log: Log) -> list[object]:
    """All that is written down, without who wrote it."""
    return [item for entry in log if isinstance(entry, tuple) for item in cast_to("tuple[object, ...]", entry)]


def does(action: Callable[[Listener], Any]) -> Callable[[Listener], Any]:
    """Give a lambda that a `Listener` is to carry out its type."""
    return action


def begins(action: Callable[[], Any]) -> Callable[[], Any]:
    """Give a lambda that is to be the ``init`` of a `FailsToInit` its type."""
    return action


async def manager_with(log: Log, *names: str) -> Pid:
    """A manager with a `Listener` for each name, whose id it is."""
    manager = await GenEvent.start_link()
    for name in names:
        await add_handler(manager, (Listener, name), log, name)
    log.clear()
    return manager


# Events.


@trio_test
async def test_every_handler_gets_an_event_the_newest_first() -> None:
    async with open_node():
        log: Log = []
        manager = await manager_with(log, "a", "b", "c")

        await sync_notify(manager, "event")

        assert log == [("c", "event"), ("b", "event"), ("a", "event")]
        assert await which_handlers(manager) == [(Listener, "c"), (Listener, "b"), (Listener, "a")]


@trio_test
async def test_notify_does_not_wait_and_sync_notify_waits_for_all() -> None:
    async with open_node():
        log: Log = []
        manager = await GenEvent.start_link(name="events")
        await add_handler("events", SlowListener, log, "slow")
        log.clear()

        notify("events", 1)
        await wait_all_tasks_blocked()
        assert log == []
        await sync_notify(manager, 2)
        assert log == [("slow", 1), ("slow", 2)]


@trio_test
async def test_notify_fails_only_for_a_name_nobody_holds() -> None:
    async with open_node():
        manager = await GenEvent.start_link(name="events")
        await stop(manager)

        notify(manager, "event")
        with pytest.raises(UnknownNameError):
            notify("events", "event")
        with pytest.raises(CallError) as failed:
            await sync_notify(manager, "event")
        assert failed.value.reason is NOPROC


@trio_test
async def test_any_other_message_goes_to_handle_info() -> None:
    async with open_node():
        log: Log = []
        manager = await manager_with(log, "a", "b")

        send(manager, "plain")
        cast(manager, "request")
        await sync_notify(manager, "event")

        assert log[:2] == [("b", "info", "plain"), ("a", "info", "plain")]
        assert len(log) == 6


@trio_test
async def test_a_handler_without_handle_info_is_told_of_in_the_log_and_stays(caplog: pytest.LogCaptureFixture) -> None:
    async with open_node():
        manager = await GenEvent.start_link()
        await add_handler(manager, EventHandler)

        send(manager, "plain")

        assert await which_handlers(manager) == [EventHandler]
        assert "unexpected message: 'plain'" in caplog.text


# Adding.


@pytest.mark.parametrize(
    ("begin", "reason"),
    [
        (begins(lambda: Stop(Failure("no"))), Failure("no")),
        (begins(lambda: Fail(Failure("no"))), Failure("no")),
        (begins(lambda: exit_(SHUTDOWN)), SHUTDOWN),
        (begins(lambda: 7), BadReturn("FailsToInit.init", "7", "None, HIBERNATE, Fail or Stop")),
    ],
)
@trio_test
async def test_a_handler_whose_init_fails_is_not_added_and_the_adder_hears_why(begin: Any, reason: ExitReason) -> None:
    async with open_node():
        manager = await GenEvent.start_link()

        with pytest.raises(HandlerFailedError) as failed:
            await add_handler(manager, FailsToInit, begin)

        assert failed.value.reason == reason
        assert await which_handlers(manager) == []


@trio_test
async def test_a_handler_that_cannot_even_be_made_does_not_harm_the_manager() -> None:
    async with open_node():
        manager = await GenEvent.start_link()

        with pytest.raises(HandlerFailedError, match="ArithmeticError: no such handler"):
            await add_handler(manager, FailsToBeMade)

        assert await which_handlers(manager) == []


@pytest.mark.parametrize("handler", ["Listener", int, Listener.__new__(Listener), (Listener,), (int, 1)])
@trio_test
async def test_what_is_no_handler_is_refused_where_it_is_added(handler: Any) -> None:
    async with open_node():
        manager = await GenEvent.start_link()

        with pytest.raises(TypeError, match="a handler is a subclass of EventHandler"):
            await add_handler(manager, handler)


@trio_test
async def test_of_two_handlers_of_one_name_calls_reach_the_newer() -> None:
    async with open_node():
        log: Log = []
        manager = await GenEvent.start_link()
        await add_handler(manager, Listener, log, "old")
        await add_handler(manager, Listener, log, "new")

        assert await call_handler(manager, Listener, does(lambda listener: Reply(listener.name))) == "new"
        await delete_handler(manager, Listener)
        assert await call_handler(manager, Listener, does(lambda listener: Reply(listener.name))) == "old"


# Calls.


@trio_test
async def test_a_call_reaches_the_handler_it_names_only() -> None:
    async with open_node():
        log: Log = []
        manager = await manager_with(log, "a", "b")

        assert await call_handler(manager, (Listener, "a"), does(lambda listener: Reply(listener.name))) == "a"


@trio_test
async def test_a_call_of_an_unknown_handler_fails_and_so_does_its_deletion() -> None:
    async with open_node():
        manager = await manager_with([], "a")

        for handler in (Listener, (Listener, "b"), (OtherListener, "a")):
            with pytest.raises(UnknownHandlerError):
                await call_handler(manager, handler, "request")
            with pytest.raises(UnknownHandlerError):
                await delete_handler(manager, handler)


@pytest.mark.parametrize(
    "request_", [does(lambda _listener: 7), does(lambda _listener: None), does(lambda _listener: RemoveHandler())]
)
@trio_test
async def test_a_call_that_is_not_replied_to_removes_the_handler(request_: Any) -> None:
    async with open_node():
        log: Log = []
        manager = await manager_with(log, "a", "b")

        with pytest.raises(HandlerFailedError) as failed:
            await call_handler(manager, (Listener, "b"), request_)

        assert isinstance(failed.value.reason, BadReturn)
        assert log == [("b", "terminate", HandlerCrashed(failed.value.reason))]
        assert await which_handlers(manager) == [(Listener, "a")]


@trio_test
async def test_a_call_that_crashes_the_handler_fails_with_its_reason() -> None:
    async with open_node():
        manager = await manager_with([], "a")

        with pytest.raises(HandlerFailedError) as failed:
            await call_handler(manager, (Listener, "a"), does(lambda _listener: raising(KeyError("x"))))

        assert isinstance(failed.value.reason, Crash)
        assert await which_handlers(manager) == []


@trio_test
async def test_a_handler_may_reply_and_go() -> None:
    async with open_node():
        log: Log = []
        manager = await manager_with(log, "a")

        assert await call_handler(manager, (Listener, "a"), does(lambda _listener: RemoveHandler(reply="bye"))) == "bye"
        assert log == [("a", "terminate", REMOVE_HANDLER)]


@trio_test
async def test_a_swap_that_fails_is_still_replied_to() -> None:
    async with open_node():
        manager = await manager_with([], "a")
        swap = SwapHandler((FailsToInit, 1), (lambda: Stop(Failure("no")),), reply="swapped")

        assert await call_handler(manager, (Listener, "a"), does(lambda _listener: swap)) == "swapped"
        assert await which_handlers(manager) == []


# Removing.


@pytest.mark.parametrize("event", [does(lambda _listener: raising(KeyError("x"))), does(lambda _listener: "nonsense")])
@trio_test
async def test_a_handler_that_fails_is_removed_alone_and_reported(event: Any) -> None:
    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)
        log: Log = []
        manager = await manager_with(log, "a", "b")
        await add_handler(manager, OtherListener, log, "c")
        log.clear()

        await sync_notify(manager, does(lambda listener: event(listener) if listener.name == "b" else None))

        assert await which_handlers(manager) == [OtherListener, (Listener, "a")]
        [report] = reports
        assert isinstance(report, HandlerReport)
        assert report.handler == (Listener, "b")
        assert log == [("b", "terminate", HandlerCrashed(report.reason))]
        assert "handler (Listener, 'b')" in str(report)


@trio_test
async def test_a_handler_may_remove_itself() -> None:
    async with open_node():
        log: Log = []
        manager = await manager_with(log, "a", "b")

        await sync_notify(manager, does(lambda listener: RemoveHandler() if listener.name == "b" else None))

        assert log == [("b", "terminate", REMOVE_HANDLER)]
        assert await which_handlers(manager) == [(Listener, "a")]


@trio_test
async def test_delete_handler_hands_over_a_farewell_and_returns_what_terminate_does() -> None:
    async with open_node():
        log: Log = []
        manager = await manager_with(log, "a")

        assert await delete_handler(manager, (Listener, "a"), "farewell") == "what a left"
        assert log == [("a", "terminate", "farewell")]


@trio_test
async def test_delete_handler_says_so_if_terminate_fails() -> None:
    async with open_node():
        manager = await GenEvent.start_link()
        await add_handler(manager, FailsToTerminate, [], "a")

        with pytest.raises(HandlerFailedError, match="terminate failed"):
            await delete_handler(manager, FailsToTerminate)
        assert await which_handlers(manager) == []


# Swapping.


@trio_test
async def test_swap_handler_hands_what_the_old_one_left_to_the_new() -> None:
    async with open_node():
        log: Log = []
        manager = await manager_with(log, "a", "b")

        await swap_handler(manager, (Listener, "a"), OtherListener, log, "c", farewell="go")

        assert log == [("a", "terminate", "go"), ("c", "init", "what a left")]
        assert await which_handlers(manager) == [OtherListener, (Listener, "b")]


@trio_test
async def test_swap_handler_without_an_old_one_adds_the_new_all_the_same() -> None:
    async with open_node():
        log: Log = []
        manager = await manager_with(log)

        await swap_handler(manager, Listener, OtherListener, log, "c")

        assert log == [("c", "init", NO_HANDLER)]
        assert await which_handlers(manager) == [OtherListener]


@trio_test
async def test_a_handler_that_swaps_itself_keeps_its_place_and_its_successor_misses_the_event() -> None:
    async with open_node():
        log: Log = []
        manager = await manager_with(log, "a", "b", "c")
        swap = SwapHandler(OtherListener, (log, "d"), farewell="go")

        await sync_notify(manager, does(lambda listener: swap if listener.name == "b" else None))

        assert log == [("b", "terminate", "go"), ("d", "init", "what b left")]
        assert await which_handlers(manager) == [(Listener, "c"), OtherListener, (Listener, "a")]


@trio_test
async def test_if_the_new_handler_of_a_swap_fails_the_old_one_is_gone_too() -> None:
    async with open_node():
        manager = await manager_with([], "a")

        with pytest.raises(HandlerFailedError):
            await swap_handler(manager, (Listener, "a"), FailsToInit, lambda: Stop(Failure("no")))
        assert await which_handlers(manager) == []


@trio_test
async def test_what_terminate_fails_of_is_what_it_leaves_to_a_swap() -> None:
    async with open_node():
        log: Log = []
        manager = await GenEvent.start_link()
        await add_handler(manager, FailsToTerminate, [], "a")

        await swap_handler(manager, FailsToTerminate, Listener, log, "b")

        [initialised] = log
        assert isinstance(initialised, tuple)
        assert isinstance(initialised[2], Crash)


# Supervised handlers.


@trio_test
async def test_the_adder_is_told_why_a_supervised_handler_went() -> None:
    async with open_node():
        manager = await GenEvent.start_link()
        names = ["deleted", "removed", "crashed", "swapped", "stopped"]
        for name in names:
            await add_sup_handler(manager, (Listener, name), [], name)

        await delete_handler(manager, (Listener, "deleted"))
        await sync_notify(manager, does(lambda listener: RemoveHandler() if listener.name == "removed" else None))
        await sync_notify(manager, does(lambda listener: exit_(Failure("x")) if listener.name == "crashed" else None))
        await swap_handler(manager, (Listener, "swapped"), (OtherListener, 1), [], "new")
        await stop(manager)

        assert await mailbox() == [
            HandlerExit(manager, (Listener, "deleted"), NORMAL),
            HandlerExit(manager, (Listener, "removed"), NORMAL),
            HandlerExit(manager, (Listener, "crashed"), Failure("x")),
            HandlerExit(manager, (Listener, "swapped"), Swapped((OtherListener, 1), self_())),
            HandlerExit(manager, (OtherListener, 1), SHUTDOWN),
            HandlerExit(manager, (Listener, "stopped"), SHUTDOWN),
        ]


@trio_test
async def test_a_swapped_in_handler_that_fails_is_told_of_by_its_own_name() -> None:
    async with open_node():
        manager = await GenEvent.start_link()
        await add_sup_handler(manager, Listener, [], "a")
        swap = SwapHandler((FailsToInit, 1), (lambda: Stop(Failure("no")),))

        await sync_notify(manager, does(lambda _listener: swap))

        assert await mailbox() == [
            HandlerExit(manager, Listener, Swapped((FailsToInit, 1), self_())),
            HandlerExit(manager, (FailsToInit, 1), Failure("no")),
        ]


@trio_test
async def test_when_the_adder_exits_its_handlers_go_and_the_others_hear_of_it() -> None:
    async with open_node():
        log: Log = []
        manager = await manager_with(log, "a")

        async def adder() -> None:
            await add_sup_handler(manager, (Listener, "b"), log, "b")
            await receive(timeout=1)

        pid = spawn(adder)
        await trio.sleep(2)

        [reason] = [event.reason for event in flattened(log) if isinstance(event, Stop)]
        assert log[1:] == [("b", "terminate", Stop(reason)), ("a", "info", Exit(pid, reason))]
        assert await which_handlers(manager) == [(Listener, "a")]


@trio_test
async def test_swap_sup_handler_supervises_the_new_handler_for_its_caller() -> None:
    async with open_node():
        manager = await manager_with([], "a")

        await swap_sup_handler(manager, (Listener, "a"), OtherListener, [], "b")
        await delete_handler(manager, OtherListener)

        assert await mailbox() == [HandlerExit(manager, OtherListener, NORMAL)]


@trio_test
async def test_the_end_of_a_manager_does_not_take_along_who_supervises_handlers() -> None:
    async with open_node():
        manager = await GenEvent.start()
        await add_sup_handler(manager, Listener, [], "a")

        await stop(manager, Failure("x"))

        assert await mailbox() == [HandlerExit(manager, Listener, SHUTDOWN)]


# The life of a manager.


@trio_test
async def test_stop_terminates_all_handlers_the_newest_first_and_frees_the_name() -> None:
    async with open_node():
        log: Log = []
        manager = await GenEvent.start_link(name="events")
        await add_handler(manager, (Listener, 1), log, "a")
        await add_handler(manager, (Listener, 2), log, "b")
        log.clear()

        await stop("events")

        assert log == [("b", "terminate", MANAGER_STOPS), ("a", "terminate", MANAGER_STOPS)]
        assert whereis("events") is None
        assert not manager.is_alive


@trio_test
async def test_a_manager_traps_exits_and_ends_with_its_parent() -> None:
    async with open_node():
        log: Log = []
        trap_exit()
        manager = await GenEvent.start_link()
        await add_handler(manager, Listener, log, "a")
        log.clear()

        async def stranger() -> None:
            exit_signal(manager, Failure("ignored"))

        spawn(stranger)
        await wait_all_tasks_blocked()
        assert manager.is_alive
        exit_signal(manager, SHUTDOWN)
        assert await receive() == Exit(manager, SHUTDOWN)
        assert log[-1] == ("a", "terminate", MANAGER_STOPS)


@trio_test
async def test_a_manager_hibernates_when_a_handler_says_so_until_the_next_message() -> None:
    async with open_node():
        manager = await manager_with([], "a", "b")
        assert manager.process is not None
        running = manager.process.server
        assert isinstance(running, GenEvent)

        await sync_notify(manager, does(lambda listener: HIBERNATE if listener.name == "b" else None))
        assert running.is_hibernating
        await sync_notify(manager, "event")
        assert not running.is_hibernating
        hibernate = does(lambda listener: Reply(listener.name, HIBERNATE))
        assert await call_handler(manager, (Listener, "a"), hibernate) == "a"
        assert running.is_hibernating


# System messages.


class Counter(EventHandler):
    def init(self, start: int) -> None:
        self.count = start

    def handle_event(self, event: int) -> None:
        self.count += event


@trio_test
async def test_sys_shows_and_replaces_the_state_of_each_handler() -> None:
    async with open_node():
        manager = await GenEvent.start_link()
        await add_handler(manager, (Counter, 1), 1)
        await add_handler(manager, (Counter, 2), 2)

        def tenfold(handler: Any) -> Any:
            name, state = handler
            if name == (Counter, 1):
                raise ArithmeticError("this one stays")
            return name, {"count": state["count"] * 10}

        await sys.replace_state(manager, tenfold)
        await sync_notify(manager, 5)

        assert await sys.get_state(manager) == [((Counter, 2), {"count": 25}), ((Counter, 1), {"count": 6})]
        assert (await sys.get_status(manager)).status.state == await sys.get_state(manager)


@trio_test
async def test_a_suspended_manager_takes_no_events_until_it_is_resumed() -> None:
    async with open_node():
        manager = await GenEvent.start_link()
        await add_handler(manager, Counter, 0)

        await sys.suspend(manager)
        notify(manager, 1)
        assert await sys.get_state(manager) == [(Counter, {"count": 0})]
        await sys.resume(manager)
        assert await sys.get_state(manager) == [(Counter, {"count": 1})]


@trio_test
async def test_code_change_converts_the_handlers_of_a_class_or_none() -> None:
    async with open_node():
        manager = await GenEvent.start_link()
        await add_handler(manager, Counter, 1)
        await add_handler(manager, Listener, [], "a")

        class Newer(Counter):
            __qualname__ = Counter.__qualname__

            def code_change(self, old_version: Any, extra: Any) -> Any:
                self.count += extra
                return None if self.count > 100 else "no"

        await sys.suspend(manager)
        with pytest.raises(Exception, match="failed"):
            await sys.change_code(manager, Newer, extra=1)
        assert await which_names(manager) == [Listener, Counter]
        await sys.change_code(manager, Newer, extra=1000)
        assert await which_names(manager) == [Listener, Newer]
        assert (await sys.get_state(manager))[1] == (Newer, {"count": 1001})
        await sys.resume(manager)


async def which_names(manager: Pid) -> list[Any]:
    return [name for name, _ in await sys.get_state(manager)]


@trio_test
async def test_sys_counts_the_messages_of_a_manager_while_it_is_asked_to() -> None:
    async with open_node():
        manager = await GenEvent.start_link()
        await add_handler(manager, Counter, 0)

        await sys.statistics(manager)
        notify(manager, 1)
        await sync_notify(manager, 1)
        totals = await sys.get_statistics(manager)
        assert totals is not None
        assert totals.messages_in == 2
        await sys.no_debug(manager)
        notify(manager, 1)
        assert await sys.get_state(manager) == [(Counter, {"count": 3})]


@trio_test
async def test_a_manager_may_be_debugged_from_its_start() -> None:
    async with open_node():
        manager = await GenEvent.start_link(debug=[sys.Log()])

        await add_handler(manager, Counter, 0)

        assert len(await sys.get_log(manager)) == 1
