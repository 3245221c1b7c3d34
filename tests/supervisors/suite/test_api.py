"""supervisor_SUITE, group API: what may be asked of a supervisor, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import trio

from regrow.actors import KILL, NOPROC, Answer, CallError, Crash, Pid, exit_signal, open_node, receive, trap_exit
from regrow.supervisors import (
    AutoShutdown,
    BadChildSpecError,
    BadCombinationError,
    BadLimitError,
    BadOptionError,
    ChildAlreadyStartedError,
    ChildInfo,
    ChildPresentError,
    ChildRunningError,
    ChildSpec,
    ChildType,
    Counts,
    DuplicateChildError,
    DynamicSupervisor,
    Restart,
    StartChildError,
    Started,
    Strategy,
    Supervisor,
    UnknownChildError,
    check_childspecs,
    count_children,
    delete_child,
    request_child,
    restart_child,
    restart_child_with_info,
    start_child,
    start_child_with_info,
    terminate_child,
    which_child,
    which_children,
)
from tests.support.misbehaving_children import Fragile
from tests.support.supervised import child, crash, fragile, its_end, moody, names
from tests.support.trio_test import trio_test

HERE = (Fragile.__module__,)


async def port_opener() -> Started:
    """A start function that has more to tell than a pid."""
    pid = await Fragile.start_link()
    assert pid is not None
    return Started(pid, ("port", 4711))


OPENER = ChildSpec("opener", port_opener)


@trio_test
async def test_child_adm() -> None:
    """Every request to a static supervisor, and every answer. It does not hibernate: there is nothing to shrink."""
    async with open_node():
        trap_exit()
        supervisor = await Supervisor.start_link([fragile("a")])
        pid = await child(supervisor, "a")
        assert await which_children(supervisor) == [ChildInfo("a", pid, ChildType.WORKER, HERE)]
        assert await count_children(supervisor) == Counts(specs=1, active=1, supervisors=0, workers=1)
        with pytest.raises(ChildAlreadyStartedError) as held:
            await start_child(supervisor, fragile("a"))
        assert held.value.pid is pid

        await terminate_child(supervisor, "a")
        assert await which_child(supervisor, "a") == ChildInfo("a", None, ChildType.WORKER, HERE)
        assert await count_children(supervisor) == Counts(specs=1, active=0, supervisors=0, workers=1)
        await terminate_child(supervisor, "a")  # a child that does not run is no error
        with pytest.raises(UnknownChildError):
            await terminate_child(supervisor, pid)  # a static supervisor knows ids
        with pytest.raises(ChildPresentError):
            await start_child(supervisor, fragile("a"))

        again = await restart_child(supervisor, "a")
        assert again not in {None, pid}
        for refused in (restart_child, delete_child):
            with pytest.raises(ChildRunningError):
                await refused(supervisor, "a")
        await terminate_child(supervisor, "a")
        await delete_child(supervisor, "a")
        for unknown in (terminate_child, restart_child, delete_child, which_child):
            with pytest.raises(UnknownChildError):
                await unknown(supervisor, "a")
        assert await which_children(supervisor) == []

        with pytest.raises(StartChildError) as failure:
            await start_child(supervisor, moody("b", [], [ValueError("no")]))
        assert isinstance(failure.value.reason, Crash)
        assert await which_children(supervisor) == []

        exit_signal(supervisor, KILL)
        await its_end(supervisor)
        with pytest.raises(CallError) as dead:
            await which_children(supervisor)
        assert dead.value.reason is NOPROC


@trio_test
async def test_child_adm_simple() -> None:
    """Every request to a dynamic supervisor, which knows its children by pid only (rule U-24)."""
    async with open_node():
        supervisor = await DynamicSupervisor.start_link()
        spec = fragile("a")
        first = await start_child(supervisor, spec)
        second = await start_child(supervisor, spec)
        infos = await which_children(supervisor)
        assert {info.pid for info in infos} == {first, second}
        assert await which_child(supervisor, first) in infos
        assert await count_children(supervisor) == Counts(specs=2, active=2, supervisors=0, workers=2)
        for refused in (terminate_child, restart_child, delete_child, which_child):
            with pytest.raises(UnknownChildError):
                await refused(supervisor, "a")
        for refused in (restart_child, delete_child):
            with pytest.raises(UnknownChildError):
                await refused(supervisor, first)
        with pytest.raises(UnknownChildError):
            await terminate_child(supervisor, supervisor)
        await terminate_child(supervisor, first)
        assert [info.pid for info in await which_children(supervisor)] == [second]


@pytest.mark.parametrize("kind", [Supervisor, DynamicSupervisor])
@trio_test
async def test_extra_return(kind: Any) -> None:
    """What a start function tells beside the pid reaches whoever asked, and a restart does without."""
    async with open_node():
        supervisor = await (kind.start_link([]) if kind is Supervisor else kind.start_link())
        started = await start_child_with_info(supervisor, OPENER)
        assert started is not None
        assert started.info == ("port", 4711)
        await crash(supervisor, "opener")
        successor = await child(supervisor, "opener")
        assert isinstance(successor, Pid)
        assert successor is not started.pid
        if kind is DynamicSupervisor:
            await terminate_child(supervisor, successor)
        else:
            await terminate_child(supervisor, "opener")
            restarted = await restart_child_with_info(supervisor, "opener")
            assert restarted == Started(await child(supervisor, "opener"), ("port", 4711))
            await terminate_child(supervisor, "opener")
            assert await restart_child(supervisor, "opener") is await child(supervisor, "opener")
        assert isinstance(await start_child(supervisor, replace(OPENER, id="second")), Pid)


@trio_test
async def test_extra_return_of_a_child_from_the_first_list() -> None:
    """A supervisor that starts with such a child keeps its pid."""
    async with open_node():
        supervisor = await Supervisor.start_link([OPENER])
        assert isinstance(await child(supervisor, "opener"), Pid)
        started = await start_child_with_info(supervisor, fragile("plain"))
        assert started == Started(await child(supervisor, "plain"), None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", None),
        ("id", []),
        ("start", "start_link"),
        ("args", ["not", "a", "tuple"]),
        ("restart", "sometimes"),
        ("shutdown", -1),
        ("shutdown", "slowly"),
        ("type", "manager"),
        ("significant", "very"),
        ("modules", ["a", "list"]),
        ("modules", (1,)),
    ],
)
def test_child_specs(field: str, value: Any) -> None:
    """A spec with a field outside its contract cannot be made; the error names the field."""
    with pytest.raises(BadChildSpecError, match=field):
        replace(fragile("a"), **{field: value})


@trio_test
async def test_child_specs_with_equal_ids() -> None:
    """Two specs of one supervisor cannot have the same id."""
    twins = [fragile("a"), fragile("a")]
    with pytest.raises(DuplicateChildError):
        check_childspecs(twins)
    async with open_node():
        with pytest.raises(DuplicateChildError):
            await Supervisor.start_link(twins)


@trio_test
async def test_child_specs_map() -> None:
    """Which specs may be significant under which supervisor; check_childspecs tells without starting anything."""
    with pytest.raises(BadCombinationError, match="permanent"):
        fragile("a", significant=True)
    for restart in (Restart.TRANSIENT, Restart.TEMPORARY):
        spec = fragile("a", restart=restart, significant=True)
        check_childspecs([spec])
        for when in (AutoShutdown.ANY_SIGNIFICANT, AutoShutdown.ALL_SIGNIFICANT):
            check_childspecs([spec], auto_shutdown=when)
        with pytest.raises(BadCombinationError, match="NEVER"):
            check_childspecs([spec], auto_shutdown=AutoShutdown.NEVER)
        async with open_node() as node:
            with pytest.raises(BadCombinationError, match="NEVER"):
                await Supervisor.start_link([spec])
            assert len(node.processes) == 1
            supervisor = await Supervisor.start_link([])
            with pytest.raises(BadCombinationError, match="NEVER"):
                await start_child(supervisor, spec)
            assert await names(supervisor) == []
    with pytest.raises(BadOptionError, match="children"):
        check_childspecs(["nonsense"])  # type: ignore[list-item]  # pyright: ignore
    with pytest.raises(BadOptionError, match="auto_shutdown"):
        check_childspecs([], auto_shutdown="never")  # type: ignore[arg-type]  # pyright: ignore


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"strategy": "none_for_one"}, BadOptionError),
        ({"intensity": -1}, BadLimitError),
        ({"intensity": 0.5}, BadLimitError),
        ({"period": 0}, BadLimitError),
        ({"period": 1.5}, BadLimitError),
        ({"auto_shutdown": "sometimes"}, BadOptionError),
        ({"flag": 1}, TypeError),
    ],
    ids=str,
)
@trio_test
async def test_sup_flags(options: dict[str, Any], error: type[Exception]) -> None:
    """An option outside its contract is refused by name. One nobody knows too, which OTP would overlook."""
    async with open_node() as node:
        with pytest.raises(error, match=next(iter(options))):
            await Supervisor.start_link([], **options)
        assert len(node.processes) == 1


@trio_test
async def test_multiple_restarts() -> None:
    """Restarts that are further apart than the period never add up."""
    async with open_node():
        supervisor = await Supervisor.start_link([fragile("a")], strategy=Strategy.ONE_FOR_ONE, intensity=1, period=1)
        for _ in range(10):
            await crash(supervisor, "a")
            assert isinstance(await child(supervisor, "a"), Pid)
            await trio.sleep(2.1)


@trio_test
async def test_extra_return_as_a_message() -> None:
    """request_child is answered with what the start function returned."""
    async with open_node():
        supervisor = await DynamicSupervisor.start_link()
        ref = request_child(supervisor, OPENER)

        def is_its_answer(message: object) -> bool:
            return isinstance(message, Answer) and message.ref is ref

        answer = await receive(is_its_answer)
        assert answer.value.info == ("port", 4711)
