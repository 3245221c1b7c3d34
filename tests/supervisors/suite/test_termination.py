"""supervisor_SUITE, group termination: which end of a child leads to a restart, under both kinds of supervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from regrow.actors import (
    KILLED,
    NORMAL,
    SHUTDOWN,
    ExitReason,
    Failure,
    InitFailedError,
    Node,
    Pid,
    Report,
    Shutdown,
    open_node,
)
from regrow.supervisors import (
    ChildRestarted,
    ChildSpec,
    ChildStarted,
    ChildTerminated,
    ChildType,
    DynamicSupervisor,
    FailedToStart,
    Restart,
    Supervisor,
    start_child,
)
from tests.support.supervised import child, crash, end, fragile, moody, reports_of
from tests.support.trio_test import trio_test

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS = (Supervisor, DynamicSupervisor)
ORDERLY = (SHUTDOWN, Shutdown("done"))
ABNORMAL = (Failure("broken"), KILLED)

RESTARTED, STOPPED, GONE = "restarted", "stopped", "gone"


async def fate(kind: Any, restart: Restart, reason: ExitReason, reports: list[Report]) -> str:
    """What becomes of a child that ended."""
    supervisor = await (kind.start_link([]) if kind is Supervisor else kind.start_link())
    before = await start_child(supervisor, fragile("a", restart=restart))
    reports.clear()
    await end(supervisor, "a", reason)
    after = await child(supervisor, "a")
    if isinstance(after, Pid):
        assert after is not before
        return RESTARTED
    return STOPPED if after is None else GONE


async def fates(node: Node, restart: Restart, reasons: Sequence[ExitReason], *, reported: bool) -> list[list[str]]:
    """The same for each reason, under a static and under a dynamic supervisor."""
    reports = reports_of(node)
    all_of_them: list[list[str]] = []
    for reason in reasons:
        row: list[str] = []
        for kind in KINDS:
            row.append(await fate(kind, restart, reason, reports))
            assert [r.reason for r in reports if isinstance(r, ChildTerminated)] == ([reason] if reported else [])
        all_of_them.append(row)
    return all_of_them


@trio_test
async def test_external_start_no_progress_log() -> None:
    """A child started on request is no news; one that starts with its supervisor is, and so is a restart."""
    async with open_node() as node:
        reports = reports_of(node)
        supervisor = await Supervisor.start_link([fragile("a")])
        await start_child(supervisor, fragile("b"))
        assert [report.child for report in reports if isinstance(report, ChildStarted)] == ["a"]
        await crash(supervisor, "b")
        assert [report.child for report in reports if isinstance(report, ChildRestarted)] == ["b"]
        assert [report.child for report in reports if isinstance(report, ChildStarted)] == ["a"]


@trio_test
async def test_permanent_normal() -> None:
    """A permanent child that ends normally is restarted, and reported."""
    async with open_node() as node:
        assert await fates(node, Restart.PERMANENT, [NORMAL], reported=True) == [[RESTARTED, RESTARTED]]


@trio_test
async def test_transient_normal() -> None:
    """A transient child that ends normally is not restarted, and nobody hears of it."""
    async with open_node() as node:
        assert await fates(node, Restart.TRANSIENT, [NORMAL], reported=False) == [[STOPPED, GONE]]


@trio_test
async def test_temporary_normal() -> None:
    """A temporary child that ends normally is gone, and nobody hears of it."""
    async with open_node() as node:
        assert await fates(node, Restart.TEMPORARY, [NORMAL], reported=False) == [[GONE, GONE]]


@trio_test
async def test_permanent_shutdown() -> None:
    """A permanent child that shuts itself down is restarted, and reported."""
    async with open_node() as node:
        assert await fates(node, Restart.PERMANENT, ORDERLY, reported=True) == [[RESTARTED, RESTARTED]] * 2


@trio_test
async def test_transient_shutdown() -> None:
    """A transient child that shuts itself down is not restarted, and nobody hears of it."""
    async with open_node() as node:
        assert await fates(node, Restart.TRANSIENT, ORDERLY, reported=False) == [[STOPPED, GONE]] * 2


@trio_test
async def test_temporary_shutdown() -> None:
    """A temporary child that shuts itself down is gone, and nobody hears of it."""
    async with open_node() as node:
        assert await fates(node, Restart.TEMPORARY, ORDERLY, reported=False) == [[GONE, GONE]] * 2


@trio_test
async def test_faulty_application_shutdown() -> None:
    """When the start of a tree fails, the reason tells the way from the top to the child."""
    inner = ChildSpec(
        "inner", Supervisor.start_link, ([moody("leaf", [], [ValueError("no")])],), type=ChildType.SUPERVISOR
    )
    async with open_node():
        with pytest.raises(InitFailedError) as failure:
            await Supervisor.start_link([inner])
        top = failure.value.reason
        assert isinstance(top, Shutdown)
        assert isinstance(top.detail, FailedToStart)
        assert top.detail.child == "inner"
        below = top.detail.reason
        assert isinstance(below, Shutdown)
        assert isinstance(below.detail, FailedToStart)
        assert below.detail.child == "leaf"
        assert below.detail.reason.message == "no"  # type: ignore[attr-defined]  # pyright: ignore


@trio_test
async def test_permanent_abnormal() -> None:
    """A permanent child that ends abnormally is restarted, and reported."""
    async with open_node() as node:
        assert await fates(node, Restart.PERMANENT, ABNORMAL, reported=True) == [[RESTARTED, RESTARTED]] * 2


@trio_test
async def test_transient_abnormal() -> None:
    """A transient child that ends abnormally is restarted, and reported."""
    async with open_node() as node:
        assert await fates(node, Restart.TRANSIENT, ABNORMAL, reported=True) == [[RESTARTED, RESTARTED]] * 2


@trio_test
async def test_temporary_abnormal() -> None:
    """A temporary child that ends abnormally is gone, and reported."""
    async with open_node() as node:
        assert await fates(node, Restart.TEMPORARY, ABNORMAL, reported=True) == [[GONE, GONE]] * 2
