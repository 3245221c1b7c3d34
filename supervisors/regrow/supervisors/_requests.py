"""What one may ask a supervisor, and the functions that ask.

Every function waits as long as it takes, because a supervisor is busy while a child starts or stops (rule U-23).
A child that asks its own supervisor while it initialises would wait for ever, and gets a `DeadlockError` instead. If a
call is cancelled the request may still be carried out.

Each raises `CallError` if the supervisor is not alive or dies before it answers, `CannotWaitError` in an inline
process, and `NotAProcessError` outside a process.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, final

from regrow.actors import Pid, cast, send_request

from ._asking import ask
from ._child_spec import Started

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from regrow.actors import Destination, Ref

    from ._child_spec import ChildSpec, ChildType

__all__ = [
    "RESTARTING",
    "ChildInfo",
    "CountChildren",
    "Counts",
    "DeleteChild",
    "GetChildSpec",
    "RestartChild",
    "Restarting",
    "StartChild",
    "TerminateChild",
    "Upgrade",
    "WhichChild",
    "WhichChildren",
    "count_children",
    "delete_child",
    "get_childspec",
    "request_child",
    "restart_child",
    "restart_child_with_info",
    "start_child",
    "start_child_soon",
    "start_child_with_info",
    "terminate_child",
    "which_child",
    "which_children",
]


class Restarting(enum.Enum):
    """The type of `RESTARTING`."""

    RESTARTING = enum.auto()

    def __repr__(self) -> str:
        return self.name


RESTARTING: Final = Restarting.RESTARTING
"""`ChildInfo.pid`: the last restart of this child failed, the next attempt is to come."""


@final
@dataclass(frozen=True, slots=True)
class ChildInfo:
    """One child, as `which_children` lists it."""

    id: Hashable
    """`ChildSpec.id`."""
    pid: Pid | Literal[Restarting.RESTARTING] | None
    """The process, which may be dead already; `RESTARTING`; or None if it does not run."""
    type: ChildType
    """`ChildSpec.type`."""
    modules: tuple[str, ...]
    """`ChildSpec.modules`, default applied."""


@final
@dataclass(frozen=True, slots=True)
class Counts:
    """How many children a supervisor has. See: OTP ``supervisor:count_children/1``."""

    specs: int
    """Children, running or not."""
    active: int
    """Processes that are alive."""
    supervisors: int
    """Children of type supervisor, running or not."""
    workers: int
    """Children of type worker, running or not."""


@final
@dataclass(frozen=True, slots=True)
class StartChild:
    """Add a child and start it."""

    spec: ChildSpec


@final
@dataclass(frozen=True, slots=True)
class TerminateChild:
    """Stop a child."""

    child: Hashable


@final
@dataclass(frozen=True, slots=True)
class RestartChild:
    """Start a child that does not run."""

    child: Hashable


@final
@dataclass(frozen=True, slots=True)
class DeleteChild:
    """Forget a child that does not run."""

    child: Hashable


@final
@dataclass(frozen=True, slots=True)
class WhichChild:
    """Tell of one child."""

    child: Hashable


@final
@dataclass(frozen=True, slots=True)
class GetChildSpec:
    """Show the spec of one child."""

    child: Hashable


@final
@dataclass(frozen=True, slots=True)
class Upgrade:
    """Change options."""

    options: Mapping[str, Any]


@final
@dataclass(frozen=True, slots=True)
class WhichChildren:
    """List the children."""


@final
@dataclass(frozen=True, slots=True)
class CountChildren:
    """Count the children."""


async def start_child(supervisor: Destination, spec: ChildSpec) -> Pid | None:
    """Add a child and start it; its pid once it is ready, or None if its start function returned None.

    A static supervisor keeps the spec of a child that is not wanted, unless it is temporary (rule U-3).

    Raises:
        BadCombinationError: the child is significant, and the supervisor never shuts down by itself.
        ChildAlreadyStartedError: a static supervisor has a child of this id, and it is running.
        ChildPresentError: a static supervisor has a child of this id, and it is not running.
        MaxChildrenError: a dynamic supervisor is full.
        StartChildError: the child did not start; its spec is not kept.

    See: OTP ``supervisor:start_child/2``.
    """
    return _pid_of(await ask(supervisor, StartChild(spec)))


async def start_child_with_info(supervisor: Destination, spec: ChildSpec) -> Started | None:
    """Like `start_child`, with what the start function told beside the pid; None if it told only that."""
    return _started(await ask(supervisor, StartChild(spec)))


def start_child_soon(supervisor: Destination, spec: ChildSpec) -> None:
    """Like `start_child`, for those that cannot wait and need no answer: a failure is a `StartError` report."""
    cast(supervisor, StartChild(spec))


def request_child(supervisor: Destination, spec: ChildSpec) -> Ref:
    """Like `start_child`, for those that cannot wait: the answer comes as a message.

    `Answer` with the returned ref and, as value, what the start function returned (a pid, `Started`, or None), or a
    `SupervisorError` that is not raised; or `Unanswered` if the supervisor is not alive or dies before it answers.
    """
    return send_request(supervisor, StartChild(spec))


async def terminate_child(supervisor: Destination, child: Hashable) -> None:
    """Stop a child, named by its id (static) or pid (dynamic), and wait until it is dead.

    It is not restarted, and an attempt to restart it that is under way ends (rule U-15). A static supervisor keeps
    its spec unless it is temporary; one that does not run is no error. A dynamic supervisor forgets it.

    Raises:
        UnknownChildError: the supervisor has no such child.

    See: OTP ``supervisor:terminate_child/2``.
    """
    await ask(supervisor, TerminateChild(child))


async def restart_child(supervisor: Destination, child: Hashable) -> Pid | None:
    """Start a child of a static supervisor that does not run; its pid, or None if it is not wanted.

    This counts against no limit (rule U-11).

    Raises:
        ChildRestartingError: it is being restarted.
        ChildRunningError: it is running.
        StartChildError: it did not start; its spec stays.
        UnknownChildError: the supervisor has no such child.

    See: OTP ``supervisor:restart_child/2``.
    """
    return _pid_of(await ask(supervisor, RestartChild(child)))


async def restart_child_with_info(supervisor: Destination, child: Hashable) -> Started | None:
    """Like `restart_child`, with what the start function told beside the pid; None if it told only that."""
    return _started(await ask(supervisor, RestartChild(child)))


async def delete_child(supervisor: Destination, child: Hashable) -> None:
    """Forget a child of a static supervisor that does not run.

    Raises:
        ChildRestartingError: it is being restarted.
        ChildRunningError: it is running.
        UnknownChildError: the supervisor has no such child.

    See: OTP ``supervisor:delete_child/2``.
    """
    await ask(supervisor, DeleteChild(child))


async def which_children(supervisor: Destination) -> list[ChildInfo]:
    """The children: of a static supervisor in reverse start order, of a dynamic one in any order.

    See: OTP ``supervisor:which_children/1``.
    """
    children: list[ChildInfo] = await ask(supervisor, WhichChildren())
    return children


async def count_children(supervisor: Destination) -> Counts:
    """How many children there are. See: OTP ``supervisor:count_children/1``."""
    counts: Counts = await ask(supervisor, CountChildren())
    return counts


async def which_child(supervisor: Destination, child: Hashable) -> ChildInfo:
    """One child, named by its id (static) or pid (dynamic).

    Raises:
        UnknownChildError: the supervisor has no such child.

    See: OTP ``supervisor:which_child/2``.
    """
    info: ChildInfo = await ask(supervisor, WhichChild(child))
    return info


async def get_childspec(supervisor: Destination, child: Hashable) -> ChildSpec:
    """The spec of one child, named by its id (static) or pid (dynamic).

    That of a temporary child has no arguments any more, because they are not kept.

    Raises:
        UnknownChildError: the supervisor has no such child.

    See: OTP ``supervisor:get_childspec/2``.
    """
    spec: ChildSpec = await ask(supervisor, GetChildSpec(child))
    return spec


def _pid_of(answer: Pid | Started | None) -> Pid | None:
    return answer.pid if isinstance(answer, Started) else answer


def _started(answer: Pid | Started | None) -> Started | None:
    return Started(answer, None) if isinstance(answer, Pid) else answer
