"""The dynamic supervisor: children started on demand, unordered, known by pid, each restarted alone.

Made for crowds. All it keeps of a child is one entry in a dict: its spec under its pid. Exit signals are taken one
after the other for as long as there are any, without going back to trio between inline children, so that thousands
of crashes at once are one wake-up; nothing done for one child costs more because there are others.

See: Elixir ``DynamicSupervisor``; OTP ``simple_one_for_one``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, final

import trio

from regrow.actors import SHUTDOWN, Exit, ExitReason, Pid, Stop, cast, current_node, trap_exit

from ._answering import AnsweringServer, TryAgain, change
from ._child_spec import ChildSpec, ChildType, Started
from ._errors import (
    BadCombinationError,
    BadOptionError,
    MaxChildrenError,
    StartChildError,
    UnknownChildError,
)
from ._intensity import RestartLimit, RestartWindow
from ._report import ChildGivenUp, ChildRestarted, ChildTerminated, SupervisorShutdown
from ._requests import (
    RESTARTING,
    ChildInfo,
    CountChildren,
    Counts,
    DeleteChild,
    GetChildSpec,
    RestartChild,
    StartChild,
    TerminateChild,
    WhichChild,
    WhichChildren,
)
from ._restart import Sequel, is_reported, sequel
from ._shutdown import stop, stop_together
from ._starting import pid_of, starting_with

if TYPE_CHECKING:
    from regrow.actors import Destination, Name

__all__ = ["DynamicSupervisor"]


@final
class DynamicSupervisor(AnsweringServer):
    """A supervisor that begins without children and restarts each alone.

    Ask it things with `start_child`, `start_child_soon`, `request_child`, `terminate_child`, `which_children` and
    `count_children`. Children are named by their pid; two of them may have the same spec.

    It stops its children all at once when its parent's exit signal arrives (rule U-20).
    """

    _changeable = frozenset(("intensity", "period", "max_children", "extra_arguments"))
    _children: dict[Pid, ChildSpec]
    """Under the pid of the present incarnation, or of the last one while a restart is tried again."""
    _restarting: set[Pid]
    """The children whose last restart failed. Invariant: ``_restarting <= _children.keys()``."""
    _windows: dict[Pid, RestartWindow]
    """Recent restarts of children that have a limit of their own and have crashed.

    Invariant: ``_windows.keys() <= _children.keys()``.
    """

    @classmethod
    async def start_link(  # type: ignore[override]  # how a behaviour is started is its own affair
        cls,
        *,
        intensity: int = 3,
        period: int = 5,
        max_children: float = math.inf,
        extra_arguments: tuple[Any, ...] = (),
        name: Name | None = None,
    ) -> Pid:
        """Start a linked supervisor that has no children yet.

        More than ``intensity`` restarts of its children within ``period`` seconds make it stop them all and exit
        with `SHUTDOWN`. Children with a limit of their own are not counted. At most ``max_children`` may exist,
        those that are being restarted included. ``extra_arguments`` come before the ``args`` of every child.

        Raises:
            AlreadyStartedError: the name is held.
            BadLimitError: ``intensity`` or ``period`` is out of range.
            BadOptionError: ``max_children`` is negative, or ``extra_arguments`` no tuple.

        See: Elixir ``DynamicSupervisor.start_link/1``.
        """
        _check(max_children, extra_arguments)
        pid = await super().start_link(RestartLimit(intensity, period), max_children, extra_arguments, name=name)
        assert pid is not None
        return pid

    @staticmethod
    async def upgrade(
        supervisor: Destination,
        *,
        intensity: int | None = None,
        period: int | None = None,
        max_children: float | None = None,
        extra_arguments: tuple[Any, ...] | None = None,
    ) -> None:
        """Change options of a running supervisor, and nothing of its children.

        What is None stays. New ``extra_arguments`` are for starts to come, restarts included. Restarts counted so
        far stay counted, and children beyond a lower ``max_children`` live on.

        Raises:
            BadLimitError, BadOptionError: as `start_link`; nothing has changed.

        See: OTP ``supervisor``, ``code_change``.
        """
        await change(
            supervisor,
            intensity=intensity,
            period=period,
            max_children=max_children,
            extra_arguments=extra_arguments,
        )

    async def init(self, limit: RestartLimit, max_children: float, extra_arguments: tuple[Any, ...]) -> None:
        """Begin without children."""
        trap_exit()
        self._reports = current_node().reports  # looked up once: two reports a restart are many in a storm
        self._window = RestartWindow(limit)
        self._max_children = max_children
        self._start = starting_with(extra_arguments)
        self._children = {}
        self._restarting = set()
        self._windows = {}
        self._gave_up = False

    async def terminate(self, _reason: ExitReason) -> None:
        """Stop all children at once."""
        children, self._children = self._children, {}
        running = {pid: spec for pid, spec in children.items() if pid not in self._restarting}
        await stop_together(running)
        if self._gave_up:
            for spec in children.values():
                spec.give_up()

    # What a death leads to.

    async def handle_info(self, message: object) -> Stop | None:
        """Take an exit signal; that of a pid that is no child's any more is none of our business (rule U-5)."""
        if not isinstance(message, Exit):
            AnsweringServer.handle_info(self, message)
            return None
        pid = message.pid
        spec = self._children.get(pid)
        if spec is None or pid.is_alive:  # a living child may send us an exit signal too
            return None
        if is_reported(spec.restart, message.reason):
            self._reports.add(ChildTerminated, self.pid, spec, pid, message.reason)
        if sequel(spec.restart, message.reason) is Sequel.RESTART:
            return await self._restart(pid, spec)
        self._forget(pid)  # nobody could start it again: it has no id
        return None

    async def _restart(self, pid: Pid, spec: ChildSpec) -> Stop | None:
        now = trio.current_time()
        if spec.limit is not None:
            window = self._windows.get(pid)
            if window is None:
                window = self._windows[pid] = RestartWindow(spec.limit)
            if not window.admits(now):
                self._forget(pid)
                self._reports.add(ChildGivenUp, self.pid, spec, spec.limit)
                spec.give_up()
                return None
        elif not self._window.admits(now):
            self._gave_up = True
            self._forget(pid)
            self._reports.add(SupervisorShutdown, self.pid, spec, self._window.limit)
            spec.give_up()
            return Stop(SHUTDOWN)
        outcome = await self._start(spec)
        if isinstance(outcome, ExitReason):
            self._restarting.add(pid)
            cast(self.pid, TryAgain(pid))
            return None
        window = self._forget(pid)
        if outcome is not None:
            successor = pid_of(outcome)
            self._children[successor] = spec
            if window is not None:
                self._windows[successor] = window
            self._reports.add(ChildRestarted, self.pid, spec, pid, successor)
        return None

    async def handle_cast(self, request: object) -> Stop | None:
        """Try a restart again, unless it was called off; or start a child."""
        if isinstance(request, TryAgain):
            pid = request.child
            return await self._restart(pid, self._children[pid]) if pid in self._restarting else None
        return await super().handle_cast(request)

    # What may be asked.

    async def _answer(self, request: object) -> Any:
        match request:
            case StartChild(spec):
                return await self._add(spec)
            case TerminateChild(child):
                await self._terminate_child(child)
            case RestartChild(child) | DeleteChild(child):
                raise UnknownChildError(child)
            case WhichChildren():
                return [self._info(pid, spec) for pid, spec in self._children.items()]
            case CountChildren():
                return self._count()
            case WhichChild(child):
                return self._info(*self._find(child))
            case GetChildSpec(child):
                return self._find(child)[1]
            case _:
                return await super()._answer(request)
        return None

    def _configure(
        self,
        *,
        intensity: int | None = None,
        period: int | None = None,
        max_children: float | None = None,
        extra_arguments: tuple[Any, ...] | None = None,
    ) -> None:
        limit = self._window.limit.changed(intensity=intensity, period=period)
        _check(0 if max_children is None else max_children, () if extra_arguments is None else extra_arguments)
        self._window.limit = limit
        if max_children is not None:
            self._max_children = max_children
        if extra_arguments is not None:
            self._start = starting_with(extra_arguments)

    async def _add(self, spec: ChildSpec) -> Pid | Started | None:
        if spec.significant:
            raise BadCombinationError(spec.id, "a dynamic supervisor never shuts down by itself")
        if len(self._children) >= self._max_children:
            raise MaxChildrenError(self._max_children)
        outcome = await self._start(spec)
        if isinstance(outcome, ExitReason):
            raise StartChildError(spec.id, outcome)
        if outcome is not None:
            self._children[pid_of(outcome)] = spec.kept
        return outcome

    async def _terminate_child(self, child: object) -> None:
        pid, spec = self._find(child)
        is_running = pid not in self._restarting
        self._forget(pid)
        if is_running:
            await stop(pid, spec)

    def _find(self, child: object) -> tuple[Pid, ChildSpec]:
        spec = self._children.get(child) if isinstance(child, Pid) else None
        if spec is None:
            raise UnknownChildError(child)
        return child, spec  # type: ignore[return-value]  # only a Pid is a key

    def _forget(self, pid: Pid) -> RestartWindow | None:
        del self._children[pid]
        self._restarting.discard(pid)
        return self._windows.pop(pid, None)

    def _info(self, pid: Pid, spec: ChildSpec) -> ChildInfo:
        return ChildInfo(spec.id, RESTARTING if pid in self._restarting else pid, spec.type, spec.code)

    def _count(self) -> Counts:
        specs = len(self._children)
        supervisors = sum(spec.type is ChildType.SUPERVISOR for spec in self._children.values())
        active = sum(pid.is_alive for pid in self._children)
        return Counts(specs, active, supervisors, specs - supervisors)


def _check(max_children: float, extra_arguments: object) -> None:
    if max_children < 0:
        raise BadOptionError("max_children", max_children, "0 or more, or math.inf")
    if not isinstance(extra_arguments, tuple):
        raise BadOptionError("extra_arguments", extra_arguments, "a tuple")
