"""The tick: poll, run, flush; fair, and never inside itself."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any

import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import GenServer, NotAProcessError, Pid, Reply, call, open_node, self_, send, spawn
from regrow.actors._processes._scheduler import MESSAGES_PER_TICK, REDUCTIONS
from tests.support.assertions import unlinked
from tests.support.misbehaving import Puppet, inform, raising, started
from tests.support.trio_test import trio_test

if TYPE_CHECKING:
    from collections.abc import Callable


class FakePort:
    """A port whose input is put into a list, and which writes down what the tick asks of it."""

    def __init__(self, deliver: Callable[[object], None]) -> None:
        self.deliver = deliver
        self.input: list[object] = []
        self.calls: list[Any] = []
        self._ready = trio.Event()

    def arrive(self, *messages: object) -> None:
        self.input.extend(messages)
        self._ready.set()

    def poll(self) -> bool:
        arrived, self.input = self.input, []
        for message in arrived:
            self.deliver(message)
        self.calls.append(("poll", len(arrived)))
        return bool(arrived)

    def flush(self) -> None:
        self.calls.append("flush")

    async def wait(self) -> None:
        await self._ready.wait()
        self._ready = trio.Event()


@trio_test
async def test_what_a_port_reads_is_handled_and_flushed_in_the_same_tick() -> None:
    async with open_node() as node, trio.open_nursery() as nursery:

        class Echo(Puppet):
            def handle_info(self, message: Any) -> Any:
                port.calls.append(message)

        pid = await unlinked(Echo, [])
        port = FakePort(lambda message: send(pid, message))
        nursery.start_soon(node.serve_port, port)
        await wait_all_tasks_blocked()
        port.calls.clear()

        port.arrive("one", "two", "three")
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()

        first = port.calls.index(("poll", 3))
        assert port.calls[first : first + 5] == [("poll", 3), "one", "two", "three", "flush"]
        polls = [entry for entry in port.calls if entry[0] == "poll"]
        assert port.calls.count("flush") == len(polls)
        assert polls[-1] == ("poll", 0)


@trio_test
async def test_more_mail_than_a_tick_runs_is_handled_without_waiting_for_the_port_to_be_ready_again() -> None:
    async with open_node() as node, trio.open_nursery() as nursery:
        handled = 0

        class Counting(Puppet):
            def handle_info(self, message: Any) -> Any:
                nonlocal handled
                handled += 1

        pid = await unlinked(Counting, [])
        port = FakePort(lambda message: send(pid, message))
        nursery.start_soon(node.serve_port, port)
        await wait_all_tasks_blocked()

        port.arrive(*range(3 * MESSAGES_PER_TICK))
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()

        assert handled == 3 * MESSAGES_PER_TICK


@trio_test
async def test_a_port_that_is_no_longer_served_takes_no_part_in_the_tick() -> None:
    async with open_node() as node:
        port = FakePort(lambda _message: None)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(node.serve_port, port)
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        port.calls.clear()

        node.scheduler.tick()

        assert port.calls == []


@trio_test
async def test_a_process_with_much_mail_goes_to_the_back_of_the_queue() -> None:
    async with open_node():
        order: list[str] = []

        class Named(Puppet):
            def handle_info(self, message: Any) -> Any:
                order.append(message)

        greedy, modest = await unlinked(Named, []), await unlinked(Named, [])
        for _ in range(3 * REDUCTIONS):
            send(greedy, "greedy")
        send(modest, "modest")
        await wait_all_tasks_blocked()

        assert order == ["greedy"] * REDUCTIONS + ["modest"] + ["greedy"] * 2 * REDUCTIONS


@trio_test
async def test_processes_that_keep_each_other_busy_do_not_starve_trio() -> None:
    async with open_node():
        count = 0

        class Pinger(GenServer):
            def handle_info(self, message: Any) -> Any:
                nonlocal count
                count += 1
                send(message, self.pid)

        one, two = await unlinked(Pinger), await unlinked(Pinger)
        send(one, two)
        for _ in range(5):
            await trio.lowlevel.checkpoint()

        assert 0 < count <= 10 * MESSAGES_PER_TICK


@trio_test
async def test_a_tick_inside_a_tick_does_nothing() -> None:
    async with open_node() as node:
        log: list[object] = []

        def reenter(puppet: Puppet) -> None:
            send(other, "inner")
            puppet.log.append(node.scheduler.tick())

        other = await unlinked(Puppet, log)
        pid = await unlinked(Puppet, log)
        inform(pid, reenter)
        await wait_all_tasks_blocked()

        assert log == [False, "inner"]


@trio_test
async def test_a_call_to_an_inline_process_is_answered_in_the_callers_own_turn() -> None:
    async with open_node():
        turns: list[str] = []

        class Server(GenServer):
            def handle_call(self, request: Any, caller: Any) -> Any:
                return Reply(list(turns))

        pid = await unlinked(Server)

        async def bystander() -> None:
            turns.append("bystander")

        spawn(bystander)

        assert await call(pid, "now") == []


@trio_test
async def test_inline_callbacks_never_see_the_context_of_the_task_that_ticks() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="clean")
    async with open_node():
        seen: list[str] = []

        class Looks(GenServer):
            def init(self, *args: Any, **kwargs: Any) -> Any:
                seen.append(variable.get())

            def handle_call(self, request: Any, caller: Any) -> Any:
                seen.append(variable.get())
                return Reply(self_())

        variable.set("dirty")
        pid = await unlinked(Looks)

        assert await call(pid, "who") is pid
        assert seen == ["clean", "clean"]
        variable.set("clean")


@trio_test
async def test_a_crash_does_not_disturb_the_others_in_the_same_tick() -> None:
    async with open_node():
        log: list[object] = []
        pids: list[Pid] = [await unlinked(Puppet, log) for _ in range(3)]

        inform(pids[1], lambda _puppet: raising(ValueError("bad")))
        for number, pid in enumerate(pids):
            send(pid, number)
        await wait_all_tasks_blocked()

        assert [pid.is_alive for pid in pids] == [True, False, True]
        assert [entry for entry in log if isinstance(entry, int)] == [0, 2]


@trio_test
async def test_nobody_runs_between_ticks() -> None:
    async with open_node() as node:
        await started(Puppet, [])
        node.scheduler.tick()
        seen: list[str] = []

        def outside() -> None:
            try:
                self_()
            except NotAProcessError:
                seen.append("nobody")

        node.scheduler.context.run(outside)
        assert seen == ["nobody"]
