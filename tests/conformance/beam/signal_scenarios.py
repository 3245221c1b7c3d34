"""Processes that link, watch, name and end each other: the scenarios, and the strategies that generate them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

__all__ = ["Actor", "SignalScenario", "signal_scenarios"]


@dataclass(frozen=True)
class Actor:
    name: str
    trap: bool = False
    driver: str = "task"
    """On Regrow only."""

    def term(self) -> object:
        return (self.name, self.trap)


@dataclass(frozen=True)
class SignalScenario:
    actors: tuple[Actor, ...]
    commands: tuple[tuple[str, object], ...] = ()
    """Who does what, one after the other."""

    def term(self) -> object:
        return (list(self.actors), list(self.commands))


_REASONS: Final = st.sampled_from(["normal", "shutdown", ("shutdown", "x"), "broken", "kill", "killed", "noproc"])
_NAMES: Final = st.sampled_from(["na", "nb"])
_ON: Final = st.booleans()


@st.composite
def signal_scenarios(draw: st.DrawFn) -> SignalScenario:
    """Two to five processes and up to twenty commands."""
    names = ["pa", "pb", "pc", "pd", "pe"][: draw(st.integers(2, 5))]
    actors = tuple(Actor(name, draw(_ON), draw(st.sampled_from(["task", "inline"]))) for name in names)
    commands = draw(st.lists(st.tuples(st.sampled_from(names), _commands(st.sampled_from(names))), max_size=20))
    return SignalScenario(actors, tuple(commands))


def _commands(others: st.SearchStrategy[str]) -> st.SearchStrategy[object]:
    flushes: list[list[str]] = [[], ["flush"]]

    def of(name: str, *arguments: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
        return st.tuples(st.just(name), *arguments)

    commands: list[st.SearchStrategy[object]] = [
        *(of("link", others) for _ in range(5)),
        of("unlink", others),
        *(of("monitor", others) for _ in range(3)),
        of("monitor_name", _NAMES),
        of("demonitor", st.integers(0, 3)),
        of("kill_and_demonitor", others, st.sampled_from(flushes)),
        of("kill_and_unlink", others),
        of("signal", others, _REASONS),
        of("signal", others, _REASONS),
        of("burst", others, _REASONS),
        of("send", others),
        of("send_name", _NAMES),
        st.one_of(of("exit", _REASONS), st.sampled_from(["raise", "return"])),
        of("trap", _ON),
        of("register", _NAMES, others),
        of("register", _NAMES, others),
        of("unregister", _NAMES),
        of("spawn_link", _REASONS),
        of("spawn_monitor", _REASONS),
        of("alias", st.sampled_from(["lasting", "once"])),
        of("unalias", st.integers(0, 3)),
        *(of("by_alias", others, st.integers(0, 3)) for _ in range(3)),
    ]
    return st.one_of(commands)
