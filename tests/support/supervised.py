"""What tests of supervisors say and ask, in one wording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trio.testing import wait_all_tasks_blocked

from regrow.actors import KILL, KILLED, Exit, ExitReason, Node, Pid, Report, cast, exit_signal, receive
from regrow.supervisors import ChildSpec, which_children
from tests.support.misbehaving_children import Fragile, Moody, Witness

if TYPE_CHECKING:
    from collections.abc import Hashable


def witness(name: str, events: list[str], **fields: Any) -> ChildSpec:
    return ChildSpec(name, Witness.start_link, (name, events), **fields)


def moody(name: str, events: list[str], moods: list[Any], **fields: Any) -> ChildSpec:
    return ChildSpec(name, Moody.start_link, (name, events, moods), **fields)


def fragile(name: Hashable, value: object = None, **fields: Any) -> ChildSpec:
    return ChildSpec(name, Fragile.start_link, (value,), **fields)


async def child(supervisor: Pid, name: object) -> Any:
    """What `which_children` says about a child, once the supervisor has nothing else to do."""
    await wait_all_tasks_blocked()
    return {info.id: info.pid for info in await which_children(supervisor)}.get(name, "unknown")


async def names(supervisor: Pid) -> list[object]:
    await wait_all_tasks_blocked()
    return [info.id for info in await which_children(supervisor)]


async def crash(supervisor: Pid, name: object) -> None:
    """Crash a child and wait until everybody has done what follows from it."""
    cast(await child(supervisor, name), "crash")
    await wait_all_tasks_blocked()


async def end(supervisor: Pid, name: object, reason: ExitReason) -> None:
    """End a child, by a kill if the reason is `KILLED`, and wait until everybody has done what follows from it."""
    pid = await child(supervisor, name)
    if reason is KILLED:
        exit_signal(pid, KILL)
    else:
        cast(pid, reason)
    await wait_all_tasks_blocked()


def reports_of(node: Node) -> list[Report]:
    reports: list[Report] = []
    node.reports.listeners.append(reports.append)
    return reports


async def its_end(pid: Pid) -> ExitReason:
    """The reason of which a linked process died, as a process that traps exits hears of it."""

    def is_its_exit(message: object) -> bool:
        return isinstance(message, Exit) and message.pid is pid

    message = await receive(is_its_exit)
    assert isinstance(message, Exit)
    return message.reason
