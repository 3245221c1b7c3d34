"""Supervision trees and what may befall them: the scenarios, and the strategies that generate them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from hypothesis import strategies as st

__all__ = ["Child", "Dynamic", "Static", "TreeScenario", "Worker", "children_of", "tree_scenarios"]

SLOW: Final = 0.5
"""Seconds that a slow child takes to terminate. Far from every shutdown time: it is known which ends first."""


@dataclass(frozen=True)
class Worker:
    id: str
    restart: str = "permanent"
    shutdown: str | int = 5000
    significant: bool = False
    trap: bool = True
    ending: str = "ok"
    """What ``terminate`` does."""
    moods: tuple[str, ...] = ()
    """How each start goes, ``ok`` when there are no more."""
    driver: str = "inline"
    """On Regrow only; a slow ending makes a task of it."""

    def term(self) -> object:
        return (
            "worker",
            self.id,
            self.restart,
            self.shutdown,
            self.significant,
            (self.trap, self.ending),
            list(self.moods),
        )

    @property
    def is_task(self) -> bool:
        return self.driver == "task" or self.ending == "slow"


@dataclass(frozen=True)
class Static:
    id: str
    children: tuple[Child, ...]
    restart: str = "permanent"
    shutdown: str | int = "infinity"
    significant: bool = False
    strategy: str = "one_for_one"
    intensity: int = 1
    period: int = 5
    auto_shutdown: str = "never"

    def term(self) -> object:
        options = (self.strategy, self.intensity, self.period, self.auto_shutdown)
        return ("supervisor", self.id, self.restart, self.shutdown, self.significant, options, list(self.children))


@dataclass(frozen=True)
class Dynamic:
    id: str
    template: Worker
    """All its children are made after it: Erlang's simple_one_for_one has a single spec."""
    restart: str = "permanent"
    shutdown: str | int = "infinity"
    significant: bool = False
    intensity: int = 1
    period: int = 5

    def term(self) -> object:
        options = (self.intensity, self.period)
        return ("dynamic", self.id, self.restart, self.shutdown, self.significant, options, self.template)


Child = Worker | Static | Dynamic


@dataclass(frozen=True)
class TreeScenario:
    root: Static
    operations: tuple[tuple[object, ...], ...] = field(default=())
    end: str = "shutdown"
    """The reason with which the parent of the root stops what is left."""

    def term(self) -> object:
        return (self.root, list(self.operations), self.end)

    @property
    def pauses(self) -> bool:
        return any(operation[0] == "pause" for operation in self.operations)

    @property
    def orphans(self) -> bool:
        """Whether a supervisor may be killed: what its children do then, they do all at once, in any order."""
        supervisors = [child for child in _descendants(self.root) if not isinstance(child, Worker)]
        ids = {supervisor.id for supervisor in supervisors}
        return (
            self.end == "kill"
            or any(supervisor.shutdown != "infinity" for supervisor in supervisors)
            or any(operation[0] == "exit" and operation[1] in ids for operation in self.operations)
        )


def children_of(child: Child) -> tuple[Child, ...]:
    return child.children if isinstance(child, Static) else ()


def _descendants(child: Child) -> list[Child]:
    return [child, *(below for one in children_of(child) for below in _descendants(one))]


# Strategies.

_RESTARTS: Final = st.sampled_from(["permanent", "transient", "temporary"])
_STRATEGIES: Final = st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"])
_MOODS: Final = st.lists(st.sampled_from(["ok", "ok", "ok", "stop", "raise", "exit", "ignore"]), max_size=5).map(tuple)
_LASTING_MOODS: Final = st.lists(st.sampled_from(["ok", "ok", "stop", "raise"]), max_size=4).map(tuple)
_CASTS: Final = st.sampled_from(
    [*(("stop", reason) for reason in ("normal", "shutdown", ("shutdown", "x"), "broken")), "raise", "bad_return"]
)
_SIGNALS: Final = st.sampled_from(["kill", "normal", "shutdown", ("shutdown", "x"), "broken"])
_MOST_PAUSES: Final = 3
_AUTO: Final = st.sampled_from(["never", "any_significant", "all_significant"])


@st.composite
def _workers(draw: st.DrawFn, child_id: str, *, hasty: bool, significant: bool) -> Worker:
    """A worker. In a hasty tree supervisors are short of time, and a worker that is slow is never killed for it."""
    restart = draw(_RESTARTS)
    ending = draw(st.sampled_from(["ok", "ok", "ok", "raise", "exit", "slow"]))
    graces: list[str | int] = [5000, "infinity"]
    if ending != "slow" or not hasty:
        graces += ["brutal_kill", 100]
    return Worker(
        child_id,
        restart,
        draw(st.sampled_from(graces)),
        significant and restart != "permanent" and draw(st.booleans()),
        draw(st.booleans()),
        ending,
        draw(_MOODS),
        draw(st.sampled_from(["inline", "task"])),
    )


class _Ids:
    """Hands out ids: workers a, b, ...; supervisors sa, sb, ...; dynamic ones da, db, ..."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def next(self, prefix: str) -> str:
        number = self._counts.get(prefix, 0)
        self._counts[prefix] = number + 1
        return prefix + "abcdefghijklmnopqrstuvwxyz"[number]


@st.composite
def _limits(draw: st.DrawFn, *, pauses: bool) -> tuple[int, int]:
    """Intensity and period. Without pauses no window ends."""
    return draw(st.sampled_from([1, 0, 2, 3, 5, 9])), draw(st.integers(1, 2)) if pauses else 3600


@st.composite
def _statics(draw: st.DrawFn, ids: _Ids, *, depth: int, hasty: bool, pauses: bool, significant: bool) -> Static:
    auto = draw(_AUTO)
    children: list[Child] = []
    for _ in range(draw(st.integers(0 if depth < 3 else 1, 4))):
        kind = draw(st.sampled_from(["worker", "worker", "worker", "static", "dynamic"])) if depth > 1 else "worker"
        inner = auto != "never"
        if kind == "static":
            children.append(
                draw(_statics(ids, depth=depth - 1, hasty=hasty, pauses=pauses, significant=inner)),
            )
        elif kind == "dynamic":
            children.append(draw(_dynamics(ids, hasty=hasty, pauses=pauses, significant=inner)))
        else:
            children.append(draw(_workers(ids.next("w"), hasty=hasty or pauses, significant=inner)))
    graces: list[str | int] = ["infinity", "infinity", "infinity", "brutal_kill", *([100] if hasty else [])]
    restart = draw(_RESTARTS)
    intensity, period = draw(_limits(pauses=pauses))
    return Static(
        ids.next("s"),
        tuple(children),
        restart,
        draw(st.sampled_from(graces)),
        significant and restart != "permanent" and draw(st.booleans()),
        draw(_STRATEGIES),
        intensity,
        period,
        auto,
    )


@st.composite
def _dynamics(draw: st.DrawFn, ids: _Ids, *, hasty: bool, pauses: bool, significant: bool) -> Dynamic:
    child_id = ids.next("d")
    restart = draw(_RESTARTS)
    intensity, period = draw(_limits(pauses=pauses))
    return Dynamic(
        child_id,
        draw(_workers(f"{child_id}x", hasty=hasty or pauses, significant=False)),
        restart,
        "infinity",
        significant and restart != "permanent" and draw(st.booleans()),
        intensity,
        period,
    )


@st.composite
def tree_scenarios(draw: st.DrawFn) -> TreeScenario:
    """A tree and up to eight operations on it, one in eight with pauses."""
    pauses = draw(st.integers(0, 7)) == 7
    hasty = draw(st.booleans())
    ids = _Ids()
    root = draw(_statics(ids, depth=3, hasty=hasty, pauses=pauses, significant=False))
    tree = _descendants(root)
    operations: list[tuple[object, ...]] = []
    crowd: dict[str, list[str]] = {}
    for _ in range(draw(st.integers(0, 8))):
        may_pause = pauses and sum(operation[0] == "pause" for operation in operations) < _MOST_PAUSES
        operations.append(draw(_operations(ids, tree, crowd, pauses=may_pause)))
    return TreeScenario(
        root, tuple(operations), draw(st.sampled_from(["shutdown", "shutdown", "normal", "broken", "kill"]))
    )


@st.composite
def _operations(  # noqa: C901, PLR0912 - a table: one operation a case
    draw: st.DrawFn, ids: _Ids, tree: list[Child], crowd: dict[str, list[str]], *, pauses: bool
) -> tuple[object, ...]:
    statics = [child for child in tree if isinstance(child, Static)]
    dynamics = [child for child in tree if isinstance(child, Dynamic)]
    workers = [child for child in tree if isinstance(child, Worker)]
    kinds = ["request", "request"]
    if workers:
        kinds += ["cast", "cast", "cast", "exit", "together", "together", "behind"]
    if dynamics:
        kinds += ["add", "add", "remove", "together"]
    if len(statics) > 1 or dynamics:
        kinds += ["exit_supervisor"]
    if pauses:
        kinds += ["pause"] * 6
    kind = draw(st.sampled_from(kinds))
    mass = [name for names in crowd.values() for name in names]
    match kind:
        case "pause":
            return ("pause", draw(st.sampled_from([500, 1000, 1500, 2000])))
        case "cast":
            return ("cast", draw(st.sampled_from([worker.id for worker in workers] + mass)), draw(_CASTS))
        case "exit":
            return ("exit", draw(st.sampled_from([worker.id for worker in workers] + mass)), draw(_SIGNALS))
        case "exit_supervisor":
            below = [*(static.id for static in statics[1:]), *(dynamic.id for dynamic in dynamics)]
            return ("exit", draw(st.sampled_from(below)), draw(_SIGNALS))
        case "add":
            dynamic = draw(st.sampled_from(dynamics))
            name = ids.next(f"{dynamic.id}x")
            crowd.setdefault(dynamic.id, []).append(name)
            return ("add", dynamic.id, name, list(draw(_LASTING_MOODS)))
        case "remove":
            dynamic = draw(st.sampled_from(dynamics))
            return ("remove", dynamic.id, draw(st.sampled_from([*crowd.get(dynamic.id, []), dynamic.template.id])))
        case "together":
            either: list[Static | Dynamic] = [*statics, *dynamics]
            together = draw(st.sampled_from(either))
            return ("together", together.id, draw(_ends(together, crowd)))
        case "behind":
            supervisor = draw(st.sampled_from([one for one in statics if _workers_of(one)] or statics))
            victims = [worker.id for worker in _workers_of(supervisor)] or ["nobody"]
            return ("behind", supervisor.id, draw(st.sampled_from(victims)), draw(_requests(ids, supervisor)))
        case _:
            supervisor = draw(st.sampled_from(statics))
            return ("request", supervisor.id, draw(_requests(ids, supervisor)))


@st.composite
def _ends(draw: st.DrawFn, supervisor: Static | Dynamic, crowd: dict[str, list[str]]) -> list[object]:
    """Whose ends come at once. Tasks end in no certain order unless they are killed."""
    if isinstance(supervisor, Static):
        names = [worker.id for worker in _workers_of(supervisor)]
        kill = any(worker.is_task for worker in _workers_of(supervisor))
    else:
        names = crowd.get(supervisor.id, [])
        kill = supervisor.template.is_task
    if not names:
        return []
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=4, unique=True))
    return [(name, "kill" if kill else draw(_CASTS)) for name in chosen]


def _workers_of(supervisor: Static) -> list[Worker]:
    return [child for child in supervisor.children if isinstance(child, Worker)]


@st.composite
def _requests(draw: st.DrawFn, ids: _Ids, supervisor: Static) -> object:
    kind = draw(st.sampled_from(["which", "terminate", "restart", "delete", "start"]))
    present = [child.id for child in supervisor.children] or ["nobody"]
    if kind == "which":
        return "which"
    if kind != "start":
        return (kind, draw(st.sampled_from([*present, "nobody"])))
    child_id = draw(st.sampled_from([*present, ids.next("n")]))
    known = next((child for child in supervisor.children if child.id == child_id), None)
    if known is not None and not isinstance(known, Worker):
        return ("start", known)
    return ("start", draw(_workers(child_id, hasty=True, significant=False)))
