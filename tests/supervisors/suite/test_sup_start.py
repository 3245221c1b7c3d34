"""supervisor_SUITE, groups sup_start and sup_start_map: starting a supervisor and its children."""

from __future__ import annotations

import math
from typing import Any

import pytest

from regrow.actors import (
    IGNORE,
    SHUTDOWN,
    BadReturn,
    Crash,
    Exit,
    InitFailedError,
    Pid,
    Shutdown,
    exit_signal,
    open_node,
    trap_exit,
)
from regrow.supervisors import (
    BadChildSpecError,
    BadOptionError,
    ChildSpec,
    ChildType,
    Counts,
    DynamicSupervisor,
    FailedToStart,
    Restart,
    StartChildError,
    Supervisor,
    UnknownChildError,
    count_children,
    get_childspec,
    restart_child,
    start_child,
    terminate_child,
    which_children,
)
from tests.support.assertions import mailbox
from tests.support.misbehaving_children import Fragile
from tests.support.supervised import child, fragile, its_end, moody, names
from tests.support.trio_test import trio_test


def ignored(name: str, **fields: Any) -> ChildSpec:
    return moody(name, [], [IGNORE], **fields)


def failing(name: str) -> ChildSpec:
    return moody(name, [], [ValueError("no")])


def junk(name: str) -> ChildSpec:
    def answers_nonsense() -> Any:
        return "a pid"

    return ChildSpec(name, answers_nonsense)


async def exits() -> list[Exit]:
    """The exit signals that have come since."""
    return [message for message in await mailbox() if isinstance(message, Exit)]


@trio_test
async def test_sup_start_normal() -> None:
    """A supervisor starts, and stops with the reason its parent sends."""
    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link([])
        exit_signal(supervisor, SHUTDOWN)
        assert await its_end(supervisor) is SHUTDOWN


@trio_test
async def test_sup_start_ignore_init() -> None:
    """A supervisor that is not wanted is no failure; no exit signal comes of it."""

    async def start_nothing() -> None:
        """What stands for a callback module whose init returns ignore: a start function that starts nothing."""

    async with open_node():
        trap_exit()
        outer = await Supervisor.start_link([ChildSpec("inner", start_nothing, type=ChildType.SUPERVISOR)])
        assert await child(outer, "inner") is None
        assert await exits() == []


@trio_test
async def test_sup_start_ignore_child() -> None:
    """A child that is not wanted is kept without a process, and counted."""
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a")])
        assert await start_child(supervisor, ignored("b")) is None
        assert await child(supervisor, "b") is None
        assert await count_children(supervisor) == Counts(specs=2, active=1, supervisors=0, workers=2)


@trio_test
async def test_sup_start_ignore_temporary_child() -> None:
    """The spec of a temporary child that is not wanted is dropped when the supervisor starts."""
    async with open_node():
        supervisor = await Supervisor.start_link([ignored("a", restart=Restart.TEMPORARY), fragile("b")])
        assert await names(supervisor) == ["b"]


@trio_test
async def test_sup_start_ignore_temporary_child_start_child() -> None:
    """The same for one added by start_child."""
    async with open_node():
        supervisor = await Supervisor.start_link([])
        assert await start_child(supervisor, ignored("a", restart=Restart.TEMPORARY)) is None
        assert await count_children(supervisor) == Counts(specs=0, active=0, supervisors=0, workers=0)


@trio_test
async def test_sup_start_ignore_temporary_child_start_child_simple() -> None:
    """The same under a dynamic supervisor."""
    async with open_node():
        supervisor = await DynamicSupervisor.start_link()
        assert await start_child(supervisor, ignored("a", restart=Restart.TEMPORARY)) is None
        assert await count_children(supervisor) == Counts(specs=0, active=0, supervisors=0, workers=0)


@trio_test
async def test_sup_start_ignore_permanent_child_start_child_simple() -> None:
    """A dynamic supervisor keeps nothing of a permanent child either, and stops in order."""
    async with open_node():
        trap_exit()
        supervisor = await DynamicSupervisor.start_link()
        assert await start_child(supervisor, ignored("a")) is None
        assert await which_children(supervisor) == []
        exit_signal(supervisor, SHUTDOWN)
        assert await its_end(supervisor) is SHUTDOWN


@trio_test
async def test_sup_start_error_return() -> None:
    """What is no configuration starts nothing, and no exit signal comes of it."""
    async with open_node() as node:
        trap_exit()
        with pytest.raises(BadOptionError, match="children must be ChildSpecs, got 'nonsense'"):
            await Supervisor.start_link(["nonsense"])  # type: ignore[list-item]  # pyright: ignore
        assert len(node.processes) == 1
        assert await exits() == []


@trio_test
async def test_sup_start_fail() -> None:
    """A start that fails says why; no exit signal comes of it."""
    async with open_node():
        trap_exit()
        with pytest.raises(InitFailedError) as failure:
            await Supervisor.start_link([failing("a")])
        match failure.value.reason:
            case Shutdown(FailedToStart("a", Crash(type="ValueError", message="no"))):
                pass
            case other:
                pytest.fail(f"failed of {other}")
        assert await exits() == []


@trio_test
async def test_sup_start_child_returns_error() -> None:
    """A child that fails to start, or whose start function returns nonsense, is not kept."""
    async with open_node():
        supervisor = await Supervisor.start_link([])
        for spec, reason in ((failing("a"), Crash), (junk("a"), BadReturn)):
            with pytest.raises(StartChildError) as failure:
                await start_child(supervisor, spec)
            assert isinstance(failure.value.reason, reason)
            assert failure.value.child == "a"
        assert await which_children(supervisor) == []


@trio_test
async def test_sup_start_restart_child_returns_error() -> None:
    """A child that fails to start on restart_child stays, stopped."""
    moods: list[Any] = [None, ValueError("no")]
    async with open_node():
        supervisor = await Supervisor.start_link([moody("a", [], moods)])
        await terminate_child(supervisor, "a")
        with pytest.raises(StartChildError):
            await restart_child(supervisor, "a")
        assert await child(supervisor, "a") is None
        assert isinstance(await restart_child(supervisor, "a"), Pid)


@trio_test
async def test_sup_start_child_returns_error_simple() -> None:
    """A dynamic supervisor tells the reason and keeps nothing."""
    async with open_node():
        supervisor = await DynamicSupervisor.start_link()
        for spec, reason in ((failing("a"), Crash), (junk("a"), BadReturn)):
            with pytest.raises(StartChildError) as failure:
                await start_child(supervisor, spec)
            assert isinstance(failure.value.reason, reason)
        assert await which_children(supervisor) == []


@trio_test
async def test_sup_start_map() -> None:
    """What a spec leaves out has its default, and get_childspec shows the spec."""
    crowd = ChildSpec("crowd", DynamicSupervisor.start_link, type=ChildType.SUPERVISOR)
    async with open_node():
        supervisor = await Supervisor.start_link([ChildSpec("a", Fragile.start_link), crowd])
        spec = await get_childspec(supervisor, "a")
        assert spec == ChildSpec(
            "a", Fragile.start_link, (), Restart.PERMANENT, None, ChildType.WORKER, None, None, significant=False
        )
        assert (spec.grace, crowd.grace) == (5.0, math.inf)
        assert spec.code == (Fragile.__module__,)
        assert await get_childspec(supervisor, "crowd") is crowd
        with pytest.raises(UnknownChildError):
            await get_childspec(supervisor, "nobody")


@trio_test
async def test_sup_start_map_simple() -> None:
    """A dynamic supervisor shows the spec of a child by its pid, and of nobody else."""
    async with open_node():
        supervisor = await DynamicSupervisor.start_link()
        spec = fragile("a")
        pid = await start_child(supervisor, spec)
        assert await get_childspec(supervisor, pid) is spec
        for nobody in (supervisor, "a"):
            with pytest.raises(UnknownChildError):
                await get_childspec(supervisor, nobody)


def test_sup_start_map_faulty_specs() -> None:
    """A spec without an id or start cannot be made, nor one with a field nobody knows or a start that is none."""
    make: Any = ChildSpec
    for fields in ({"start": Fragile.start_link}, {"id": "a"}, {"id": "a", "start": Fragile.start_link, "more": 1}):
        with pytest.raises(TypeError, match=r"id|start|more"):
            make(**fields)
    with pytest.raises(BadChildSpecError, match="start"):
        make(id="a", start="Fragile")
