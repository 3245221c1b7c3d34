from __future__ import annotations

from typing import Any

import pytest
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    NOPROC,
    Answer,
    CannotWaitError,
    GenServer,
    NotAProcessError,
    Pid,
    Report,
    Unanswered,
    call,
    cast,
    open_node,
    receive,
    self_,
    send,
)
from regrow.supervisors import (
    ChildSpec,
    DynamicSupervisor,
    MaxChildrenError,
    StartChildError,
    StartError,
    Supervisor,
    request_child,
    start_child,
    start_child_soon,
    terminate_child,
    which_children,
)
from tests.support.misbehaving_children import Fragile, Moody
from tests.support.trio_test import trio_test

FRAGILE = ChildSpec("fragile", Fragile.start_link, ("mine",))


def unready() -> ChildSpec:
    return ChildSpec("unready", Moody.start_link, ("a", [], [ValueError("no")]))


class Landlord(GenServer):
    """An inline process: it cannot wait, and so asks a supervisor for children by message."""

    def init(self, supervisor: Pid, confidant: Pid) -> None:
        self.supervisor = supervisor
        self.confidant = confidant

    def handle_cast(self, request: Any) -> None:
        match request:
            case "request", ChildSpec() as spec:
                self.ref = request_child(self.supervisor, spec)
            case "soon", ChildSpec() as spec:
                start_child_soon(self.supervisor, spec)
            case _:
                with pytest.raises(CannotWaitError):
                    start_child(self.supervisor, FRAGILE).send(None)
                send(self.confidant, "could not wait")

    def handle_info(self, message: Any) -> None:
        assert message.ref is self.ref
        send(self.confidant, message)


async def landlord(supervisor: Pid) -> Pid:
    pid = await Landlord.start_link(supervisor, self_())
    assert pid is not None
    return pid


@trio_test
async def test_request_child_is_answered_with_the_pid() -> None:
    async with open_node():
        supervisor = await DynamicSupervisor.start_link()
        cast(await landlord(supervisor), ("request", FRAGILE))
        answer = await receive(Answer)
        assert await call(answer.value, "who") == "mine"
        assert [info.pid for info in await which_children(supervisor)] == [answer.value]


@trio_test
async def test_request_child_is_answered_with_an_error_value() -> None:
    async with open_node():
        supervisor = await DynamicSupervisor.start_link(max_children=1)
        asker = await landlord(supervisor)
        cast(asker, ("request", unready()))
        assert isinstance((await receive(Answer)).value, StartChildError)
        await start_child(supervisor, FRAGILE)
        cast(asker, ("request", FRAGILE))
        assert isinstance((await receive(Answer)).value, MaxChildrenError)


@trio_test
async def test_request_child_of_a_dead_supervisor_is_unanswered() -> None:
    async with open_node():
        outer = await DynamicSupervisor.start_link()
        supervisor = await start_child(outer, ChildSpec("inner", DynamicSupervisor.start_link))
        assert supervisor is not None
        await terminate_child(outer, supervisor)
        cast(await landlord(supervisor), ("request", FRAGILE))
        assert (await receive(Unanswered)).reason is NOPROC


@pytest.mark.parametrize("kind", [Supervisor, DynamicSupervisor])
@trio_test
async def test_start_child_soon_starts_a_child_and_tells_nobody(kind: Any) -> None:
    async with open_node():
        supervisor = await (kind.start_link([]) if kind is Supervisor else kind.start_link())
        cast(await landlord(supervisor), ("soon", FRAGILE))
        await wait_all_tasks_blocked()
        [info] = await which_children(supervisor)
        assert await call(info.pid, "who") == "mine"  # type: ignore[arg-type]  # pyright: ignore


@pytest.mark.parametrize("kind", [Supervisor, DynamicSupervisor])
@trio_test
async def test_start_child_soon_reports_a_failure_and_the_supervisor_goes_on(kind: Any) -> None:
    async with open_node() as node:
        reports: list[Report] = []
        node.reports.listeners.append(reports.append)
        supervisor = await (kind.start_link([]) if kind is Supervisor else kind.start_link())
        start_child_soon(supervisor, unready())
        assert await which_children(supervisor) == []
        assert [report.child for report in reports if isinstance(report, StartError)] == ["unready"]


@trio_test
async def test_an_inline_process_that_tries_to_wait_is_told_so() -> None:
    async with open_node():
        supervisor = await DynamicSupervisor.start_link()
        cast(await landlord(supervisor), "wait")
        assert await receive(str) == "could not wait"


@trio_test
async def test_nobody_but_a_process_may_ask() -> None:
    async with open_node():
        supervisor = await DynamicSupervisor.start_link()
    with pytest.raises(NotAProcessError):
        await which_children(supervisor)
