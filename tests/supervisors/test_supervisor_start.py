"""Starting a supervisor (rules U-1 to U-4)."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    IGNORE,
    BadReturn,
    Crash,
    InitFailedError,
    Pid,
    Shutdown,
    open_node,
    trap_exit,
    whereis,
)
from regrow.supervisors import (
    BadLimitError,
    BadOptionError,
    ChildSpec,
    DuplicateChildError,
    FailedToStart,
    StartError,
    Supervisor,
    restart_child,
)
from tests.support.misbehaving_children import Slow
from tests.support.supervised import child, crash, moody, reports_of, witness
from tests.support.trio_test import trio_test


@trio_test
async def test_u1_children_start_from_first_to_last_each_ready_before_the_next() -> None:
    begun: list[tuple[str, float]] = []

    async def slow(name: str) -> Pid | None:
        begun.append((name, trio.current_time()))
        return await Slow.start_link(2.0)

    async with open_node():
        started_at = trio.current_time()
        await Supervisor.start_link([ChildSpec("a", slow, ("a",)), ChildSpec("b", slow, ("b",))])
        assert begun == [("a", started_at), ("b", started_at + 2.0)]
        assert trio.current_time() == started_at + 4.0


@trio_test
async def test_u2_a_child_that_fails_to_start_fails_the_supervisor_and_stops_the_others_in_reverse() -> None:
    events: list[str] = []
    async with open_node() as node:
        reports = reports_of(node)
        children = [
            witness("a", events),
            witness("b", events),
            moody("c", events, [ValueError("no")]),
            witness("d", events),
        ]
        with pytest.raises(InitFailedError) as failure:
            await Supervisor.start_link(children, intensity=100)
        assert events == ["a+", "b+", "c!", "b-", "a-"]
        reason = failure.value.reason
        assert isinstance(reason, Shutdown)
        assert isinstance(reason.detail, FailedToStart)
        assert reason.detail.child == "c"
        assert isinstance(reason.detail.reason, Crash)
        assert [report.child for report in reports if isinstance(report, StartError)] == ["c"]
        assert len(node.processes) == 1


@trio_test
async def test_u2_a_failed_start_leaves_its_parent_alone_and_its_name_free() -> None:
    async with open_node():
        trap_exit()
        for _ in range(2):
            with pytest.raises(InitFailedError):
                await Supervisor.start_link([moody("a", [], [ValueError()])], name="sup")
        assert whereis("sup") is None
        await wait_all_tasks_blocked()
        await Supervisor.start_link([], name="sup")


@trio_test
async def test_u2_a_start_function_that_returns_neither_pid_nor_none_fails_the_start() -> None:
    def answers(value: object) -> Any:
        return value

    async with open_node():
        with pytest.raises(InitFailedError) as failure:
            await Supervisor.start_link([ChildSpec("a", answers, (42,))])
        reason = failure.value.reason
        assert isinstance(reason, Shutdown)
        assert isinstance(reason.detail.reason, BadReturn)  # type: ignore[attr-defined]  # pyright: ignore


@trio_test
async def test_u3_an_ignored_child_is_kept_without_a_process_and_not_restarted() -> None:
    events: list[str] = []
    async with open_node():
        supervisor = await Supervisor.start_link([moody("a", events, [IGNORE]), moody("b", events, [])])
        assert await child(supervisor, "a") is None
        await crash(supervisor, "b")
        assert await child(supervisor, "a") is None
        assert await restart_child(supervisor, "a") is not None
        assert events == ["a0", "b+", "b-", "b+", "a+"]


@trio_test
async def test_u4_options_out_of_range_are_refused_before_anything_starts() -> None:
    events: list[str] = []
    one = [witness("a", events)]
    async with open_node():
        with pytest.raises(BadLimitError, match="intensity"):
            await Supervisor.start_link(one, intensity=-1)
        with pytest.raises(BadLimitError, match="period"):
            await Supervisor.start_link(one, period=0)
        with pytest.raises(BadOptionError, match="strategy"):
            await Supervisor.start_link(one, strategy="all_for_one")  # type: ignore[arg-type]  # pyright: ignore
        with pytest.raises(DuplicateChildError, match="'a'"):
            await Supervisor.start_link(one + one)
        assert events == []
