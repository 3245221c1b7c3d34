"""How to start, restart and stop one child: a frozen recipe, shared by every incarnation of the child."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, cast, final

from ._errors import BadChildSpecError, BadCombinationError
from ._intensity import RestartLimit

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from regrow.actors import Pid

__all__ = ["BRUTAL_KILL", "BrutalKill", "ChildSpec", "ChildType", "Restart", "Started"]


class Restart(enum.StrEnum):
    """When a child that ended is started again."""

    PERMANENT = "permanent"
    """Always, however it ended."""
    TRANSIENT = "transient"
    """Only if it ended abnormally."""
    TEMPORARY = "temporary"
    """Never."""


class ChildType(enum.StrEnum):
    """What a child is; it decides how long it may take to stop unless the spec says so."""

    WORKER = "worker"
    """Does the work: 5 seconds."""
    SUPERVISOR = "supervisor"
    """Has children of its own to stop: as long as that takes."""


class BrutalKill(enum.Enum):
    """The type of `BRUTAL_KILL`."""

    BRUTAL_KILL = enum.auto()

    def __repr__(self) -> str:
        return self.name


BRUTAL_KILL: Final = BrutalKill.BRUTAL_KILL
"""`ChildSpec.shutdown`: stop the child with a kill it cannot trap."""

_DEFAULT_GRACE = {ChildType.WORKER: 5.0, ChildType.SUPERVISOR: math.inf}


@final
@dataclass(frozen=True, slots=True)
class Started:
    """What a start function returns that has more to tell than a pid. See: OTP ``{ok, Pid, Info}``."""

    pid: Pid
    info: object
    """For whoever asked for the start, by `start_child_with_info`, `restart_child_with_info` or `request_child`."""


@final
@dataclass(frozen=True, slots=True)
class ChildSpec:
    """The recipe of one child.

    Keyword arguments for ``start`` go into a `functools.partial`::

        ChildSpec("rooms", partial(DynamicSupervisor.start_link, max_children=100), type=ChildType.SUPERVISOR)

    `dataclasses.replace` makes a variant of a spec, checked like any other; that is Elixir's
    ``Supervisor.child_spec/2``.

    Raises:
        BadChildSpecError: a field holds something outside its contract; the message names the field (rule U-4).
        BadCombinationError: a permanent child is significant.

    See: OTP ``supervisor:child_spec()``.
    """

    id: Hashable
    """Names the child within its supervisor. A dynamic supervisor knows its children by pid and only reports it."""
    start: Callable[..., Pid | Started | Awaitable[Pid | Started | None] | None]
    """Called with ``args``, as the supervisor. Starts a process linked to the supervisor and returns its pid once it
    is ready, `Started` to tell more than the pid, or None if it is not wanted (OTP ``ignore``). Raising fails the
    start."""
    args: tuple[Any, ...] = ()
    """What ``start`` is called with, each time."""
    restart: Restart = Restart.PERMANENT
    """When the child is started again."""
    shutdown: float | Literal[BrutalKill.BRUTAL_KILL] | None = None
    """Seconds from the exit signal to the kill; ``math.inf`` waits for ever. None: 5.0, for a supervisor infinity."""
    type: ChildType = ChildType.WORKER
    """What the child is."""
    limit: RestartLimit | None = None
    """This child's own restart limit, beyond OTP, for children that must not take down their neighbours.

    Restarts of such a child count against this limit *instead of* the supervisor's. When it is exceeded the child
    alone is given up: dropped and reported, while the supervisor and the others live on.
    """
    given_up: Callable[[], None] | None = None
    """Called once when this supervisor will not start the child again although it is not temporary: because its
    limit is exceeded, or because the supervisor gives up. Not called when the child, or the supervisor, is stopped
    in order. Runs inside the supervisor: it must neither block nor raise."""
    significant: bool = False
    """Whether its own end may end the supervisor, as the supervisor's `AutoShutdown` says. Not for permanent
    children, which never end for good, nor under a `DynamicSupervisor`."""
    modules: tuple[str, ...] | None = None
    """Names of the modules a code upgrade of the child loads. None: the one that defines what ``start`` starts."""

    def __post_init__(self) -> None:
        """Check the contract for those who do not run a type checker."""
        for field, default, holds, expected in _CONTRACT:
            value = getattr(self, field)
            if value is not default and not holds(value):
                raise BadChildSpecError(field, value, expected)
        if self.significant and self.restart is Restart.PERMANENT:
            raise BadCombinationError(
                self.id, "it is permanent and never ends for good: make it transient or temporary"
            )

    @property
    def grace(self) -> float | Literal[BrutalKill.BRUTAL_KILL]:
        """How the child is stopped, defaults applied."""
        return _DEFAULT_GRACE[self.type] if self.shutdown is None else self.shutdown

    @property
    def kept(self) -> ChildSpec:
        """What a supervisor keeps of it: a child that never starts again must not hold on to its arguments."""
        if self.restart is not Restart.TEMPORARY:
            return self
        return ChildSpec(
            self.id,
            _never,
            restart=self.restart,
            shutdown=self.shutdown,
            type=self.type,
            significant=self.significant,
            modules=self.code,
        )

    @property
    def code(self) -> tuple[str, ...]:
        """The names of the modules a code upgrade of the child loads, default applied."""
        return _home_of(self.start) if self.modules is None else self.modules

    def give_up(self) -> None:
        """Tell whoever wants to know that the child will not come back."""
        if self.given_up is not None:
            self.given_up()


def _never() -> None:
    """The start function of a child that is not started again."""


_HOMES: dict[str, tuple[str]] = {}
"""One tuple for each module, because each temporary child has one."""


def _home_of(start: Callable[..., object]) -> tuple[str, ...]:
    """The module of the class whose ``start_link`` this is, or of the function itself."""
    while isinstance(start, partial):
        start = start.func
    home = getattr(start, "__self__", start)
    module = getattr(home, "__module__", None)
    return _HOMES.setdefault(module, (module,)) if isinstance(module, str) else ()


def _are_names(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(name, str) for name in cast("tuple[object, ...]", value))


def _is_shutdown(value: object) -> bool:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value >= 0
    return value is None or value is BRUTAL_KILL


_UNSET = object()

_CONTRACT: tuple[tuple[str, object, Callable[[object], bool], str], ...] = (
    ("id", _UNSET, lambda value: value is not None and isinstance(value, Hashable), "anything hashable but None"),
    ("start", _UNSET, callable, "a callable that starts a linked process"),
    ("args", (), lambda value: isinstance(value, tuple), "a tuple"),
    ("restart", Restart.PERMANENT, lambda value: isinstance(value, Restart), "a Restart"),
    ("shutdown", None, _is_shutdown, "seconds from 0 to math.inf, BRUTAL_KILL or None"),
    ("type", ChildType.WORKER, lambda value: isinstance(value, ChildType), "a ChildType"),
    ("limit", None, lambda value: isinstance(value, RestartLimit), "a RestartLimit or None"),
    ("given_up", None, callable, "a callable or None"),
    ("significant", False, lambda value: value is True, "a bool"),
    ("modules", None, _are_names, "a tuple of module names or None"),
)
"""What each field must hold: its default, which needs no check, or what a predicate accepts."""
