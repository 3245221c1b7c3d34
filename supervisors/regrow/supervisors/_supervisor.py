"""The static supervisor: children in start order, restarted together as the strategy says.

It is a server that never does two things at once: while it starts or stops a child, exit signals and requests wait
in its mailbox (rule U-23). A restart that fails is tried again by a message to itself, behind whatever came in the
meantime, so that a child which never starts does not keep the supervisor from being asked or stopped (rule U-14).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import trio

from regrow.actors import SHUTDOWN, Exit, ExitReason, Pid, Shutdown, Stop, cast, trap_exit

from ._answering import AnsweringServer, TryAgain, change
from ._auto_shutdown import AutoShutdown, is_over
from ._child_spec import ChildSpec, Restart, Started
from ._children import Child, Children
from ._errors import ChildAlreadyStartedError, ChildPresentError, StartChildError
from ._flags import Flags, by_id
from ._intensity import RestartLimit, RestartWindow
from ._report import ChildGivenUp, ChildRestarted, ChildStarted, ChildTerminated, SupervisorShutdown, publish
from ._requests import (
    CountChildren,
    DeleteChild,
    GetChildSpec,
    RestartChild,
    StartChild,
    TerminateChild,
    WhichChild,
    WhichChildren,
)
from ._restart import Sequel, is_reported, sequel
from ._shutdown import stop
from ._starting import FailedToStart, pid_of, start
from ._strategy import Strategy, start_order, stop_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from regrow.actors import Destination, Name

__all__ = ["Supervisor"]


@final
class Supervisor(AnsweringServer):
    """A process whose only work is starting, watching, restarting and stopping children.

    A value configures it: there is nothing to subclass. Ask it things with `start_child`, `terminate_child`,
    `restart_child`, `delete_child`, `which_children` and `count_children`; change it with `upgrade`.

    It stops its children, last started first, when its parent's exit signal arrives, whatever the reason, and
    ignores those of strangers except a kill (rule U-22). An unknown call crashes it (rule U-5).

    See: OTP ``supervisor``.
    """

    _changeable = frozenset(("children", "strategy", "intensity", "period", "auto_shutdown"))

    @classmethod
    async def start_link(  # type: ignore[override]  # how a behaviour is started is its own affair
        cls,
        children: Iterable[ChildSpec],
        *,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        intensity: int = 1,
        period: int = 5,
        auto_shutdown: AutoShutdown = AutoShutdown.NEVER,
        name: Name | None = None,
    ) -> Pid:
        """Start a linked supervisor and its children, one after the other, each ready before the next starts.

        More than ``intensity`` restarts within ``period`` seconds make it stop its children and exit with
        `SHUTDOWN`, for its own supervisor to decide (rules U-9, U-12, U-13). So does the end of significant
        children, as ``auto_shutdown`` says.

        Waits until the last child is ready. If it is cancelled, the supervisor and its children are killed.

        Raises:
            AlreadyStartedError: the name is held.
            BadCombinationError: a child is significant, and ``auto_shutdown`` is `AutoShutdown.NEVER`.
            BadLimitError: ``intensity`` or ``period`` is out of range.
            BadOptionError: another option is outside its contract.
            DuplicateChildError: two children have the same id.
            InitFailedError: a child failed to start; those before it were stopped again in reverse. The reason is
                ``Shutdown(FailedToStart(id, reason))`` (rule U-2).

        See: OTP ``supervisor:start_link/3``.
        """
        flags = Flags(strategy, RestartLimit(intensity, period), auto_shutdown)
        specs = by_id(children)
        for spec in specs.values():
            flags.check(spec)
        # An iterator, because a task holds on to its arguments, and this one lets go of the specs it has handed out.
        pid = await super().start_link(iter(specs.values()), flags, name=name)
        assert pid is not None
        return pid

    @staticmethod
    async def upgrade(
        supervisor: Destination,
        *,
        children: Iterable[ChildSpec] | None = None,
        strategy: Strategy | None = None,
        intensity: int | None = None,
        period: int | None = None,
        auto_shutdown: AutoShutdown | None = None,
    ) -> None:
        """Change a running supervisor without starting or stopping anything. What is None stays.

        ``children`` are the specs it would be started with now. A child of the same id keeps its process and is
        started and stopped by the new spec from now on. One that is new is added but not started: `restart_child`
        does that. One that is missing stays, behind the others, until it is deleted. Restarts counted so far stay
        counted.

        Raises:
            BadCombinationError, BadLimitError, BadOptionError, DuplicateChildError: as `start_link`; nothing has
                changed.

        See: OTP ``supervisor``, ``code_change``.
        """
        await change(
            supervisor,
            children=None if children is None else tuple(children),
            strategy=strategy,
            intensity=intensity,
            period=period,
            auto_shutdown=auto_shutdown,
        )

    async def init(self, specs: Iterator[ChildSpec], flags: Flags) -> Stop | None:
        """Start the children in order (rule U-1)."""
        trap_exit()
        self._flags = flags
        self._window = RestartWindow(flags.limit)
        self._children = Children()
        self._gave_up = False
        for spec in specs:
            try:
                started = await self._add(spec)
            except StartChildError as error:
                await self.terminate(SHUTDOWN)
                return Stop(Shutdown(FailedToStart(spec.id, error.reason)))
            if started is not None:
                publish(ChildStarted, self.pid, spec, pid_of(started))
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
            AnsweringServer.handle_info(self, message)
            return None
        child = self._children.running(message.pid)
        if child is None or message.pid.is_alive:  # a living child may send us an exit signal too
            return None
        return await self._ended(child, message.pid, message.reason)

    async def _ended(self, child: Child, pid: Pid, reason: ExitReason) -> Stop | None:
        spec = child.spec
        self._children.runs_no_more(child)
        if is_reported(spec.restart, reason):
            publish(ChildTerminated, self.pid, spec, pid, reason)
        match sequel(spec.restart, reason):
            case Sequel.RESTART:
                return await self._restart(child)
            case Sequel.KEEP:
                pass
            case Sequel.FORGET:
                self._children.drop(child)
        return Stop(SHUTDOWN) if is_over(self._flags.auto_shutdown, spec, self._children.not_ended()) else None

    async def _restart(self, child: Child) -> Stop | None:
        """Restart a child and those its death takes along; counts as one restart whatever their number (U-11)."""
        now = trio.current_time()
        if child.window is not None:
            if not child.window.admits(now):
                await self._give_up_alone(child)
                return None
        elif not self._window.admits(now):
            self._gave_up = True
            publish(SupervisorShutdown, self.pid, child.spec, self._flags.limit)
            return Stop(SHUTDOWN)
        group = self._group(child)
        for sibling in stop_order(self._flags.strategy, group, child):
            await self._stop(sibling)
        await self._start_again(group)
        return None

    def _group(self, child: Child) -> Sequence[Child]:
        """Those that start when a child is restarted; nobody else is looked at if that is the child alone."""
        strategy = self._flags.strategy
        children = (child,) if strategy is Strategy.ONE_FOR_ONE else self._children.in_start_order()
        return start_order(strategy, children, child)

    async def _give_up_alone(self, child: Child) -> None:
        """Drop a child that exceeded its own limit. If a group restart waited for it, that goes on behind it."""
        group = self._group(child)
        waiting = group[group.index(child) + 1 :] if child.restarting else ()
        child.restarting = False
        self._children.drop(child)
        assert child.spec.limit is not None
        publish(ChildGivenUp, self.pid, child.spec, child.spec.limit)
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
                cast(self.pid, TryAgain(child))
                return
            child.restarting = False
            if outcome is not None:
                pid = pid_of(outcome)
                self._children.runs_as(child, pid)
                publish(ChildRestarted, self.pid, child.spec, child.predecessor, pid)

    async def handle_cast(self, request: object) -> Stop | None:
        """Try a restart again, unless it was called off or made good in the meantime; or start a child."""
        if isinstance(request, TryAgain):
            return await self._restart(request.child) if request.child.restarting else None
        return await super().handle_cast(request)

    # What may be asked.

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
            case WhichChild(child_id):
                return self._children.find(child_id).info
            case GetChildSpec(child_id):
                return self._children.find(child_id).spec
            case _:
                return await super()._answer(request)
        return None

    def _configure(self, *, children: Iterable[ChildSpec] | None = None, **flags: Any) -> None:
        changed = self._flags.changed(**flags)
        specs = by_id(children or ())
        for spec in specs.values():
            changed.check(spec)
        self._flags = changed
        self._window.limit = changed.limit
        if children is not None:
            self._children.respecify(specs)

    async def _add(self, spec: ChildSpec) -> Pid | Started | None:
        self._flags.check(spec)
        present = self._children.get(spec.id)
        if present is not None:
            raise ChildPresentError(spec.id) if present.pid is None else ChildAlreadyStartedError(spec.id, present.pid)
        child = Child(spec)
        started = await self._start_first(child)
        if started is not None or spec.restart is not Restart.TEMPORARY:  # rule U-3
            self._children.add(child)
        return started

    async def _start_first(self, child: Child) -> Pid | Started | None:
        """Start a child because someone asked for it: no second attempt."""
        outcome = await start(child.spec)
        if isinstance(outcome, ExitReason):
            raise StartChildError(child.spec.id, outcome)
        if outcome is not None:
            self._children.runs_as(child, pid_of(outcome))
            child.spec = child.spec.kept
        return outcome

    async def _stop(self, child: Child) -> None:
        """See to it that a child does not run and will not: by being told to, a temporary one is gone for good."""
        child.restarting = False
        pid = self._children.runs_no_more(child)
        if pid is not None:
            await stop(pid, child.spec)
        if child.spec.restart is Restart.TEMPORARY:
            self._children.drop(child)
