"""Hot code reload: live processes run the new code, converted if their class says how, or nothing changes at all."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    CallError,
    Pid,
    ReloadError,
    call,
    cast,
    code,
    exit_signal,
    open_node,
    spawn,
    spawn_monitor,
    sys,
)
from tests.support.assertions import death_of
from tests.support.trio_test import trio_test

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.reloadable import Sources

COUNTER = """
    from regrow.actors import GenServer, Reply
    __version__ = {version}
    class Counter(GenServer):
        def init(self, n=0): self.n = n
        {kind}def handle_call(self, request, caller):
            self.n += {step}
            return Reply(self.n)
        {more}
    """

INLINE, TASK = "", "async "
both_drivers = pytest.mark.parametrize("kind", [INLINE, TASK], ids=["inline", "task"])


def counter(version: int, step: int, kind: str, more: str = "") -> str:
    return COUNTER.format(version=version, step=step, kind=kind, more=more)


def converts(kind: str, body: str) -> str:
    return f"{kind}def code_change(self, old_version, extra): {body}"


async def started(module: Any, n: int = 0, count: int = 1) -> list[Pid]:
    return [await module.Counter.start_link(n) for _ in range(count)]


@both_drivers
@trio_test
async def test_live_processes_keep_their_state_and_run_the_new_code(sources: Sources, kind: str) -> None:
    module = sources.module(counter(1, 1, kind))
    async with open_node():
        pids = await started(module, count=3)
        assert [await call(pid, "next") for pid in pids] == [1, 1, 1]
        sources.write(module, counter(2, 10, kind))

        done = await code.reload(module)

        assert [await call(pid, "next") for pid in pids] == [11, 11, 11]
        assert (done.instances, done.converted) == (3, 0)
        assert done.modules == (module.__name__,)
        assert done.updated == (f"{module.__name__}:Counter",)
        assert 0 < done.longest_stall <= done.seconds


@both_drivers
@trio_test
async def test_processes_started_by_who_knew_the_old_class_run_the_new_code(sources: Sources, kind: str) -> None:
    module = sources.module(counter(1, 1, kind))
    start_link = module.Counter.start_link  # as a child spec holds it
    sources.write(module, counter(2, 10, kind))
    async with open_node():
        await code.reload(module.__name__)

        assert await call(await start_link(), "next") == 10


@both_drivers
@trio_test
async def test_code_change_converts_every_live_process(sources: Sources, kind: str) -> None:
    module = sources.module(counter(1, 1, kind))
    async with open_node():
        pids = await started(module, 5, count=3)
        sources.write(module, counter(2, 1, kind, converts(kind, "self.n = (self.n, old_version, extra)[0] * 100")))

        done = await code.reload(module, extra="whatever")

        assert [await call(pid, "next") for pid in pids] == [501, 501, 501]
        assert done.converted == 3


@both_drivers
@trio_test
async def test_code_change_is_told_the_version_it_comes_from_and_the_extra(sources: Sources, kind: str) -> None:
    module = sources.module(counter(7, 1, kind))
    async with open_node():
        (pid,) = await started(module)
        sources.write(module, counter(8, 1, kind, converts(kind, "self.told = old_version, extra")))

        await code.reload(module, extra="extra")

        assert (await sys.get_state(pid))["told"] == (7, "extra")


@both_drivers
@trio_test
async def test_mail_that_waits_meanwhile_is_handled_in_order_afterwards(sources: Sources, kind: str) -> None:
    log = "def handle_cast(self, m): self.seen = [*getattr(self, 'seen', []), {}]"
    module = sources.module(counter(1, 1, kind, log.format("m")))
    async with open_node():
        (pid,) = await started(module)
        sources.write(module, counter(2, 1, kind, log.format("(m, 'new')") + "\n        " + converts(kind, "pass")))

        async def chatter() -> None:
            for n in range(5):
                cast(pid, n)
                await trio.lowlevel.checkpoint()

        spawn(chatter)
        await code.reload(module)
        await wait_all_tasks_blocked()

        seen = (await sys.get_state(pid))["seen"]
        assert [m if isinstance(m, int) else m[0] for m in seen] == list(range(5))


FAILURES = {"raises": "1 / 0", "returns nonsense": "return 'nonsense'"}


@pytest.mark.parametrize("failure", FAILURES)
@both_drivers
@trio_test
async def test_a_code_change_that_fails_puts_code_and_every_state_back(
    sources: Sources, kind: str, failure: str
) -> None:
    module = sources.module(counter(1, 1, kind))
    async with open_node():
        pids = [await module.Counter.start_link(n) for n in range(4)]
        body = f"\n            self.n += 1000; self.extra = 1\n            if self.n == 1002: {FAILURES[failure]}"
        sources.write(module, counter(2, 10, kind, converts(kind, body)))

        with pytest.raises(ReloadError, match="code_change"):
            await code.reload(module)

        assert [await call(pid, "next") for pid in pids] == [1, 2, 3, 4]
        assert module.__version__ == 1
        for pid in pids:
            assert "extra" not in await sys.get_state(pid)
            assert (await sys.get_status(pid)).mode is sys.Mode.RUNNING


@trio_test
async def test_a_source_that_cannot_run_changes_nothing_and_says_why(sources: Sources) -> None:
    module = sources.module(counter(1, 1, INLINE))
    async with open_node():
        (pid,) = await started(module)
        sources.write(module, counter(2, 10, INLINE) + "\n    import no_such_module_at_all")

        with pytest.raises(ReloadError, match=f"{module.__name__} was not reloaded: .*no_such_module_at_all") as caught:
            await code.reload(module)

        assert isinstance(caught.value.__cause__, ModuleNotFoundError)
        assert await call(pid, "next") == 1


@trio_test
async def test_several_modules_change_together_or_not_at_all(sources: Sources) -> None:
    first, second = sources.module(counter(1, 1, INLINE)), sources.module(counter(1, 1, INLINE))
    async with open_node():
        (one,), (two,) = await started(first), await started(second)
        sources.write(first, counter(2, 10, INLINE))
        sources.write(second, counter(2, 10, INLINE) + "\n    1 / 0")
        with pytest.raises(ReloadError, match=second.__name__):
            await code.reload(first, second)
        assert [await call(one, "next"), await call(two, "next")] == [1, 1]

        sources.write(second, counter(2, 100, INLINE))
        await code.reload(first, second)

        assert [await call(one, "next"), await call(two, "next")] == [11, 101]


@both_drivers
@trio_test
async def test_callbacks_cannot_change_driver_while_there_are_instances(sources: Sources, kind: str) -> None:
    module = sources.module(counter(1, 1, kind))
    async with open_node():
        pid = await module.Counter.start()
        other = TASK if kind == INLINE else INLINE
        sources.write(module, counter(2, 10, other))
        with pytest.raises(ReloadError, match="live instances"):
            await code.reload(module)
        assert await call(pid, "next") == 1

        exit_signal(pid, KILL)
        await code.reload(module)

        assert await call((await started(module))[0], "next") == 10


@trio_test
async def test_a_subclass_elsewhere_runs_what_it_inherits(sources: Sources) -> None:
    module = sources.module(counter(1, 1, INLINE))

    class Doubled(module.Counter):  # type: ignore[misc, name-defined]  # its base is made at run time
        def init(self) -> None:
            self.n = 2

    async with open_node():
        pid = await Doubled.start_link()
        assert pid is not None
        sources.write(module, counter(2, 10, INLINE, converts(INLINE, "self.n *= 2")))

        done = await code.reload(module)

        assert await call(pid, "next") == 14
        assert done.converted == 1


@trio_test
async def test_a_task_that_does_not_let_itself_be_suspended_in_time_stops_the_reload(sources: Sources) -> None:
    busy = "async def handle_cast(self, request):\n            import trio\n            await trio.sleep(60)"
    module = sources.module(counter(1, 1, TASK, busy))
    async with open_node():
        free, taken = await started(module, count=2)
        cast(taken, "work")
        await wait_all_tasks_blocked()
        sources.write(module, counter(2, 10, TASK, busy + "\n        " + converts(TASK, "pass")))

        with pytest.raises(ReloadError, match="could not be suspended"):
            await code.reload(module, timeout=2)

        assert await call(free, "next") == 1
        assert await call(taken, "next", timeout=100) == 1


@trio_test
async def test_a_process_that_was_suspended_before_stays_suspended(sources: Sources) -> None:
    module = sources.module(counter(1, 1, TASK))
    async with open_node():
        (pid,) = await started(module)
        await sys.suspend(pid)
        sources.write(module, counter(2, 10, TASK, converts(TASK, "self.n = 100")))

        await code.reload(module)

        assert (await sys.get_status(pid)).mode is sys.Mode.SUSPENDED
        await sys.resume(pid)
        assert await call(pid, "next") == 110


@trio_test
async def test_a_process_cannot_convert_itself(sources: Sources) -> None:
    more = "async def handle_cast(self, request): await request(__name__)"
    module = sources.module(counter(1, 1, TASK, more))
    async with open_node():
        pid = await module.Counter.start()
        sources.write(module, counter(2, 10, TASK, more + "\n        " + converts(TASK, "pass")))
        cast(pid, code.reload)
        with pytest.raises(CallError, match="have a task reload"):
            await call(pid, "next")


@trio_test
async def test_a_cancelled_reload_puts_everything_back(sources: Sources) -> None:
    module = sources.module(counter(1, 1, TASK))
    async with open_node():
        pids = await started(module, count=2)
        slow = converts(TASK, "\n            import trio\n            self.n = 100\n            await trio.sleep(3)")
        sources.write(module, counter(2, 10, TASK, slow))
        with trio.move_on_after(4):  # in the middle of the second
            await code.reload(module)
        await trio.sleep(10)

        assert [await call(pid, "next") for pid in pids] == [1, 1]
        assert module.__version__ == 1


@trio_test
async def test_processes_that_die_meanwhile_are_no_error(sources: Sources) -> None:
    module = sources.module(counter(1, 1, TASK))
    async with open_node():
        first, second = [await module.Counter.start() for _ in range(2)]
        slow = converts(TASK, "\n            import trio\n            await trio.sleep(2)")
        sources.write(module, counter(2, 10, TASK, slow))

        async def kill_both_but_one() -> None:
            await trio.sleep(1)
            exit_signal(second, KILL)

        spawn(kill_both_but_one)
        done = await code.reload(module)

        assert done.converted == 1
        assert await call(first, "next") == 10


@trio_test
async def test_a_running_function_ends_with_the_code_it_began_with_and_is_called_with_the_new(
    sources: Sources,
) -> None:
    module = sources.module("import trio\nasync def work(log):\n    await trio.sleep(2)\n    log.append('old')")
    work: Callable[[list[str]], Any] = module.work
    log: list[str] = []
    async with open_node():
        ref = spawn_monitor(work, log)[1]
        await wait_all_tasks_blocked()
        sources.write(module, "import trio\nasync def work(log):\n    log.append('new')")
        await code.reload(module)
        await death_of(ref)
        await death_of(spawn_monitor(work, log)[1])

    assert log == ["old", "new"]


@trio_test
async def test_what_a_reload_did_reads_as_one_line(sources: Sources) -> None:
    module = sources.module("class Point: __slots__ = ('x',)\ndef f(): ...\ndef g(): ...")
    async with open_node():
        sources.write(module, "class Point: __slots__ = ('x', 'y')\ndef f(): ...\ndef h(): ...")

        text = str(await code.reload(module))

    assert f"reloaded {module.__name__}: 1 updated, 1 added, 1 removed; 0 processes run new code, 0 were" in text
    assert f"{module.__name__}:Point is a new object: its __slots__ differ" in text


# The watcher.


@trio_test
async def test_a_watcher_reloads_what_changes(sources: Sources, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "regrow")
    module = sources.module(counter(1, 1, INLINE))
    async with open_node():
        (pid,) = await started(module)
        await code.Watcher.start_link(module.__name__, interval=1)
        await trio.sleep(2.5)
        assert "reloaded" not in caplog.text
        sources.write(module, counter(2, 10, INLINE))
        await trio.sleep(2)

        assert await call(pid, "next") == 10
        assert caplog.text.count(f"reloaded {module.__name__}") == 1


@trio_test
async def test_a_watcher_survives_a_broken_source_and_takes_the_next(
    sources: Sources, caplog: pytest.LogCaptureFixture
) -> None:
    module = sources.module(counter(1, 1, INLINE))
    async with open_node():
        (pid,) = await started(module)
        await code.Watcher.start_link(module.__name__, interval=1)
        sources.write(module, "def broken(:")
        await trio.sleep(3)
        assert caplog.text.count("was not reloaded: SyntaxError") == 1
        assert await call(pid, "next") == 1
        sources.write(module, counter(2, 10, INLINE))
        await trio.sleep(2)

        assert await call(pid, "next") == 11


@trio_test
async def test_a_watcher_needs_something_to_watch_and_time_in_between() -> None:
    async with open_node():
        with pytest.raises(ValueError, match="at least one package"):
            await code.Watcher.start_link()
        with pytest.raises(ValueError, match="interval"):
            await code.Watcher.start_link("regrow", interval=0)
