from __future__ import annotations

import logging

import pytest

from regrow.actors import NORMAL, SHUTDOWN, Report, open_node, self_
from regrow.supervisors import (
    ChildGivenUp,
    ChildRestarted,
    ChildSpec,
    ChildStarted,
    ChildTerminated,
    DynamicSupervisor,
    RestartLimit,
    ShutdownError,
    StartError,
    SupervisorShutdown,
)
from tests.support.trio_test import trio_test

ROOMS = ChildSpec("rooms", DynamicSupervisor.start_link)


async def one_of_each() -> list[Report]:
    async with open_node():
        pid = self_()
    return [
        ChildTerminated(pid, ROOMS, pid, NORMAL),
        ChildStarted(pid, ROOMS, pid),
        ChildRestarted(pid, ROOMS, None, pid),
        StartError(pid, ROOMS, SHUTDOWN),
        ShutdownError(pid, ROOMS, pid, NORMAL),
        ChildGivenUp(pid, ROOMS, RestartLimit(3, 5)),
        SupervisorShutdown(pid, ROOMS, RestartLimit(3, 5)),
    ]


@trio_test
async def test_a_report_is_one_line_that_names_the_supervisor_and_the_child() -> None:
    for report in await one_of_each():
        assert "\n" not in str(report)
        assert str(report).startswith("supervisor <0.0>")
        assert "child 'rooms'" in str(report)


@trio_test
async def test_reports_of_different_kinds_are_counted_apart() -> None:
    reports = await one_of_each()
    assert len({report.label for report in reports}) == len(reports)


@trio_test
async def test_a_start_is_news_and_everything_else_is_an_error() -> None:
    levels = {type(report): report.level for report in await one_of_each()}
    assert levels.pop(ChildStarted) == levels.pop(ChildRestarted) == logging.INFO
    assert set(levels.values()) == {logging.ERROR}


@trio_test
async def test_a_limit_is_told_in_full() -> None:
    for report in await one_of_each():
        if isinstance(report, ChildGivenUp | SupervisorShutdown):
            assert "more than 3 restarts in 5 s" in str(report)


@trio_test
async def test_a_report_carries_the_spec_of_the_child() -> None:
    for report in await one_of_each():
        assert report.offender is ROOMS  # type: ignore[attr-defined]  # pyright: ignore


def test_reports_are_values() -> None:
    with pytest.raises(TypeError):
        ChildTerminated()  # type: ignore[call-arg]  # pyright: ignore
