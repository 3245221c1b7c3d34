"""supervisor_SUITE, the cases without a group: counting, forgetting, restart loops, order, scale, reports."""

from __future__ import annotations

import gc
import json
import logging
import os
import subprocess
import sys
import weakref
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    KILLED,
    NORMAL,
    SHUTDOWN,
    ExitReason,
    Failure,
    NameTakenError,
    Pid,
    Via,
    call,
    exit_signal,
    open_node,
    trap_exit,
    whereis,
)
from regrow.actors import (
    sys as system,
)
from regrow.supervisors import (
    RESTARTING,
    AlreadyStarted,
    ChildAlreadyStartedError,
    ChildInfo,
    ChildPresentError,
    ChildRestartingError,
    ChildSpec,
    ChildTerminated,
    ChildType,
    Counts,
    DynamicSupervisor,
    Restart,
    StartChildError,
    Strategy,
    Supervisor,
    UnknownChildError,
    count_children,
    delete_child,
    restart_child,
    start_child,
    terminate_child,
    which_child,
    which_children,
)
from tests.support.misbehaving_children import Fragile
from tests.support.supervised import child, crash, end, fragile, its_end, moody, names, reports_of, witness
from tests.support.trio_test import trio_test

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HERE = (Fragile.__module__,)
FOREVER = 10_000
"""Failures enough that a restart loop does not end by itself."""


class Global(Via):
    """A name that holds on all nodes, of which there is one."""

    held: dict[str, Pid] = {}  # noqa: RUF012 - there is one

    def __init__(self, name: str) -> None:
        self.name = name

    def register(self, pid: Pid, /) -> None:
        if self.whereis() is not None:
            raise NameTakenError(self.name)
        self.held[self.name] = pid

    def unregister(self) -> None:
        self.held.pop(self.name, None)

    def whereis(self) -> Pid | None:
        pid = self.held.get(self.name)
        return pid if pid is not None and pid.is_alive else None


class Burden:
    """Something large that a child is started with."""


async def start_burdened(_burden: Burden) -> Pid | None:
    return await Fragile.start_link()


async def a_supervisor(kind: Any, **options: Any) -> Pid:
    pid: Pid = await (kind.start_link([], **options) if kind is Supervisor else kind.start_link(**options))
    return pid


# Counting.


@pytest.mark.parametrize("kind", [Supervisor, DynamicSupervisor])
@trio_test
async def test_count_children(kind: Any) -> None:
    """Children are counted as they come and go."""
    async with open_node():
        supervisor = await a_supervisor(kind)
        pids = [await start_child(supervisor, fragile(name)) for name in "abc"]
        assert await count_children(supervisor) == Counts(specs=3, active=3, supervisors=0, workers=3)
        await terminate_child(supervisor, "a" if kind is Supervisor else pids[0])
        left = 3 if kind is Supervisor else 2
        assert await count_children(supervisor) == Counts(specs=left, active=2, supervisors=0, workers=left)
        await crash(supervisor, "b")
        assert await count_children(supervisor) == Counts(specs=left, active=2, supervisors=0, workers=left)


@trio_test
async def test_count_children_supervisor() -> None:
    """Supervisors are counted apart, whether they run or not."""
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a")])
        await start_child(supervisor, ChildSpec("s", DynamicSupervisor.start_link, type=ChildType.SUPERVISOR))
        assert await count_children(supervisor) == Counts(specs=2, active=2, supervisors=1, workers=1)
        await terminate_child(supervisor, "s")
        assert await count_children(supervisor) == Counts(specs=2, active=1, supervisors=1, workers=1)


@pytest.mark.parametrize("kind", [Supervisor, DynamicSupervisor])
@trio_test
async def test_count_restarting_children(kind: Any) -> None:
    """A child that is being restarted is counted, but not among the living."""
    async with open_node():
        supervisor = await a_supervisor(kind, intensity=FOREVER)
        await start_child(supervisor, fragile("well"))
        await enter_restart_loop(supervisor, partial(start_child, supervisor))
        assert await count_children(supervisor) == Counts(specs=2, active=1, supervisors=0, workers=2)


@trio_test
async def test_get_callback_module() -> None:
    """What a supervisor is can be asked: there is no callback module, but a class."""
    async with open_node():
        supervisor = await Supervisor.start_link([], name="top")
        status = await system.get_status(supervisor)
        assert (status.actor, status.name, status.parent) == (
            Supervisor,
            "top",
            (await system.get_status("top")).parent,
        )


# Temporary children.


@pytest.mark.parametrize("strategy", [*Strategy, None], ids=str)
@trio_test
async def test_do_not_save_start_parameters_for_temporary_children(strategy: Strategy | None) -> None:
    """The arguments of a temporary child are let go once it has started; those of others are needed again."""
    async with open_node():
        supervisor = await (DynamicSupervisor.start_link() if strategy is None else a_family(strategy))
        kept: dict[Restart, weakref.ref[Burden]] = {}
        for restart in Restart:
            burden = Burden()
            kept[restart] = weakref.ref(burden)
            await start_child(supervisor, ChildSpec(restart, start_burdened, (burden,), restart=restart))
            del burden
        gc.collect()
        assert [restart for restart, trace in kept.items() if trace() is None] == [Restart.TEMPORARY]


@pytest.mark.parametrize("reason", [KILLED, NORMAL, Failure("abnormal"), None], ids=str)
@pytest.mark.parametrize("strategy", Strategy)
@trio_test
async def test_do_not_save_child_specs_for_temporary_children(strategy: Strategy, reason: ExitReason | None) -> None:
    """However a temporary child ends, its id is free afterwards; those of others are not."""
    async with open_node():
        supervisor = await a_family(strategy)
        for restart in Restart:
            spec = fragile(restart, restart=restart)
            await start_child(supervisor, spec)
            if reason is None:
                await terminate_child(supervisor, restart)
            else:
                await end(supervisor, restart, reason)
            if restart is Restart.TEMPORARY:
                await start_child(supervisor, spec)
            else:
                stays_down = reason is None or (restart is Restart.TRANSIENT and not reason.is_abnormal)
                with pytest.raises(ChildPresentError if stays_down else ChildAlreadyStartedError):
                    await start_child(supervisor, spec)
                await delete(supervisor, restart)


async def a_family(strategy: Strategy) -> Pid:
    return await Supervisor.start_link([], strategy=strategy, intensity=2, period=3600)


async def delete(supervisor: Pid, name: object) -> None:
    await terminate_child(supervisor, name)
    await delete_child(supervisor, name)


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
@trio_test
async def test_temporary_bystander(strategy: Strategy) -> None:
    """A temporary child that is stopped because of another's crash is gone; one that was not touched stays."""
    async with open_node():
        supervisor = await Supervisor.start_link(
            [
                fragile("before", restart=Restart.TEMPORARY),
                fragile("culprit"),
                fragile("after", restart=Restart.TEMPORARY),
            ],
            strategy=strategy,
        )
        await crash(supervisor, "culprit")
        assert await names(supervisor) == (["culprit"] if strategy is Strategy.ONE_FOR_ALL else ["culprit", "before"])


# Scale.


def costs(*arguments: str) -> list[tuple[float, ...]]:
    """What `scale` says, for each size of the crowd."""
    command = [sys.executable, "-m", "tests.supervisors.suite.scale", *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[3]), *sys.path])}
    answer = subprocess.run(command, check=True, capture_output=True, env=environment, text=True, timeout=120)  # noqa: S603 - our own
    return [tuple(cost) for cost in json.loads(answer.stdout)]


def test_simple_one_for_one_scale_many_temporary_children() -> None:
    """Starting and stopping a temporary dynamic child costs the same, however many there are."""
    few, many = costs("dynamic", "inline", "100", "2000")

    assert all(more < 1.1 * less for less, more in zip(few, many, strict=True))


@pytest.mark.parametrize("child", ["inline", "task"])
def test_scale_start_stop_many_children(child: str) -> None:
    """Starting and stopping a child of a static supervisor costs the same, however many there are."""
    few, many = costs("static", child, "50", "500")

    assert all(more < 1.1 * less for less, more in zip(few, many, strict=True))


# Names.


@trio_test
async def test_simple_global_supervisor() -> None:
    """A supervisor and a worker with names of a registry come back under them, whoever was killed or ended."""
    sup, server = Global("sup"), Global("server")
    worker = ChildSpec("worker", partial(Fragile.start_link, name=server))
    middle = ChildSpec(
        "middle",
        partial(Supervisor.start_link, strategy=Strategy.ONE_FOR_ALL, intensity=3, period=60, name=sup),
        ([worker],),
        type=ChildType.SUPERVISOR,
    )
    async with open_node():
        trap_exit()
        top = await Supervisor.start_link([middle], strategy=Strategy.ONE_FOR_ALL, intensity=3, period=60)

        before = sup.whereis(), server.whereis()

        async def changes() -> tuple[bool, bool]:
            nonlocal before
            await wait_all_tasks_blocked()
            after = sup.whereis(), server.whereis()
            assert None not in after
            before, old = after, before
            return after[0] is not old[0], after[1] is not old[1]

        exit_signal(before[0], KILL)  # type: ignore[arg-type]  # pyright: ignore
        assert await changes() == (True, True)
        exit_signal(before[1], KILL)  # type: ignore[arg-type]  # pyright: ignore
        assert await changes() == (False, True)
        await end(before[0], "worker", NORMAL)  # type: ignore[arg-type]  # pyright: ignore
        assert await changes() == (False, True)
        await terminate_child(sup, "worker")
        await restart_child(sup, "worker")
        assert await changes() == (False, True)
        exit_signal(top, KILL)
        await its_end(top)
        await wait_all_tasks_blocked()
        assert (sup.whereis(), server.whereis()) == (None, None)


@trio_test
async def test_already_started_outside_supervisor() -> None:
    """A child whose name another process holds does not start, and the error tells who holds it."""
    async with open_node():
        supervisor = await Supervisor.start_link([])
        pid = await Fragile.start_link(name="taken")
        assert pid is not None
        with pytest.raises(StartChildError) as failure:
            await start_child(supervisor, ChildSpec("a", partial(Fragile.start_link, name="taken")))
        assert failure.value.reason == AlreadyStarted(pid)
        assert whereis("taken") is pid


# Restart loops.


async def enter_restart_loop(supervisor: Pid, start: Callable[[ChildSpec], Awaitable[Pid | None]]) -> list[Any]:
    """Have a child crash that then fails to start until its moods are taken away; those are returned."""
    moods: list[Any] = [None, *[ValueError("no")] * FOREVER]
    pid = await start(moody("sick", [], moods))
    assert pid is not None
    left = len(moods)
    exit_signal(pid, KILL)
    while len(moods) == left:  # until the first attempt has failed: the loop never lets the node come to rest
        await which_children(supervisor)
    return moods


async def refused_while_restarting(supervisor: Pid) -> None:
    with pytest.raises(ChildPresentError):
        await start_child(supervisor, fragile("sick"))
    for refused in (restart_child, delete_child):
        with pytest.raises(ChildRestartingError):
            await refused(supervisor, "sick")
    assert (await which_child(supervisor, "sick")).pid is RESTARTING


async def stops_in_its_loop(supervisor: Pid) -> None:
    exit_signal(supervisor, SHUTDOWN)
    assert await its_end(supervisor) is SHUTDOWN


@trio_test
async def test_hanging_restart_loop() -> None:
    """A supervisor in a restart loop can be asked; terminate_child ends the loop, and so does its own end."""
    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link([], intensity=FOREVER)
        moods = await enter_restart_loop(supervisor, partial(start_child, supervisor))
        await refused_while_restarting(supervisor)
        assert await count_children(supervisor) == Counts(specs=1, active=0, supervisors=0, workers=1)
        await terminate_child(supervisor, "sick")
        assert (await which_child(supervisor, "sick")).pid is None
        moods.clear()
        assert await restart_child(supervisor, "sick") is not None
        await terminate_child(supervisor, "sick")
        await delete_child(supervisor, "sick")
        await enter_restart_loop(supervisor, partial(start_child, supervisor))
        await stops_in_its_loop(supervisor)


@trio_test
async def test_hanging_restart_loop_rest_for_one() -> None:
    """The same when others wait for the child: they are stopped meanwhile, and stay so if it is given up on."""
    moods: list[Any] = [None, *[ValueError("no")] * FOREVER]
    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link(
            [fragile("before"), moody("sick", [], moods), fragile("after")],
            strategy=Strategy.REST_FOR_ONE,
            intensity=FOREVER,
        )
        before = await child(supervisor, "before")
        exit_signal(await child(supervisor, "sick"), KILL)
        while len(moods) == FOREVER:
            await which_children(supervisor)
        await refused_while_restarting(supervisor)
        expected = [("after", None), ("sick", RESTARTING), ("before", before)]
        assert [(info.id, info.pid) for info in await which_children(supervisor)] == expected
        assert await count_children(supervisor) == Counts(specs=3, active=1, supervisors=0, workers=3)
        await terminate_child(supervisor, "sick")
        expected[1] = ("sick", None)
        assert [(info.id, info.pid) for info in await which_children(supervisor)] == expected
        await delete_child(supervisor, "sick")
        await enter_restart_loop(supervisor, partial(start_child, supervisor))
        await stops_in_its_loop(supervisor)


@trio_test
async def test_hanging_restart_loop_simple() -> None:
    """The same under a dynamic supervisor, which forgets the child when it is told to stop it."""
    async with open_node():
        trap_exit()
        supervisor = await DynamicSupervisor.start_link(intensity=FOREVER)
        started: list[Pid] = []

        async def start(spec: ChildSpec) -> Pid | None:
            pid = await start_child(supervisor, spec)
            assert pid is not None
            started.append(pid)
            return pid

        await enter_restart_loop(supervisor, start)
        assert [info.pid for info in await which_children(supervisor)] == [RESTARTING]
        assert await count_children(supervisor) == Counts(specs=1, active=0, supervisors=0, workers=1)
        for refused in (restart_child, delete_child):
            with pytest.raises(UnknownChildError):
                await refused(supervisor, "sick")
        await terminate_child(supervisor, started[0])
        assert await which_children(supervisor) == []
        await enter_restart_loop(supervisor, start)
        await stops_in_its_loop(supervisor)


# Order.


@trio_test
async def test_order_of_children() -> None:
    """Children start in the order they are given, and stop in reverse, in a group restart and at the end."""
    events: list[str] = []
    ids = ["7", "3", "10", "2", "5"]  # in no alphabetical order
    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link(
            [witness(name, events) for name in ids], strategy=Strategy.REST_FOR_ONE, intensity=2, period=3600
        )
        assert events == ["7+", "3+", "10+", "2+", "5+"]
        events.clear()
        await crash(supervisor, "10")
        assert events == ["10-", "5-", "2-", "10+", "2+", "5+"]
        events.clear()
        await stops_in_its_loop(supervisor)
        assert events == ["5-", "2-", "10-", "3-", "7-"]


# What supervisors show.


@trio_test
async def test_which_children() -> None:
    """All children, last started first, and each by its id."""
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a"), fragile("b", modules=("app.b", "app.codec"))])
        a, b = await child(supervisor, "a"), await child(supervisor, "b")
        info_a = ChildInfo("a", a, ChildType.WORKER, HERE)
        info_b = ChildInfo("b", b, ChildType.WORKER, ("app.b", "app.codec"))
        assert await which_children(supervisor) == [info_b, info_a]
        assert [await which_child(supervisor, name) for name in "ab"] == [info_a, info_b]
        with pytest.raises(UnknownChildError):
            await which_child(supervisor, a)


@trio_test
async def test_which_children_simple_one_for_one() -> None:
    """All dynamic children, and each by its pid."""
    async with open_node():
        supervisor = await DynamicSupervisor.start_link()
        infos = [ChildInfo("a", await start_child(supervisor, fragile("a")), ChildType.WORKER, HERE) for _ in range(3)]
        assert await which_children(supervisor) == infos
        assert [await which_child(supervisor, info.pid) for info in infos] == infos
        with pytest.raises(UnknownChildError):
            await which_child(supervisor, "a")


@trio_test
async def test_format_log_1(caplog: pytest.LogCaptureFixture) -> None:
    """What a supervisor reports is one log record, of one line as text, with the report as a value beside it."""
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a", "x" * 10_000)])
        before = await child(supervisor, "a")
        caplog.clear()
        await end(supervisor, "a", Failure("broken"))
        [record] = [one for one in caplog.records if isinstance(vars(one).get("regrow_report"), ChildTerminated)]
        assert record.levelno == logging.ERROR
        assert record.message == f"supervisor {supervisor}: child 'a' {before} terminated: Failure(detail='broken')"
        assert record.regrow_report == ChildTerminated(  # type: ignore[attr-defined]  # pyright: ignore
            supervisor, fragile("a", "x" * 10_000), before, Failure("broken")
        )


@trio_test
async def test_format_log_2() -> None:
    """The text of a report has the size of its reason, not of what the child was started with."""
    async with open_node() as node:
        reports = reports_of(node)
        supervisor = await Supervisor.start_link([fragile("a", "x" * 10_000)])
        await end(supervisor, "a", Failure("broken"))
        assert len(reports) >= 3
        assert all(len(str(report)) < 500 for report in reports)


@trio_test
async def test_which_children_answer_calls() -> None:
    """A pid that a supervisor shows is that of the child."""
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a", "mine")])
        [info] = await which_children(supervisor)
        assert await call(info.pid, "who") == "mine"  # type: ignore[arg-type]  # pyright: ignore
