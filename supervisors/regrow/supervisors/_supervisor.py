"""The static supervisor: children in start order, restarted together as the strategy says.

It is a server that never does two things at once: while it starts or stops a child, exit signals and requests wait
in its mailbox (rule U-23). A restart that fails is tried again by a message to itself, behind whatever came in the
meantime, so that a child which never starts does not keep the supervisor from being asked or stopped (rule U-14).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, final

import trio

from regrow.actors import (
    SHUTDOWN,
    Exit,
    ExitReason,
    From,
    GenServer,
    Pid,
    Reply,
    Shutdown,
    Stop,
    cast,
    trap_exit,
)

from ._child_spec import ChildSpec, Restart
from ._children import Child, Children
from ._errors import (
    BadOptionError,
    ChildAlreadyStartedError,
    ChildPresentError,
    DuplicateChildError,
    StartChildError,
    SupervisorError,
)
from ._intensity import RestartLimit, RestartWindow
from ._report import ChildGivenUp, ChildRestarted, ChildTerminated, SupervisorShutdown, publish
from ._requests import (
    CountChildren,
    DeleteChild,
    RestartChild,
    StartChild,
    TerminateChild,
    WhichChildren,
)
from ._restart import Sequel, is_reported, sequel
from ._shutdown import stop
from ._starting import FailedToStart, start
from ._strategy import Strategy, is_strategy, start_order, stop_order

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from regrow.actors import Name

__all__ = ["Supervisor"]


@final
class _TryAgain:
    """The supervisor's note to itself: the restart of this child failed."""

    __slots__ = ("child",)

    def __init__(self, child: Child) -> None:
        self.child = child


@final
class Supervisor(GenServer):
    """A process whose only work is starting, watching, restarting and stopping children.

    A value configures it: there is nothing to subclass. Ask it things with `start_child`, `terminate_child`,
    `restart_child`, `delete_child`, `which_children` and `count_children`.

    It stops its children, last started first, when its parent's exit signal arrives, whatever the reason, and
    ignores those of strangers except a kill (rule U-22). An unknown call crashes it (rule U-5).

    See: OTP ``supervisor``.
    """

    @classmethod
    async def start_link(  # type: ignore[override]  # how a behaviour is started is its own affair
        cls,
        children: Iterable[ChildSpec],
        *,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        intensity: int = 1,
        period: int = 5,
        name: Name | None = None,
    ) -> Pid:
        """Start a linked supervisor and its children, one after the other, each ready before the next starts.

        More than ``intensity`` restarts within ``period`` seconds make it stop its children and exit with
        `SHUTDOWN`, for its own supervisor to decide (rules U-9, U-12, U-13).

        Waits until the last child is ready. If it is cancelled, the supervisor and its children are killed.

        Raises:
            AlreadyStartedError: the name is held.
            BadLimitError: ``intensity`` or ``period`` is out of range.
            BadOptionError: ``strategy`` is none.
            DuplicateChildError: two children have the same id.
            InitFailedError: a child failed to start; those before it were stopped again in reverse. The reason is
                ``Shutdown(FailedToStart(id, reason))`` (rule U-2).

        See: OTP ``supervisor:start_link/3``.
        """
        if not is_strategy(strategy):
            raise BadOptionError("strategy", strategy, "a Strategy")
        limit = RestartLimit(intensity, period)
        specs: dict[Hashable, ChildSpec] = {}
        for spec in children:
            if spec.id in specs:
                raise DuplicateChildError(spec.id)
            specs[spec.id] = spec
        # An iterator, because a task holds on to its arguments, and this one lets go of the specs it has handed out.
        pid = await super().start_link(iter(specs.values()), strategy, limit, name=name)
        assert pid is not None
        return pid

    async def init(self, specs: Iterator[ChildSpec], strategy: Strategy, limit: RestartLimit) -> Stop | None:
        """Start the children in order (rule U-1)."""
        trap_exit()
        self._strategy = strategy
        self._limit = limit
        self._window = RestartWindow(limit)
        self._children = Children()
        self._gave_up = False
        for spec in specs:
            try:
                await self._add(spec)
            except StartChildError as error:
                await self.terminate(SHUTDOWN)
                return Stop(Shutdown(FailedToStart(spec.id, error.reason)))
        return None

    async def terminate(self, _reason: ExitReason) -> None:
        """Stop the children, last started first, each dead before the next is asked (rule U-20)."""
        children = self._children.in_start_order()
        for child in reversed(children):
            await self._stop(child)
        if self._gave_up:
            for child in children:
                child.spec.give_up()

    # What a death leads to.

    async def handle_info(self, message: object) -> Stop | None:
        """Take an exit signal; that of a pid that is no child's any more is none of our business (rule U-5)."""
        if not isinstance(message, Exit):
            GenServer.handle_info(self, message)
            return None
        child = self._children.running(message.pid)
        if child is None or message.pid.is_alive:  # a living child may send us an exit signal too
            return None
        return await self._ended(child, message.pid, message.reason)

    async def _ended(self, child: Child, pid: Pid, reason: ExitReason) -> Stop | None:
        spec = child.spec
        self._children.runs_no_more(child)
        if is_reported(spec.restart, reason):
            publish(ChildTerminated, self.pid, spec.id, pid, reason)
        match sequel(spec.restart, reason):
            case Sequel.RESTART:
                return await self._restart(child)
            case Sequel.KEEP:
                pass
            case Sequel.FORGET:
                self._children.drop(child)
        return None

    async def _restart(self, child: Child) -> Stop | None:
        """Restart a child and those its death takes along; counts as one restart whatever their number (U-11)."""
        now = trio.current_time()
        if child.window is not None:
            if not child.window.admits(now):
                await self._give_up_alone(child)
                return None
        elif not self._window.admits(now):
            self._gave_up = True
            publish(SupervisorShutdown, self.pid, child.spec.id, self._limit)
            return Stop(SHUTDOWN)
        children = self._children.in_start_order()
        for sibling in stop_order(self._strategy, children, child):
            await self._stop(sibling)
        await self._start_again(start_order(self._strategy, children, child))
        return None

    async def _give_up_alone(self, child: Child) -> None:
        """Drop a child that exceeded its own limit. If a group restart waited for it, that goes on behind it."""
        group = start_order(self._strategy, self._children.in_start_order(), child)
        waiting = group[group.index(child) + 1 :] if child.restarting else ()
        child.restarting = False
        self._children.drop(child)
        assert child.spec.limit is not None
        publish(ChildGivenUp, self.pid, child.spec.id, child.spec.limit)
        child.spec.give_up()
        await self._start_again(waiting)

    async def _start_again(self, group: Sequence[Child]) -> None:
        """Start the children of a group up to the first that fails: with that one the next attempt begins (U-16)."""
        for child in group:
            if child not in self._children:  # temporary, and gone for good since it was stopped (rule U-7)
                continue
            outcome = await start(child.spec)
            if isinstance(outcome, ExitReason):
                child.restarting = True
                cast(self.pid, _TryAgain(child))
                return
            child.restarting = False
            if outcome is not None:
                self._children.runs_as(child, outcome)
                publish(ChildRestarted, self.pid, child.spec.id, child.predecessor, outcome)

    async def handle_cast(self, request: object) -> Stop | None:
        """Try a restart again, unless it was called off or made good in the meantime; or start a child."""
        match request:
            case _TryAgain(child=child):
                return await self._restart(child) if child.restarting else None
            case StartChild(spec):
                with contextlib.suppress(SupervisorError):  # nobody waits for the answer, and the report is out
                    await self._add(spec)
            case _:
                GenServer.handle_cast(self, request)
        return None

    # What may be asked.

    async def handle_call(self, request: object, _caller: From) -> Reply:
        """Answer a request; errors are values, raised by the function that asked."""
        try:
            return Reply(await self._answer(request))
        except SupervisorError as error:
            return Reply(error.with_traceback(None))

    async def _answer(self, request: object) -> Any:
        match request:
            case StartChild(spec):
                return await self._add(spec)
            case TerminateChild(child_id):
                await self._stop(self._children.find(child_id))
            case RestartChild(child_id):
                return await self._start_first(self._children.find_stopped(child_id))
            case DeleteChild(child_id):
                self._children.drop(self._children.find_stopped(child_id))
            case WhichChildren():
                return self._children.infos()
            case CountChildren():
                return self._children.counts()
            case _:
                raise NotImplementedError(f"a supervisor does not know the request {request!r}")
        return None

    async def _add(self, spec: ChildSpec) -> Pid | None:
        present = self._children.get(spec.id)
        if present is not None:
            raise ChildPresentError(spec.id) if present.pid is None else ChildAlreadyStartedError(spec.id, present.pid)
        child = Child(spec)
        pid = await self._start_first(child)
        if pid is not None or spec.restart is not Restart.TEMPORARY:  # rule U-3
            child.spec = spec.kept
            self._children.add(child)
        return pid

    async def _start_first(self, child: Child) -> Pid | None:
        """Start a child because someone asked for it: no second attempt."""
        outcome = await start(child.spec)
        if isinstance(outcome, ExitReason):
            raise StartChildError(child.spec.id, outcome)
        if outcome is not None:
            self._children.runs_as(child, outcome)
        return outcome

    async def _stop(self, child: Child) -> None:
        """See to it that a child does not run and will not: by being told to, a temporary one is gone for good."""
        child.restarting = False
        pid = self._children.runs_no_more(child)
        if pid is not None:
            await stop(pid, child.spec)
        if child.spec.restart is Restart.TEMPORARY:
            self._children.drop(child)
