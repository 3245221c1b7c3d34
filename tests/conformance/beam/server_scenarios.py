"""A server whose callbacks return whatever its callers say: the scenarios, and the strategies that generate them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

__all__ = ["SOON", "ServerScenario", "server_scenarios"]

SOON: Final = 20
"""Milliseconds of a timeout that runs out; the others are too long for that, or infinite."""


@dataclass(frozen=True)
class ServerScenario:
    link: str = "link"
    trap: bool = False
    init: object = "ok"
    ending: str = "ok"
    """What ``terminate`` does."""
    operations: tuple[tuple[str, object], ...] = ()
    driver: str = "task"
    """On Regrow only. An inline process cannot call."""

    def term(self) -> object:
        return (self.link, self.trap, self.init, self.ending, list(self.operations))


_REASONS: Final = st.sampled_from(["normal", "shutdown", ("shutdown", "x"), "broken", "kill", "killed", "noproc"])
_VALUES: Final = st.integers(0, 9)
_TIMEOUTS: Final = st.sampled_from([0, SOON, 10_000, "infinity"])


def _tagged(tag: str, *fields: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.tuples(st.just(tag), *fields)


def _endings(calls: list[str]) -> st.SearchStrategy[object]:
    return st.one_of(
        _tagged("stop", _REASONS), st.just("raise"), _tagged("exit", _REASONS), st.sampled_from(["bad", *calls])
    )


def _more(continuations: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.one_of(st.just("none"), _tagged("timeout", _TIMEOUTS), _tagged("continue", continuations))


@st.composite
def server_scenarios(draw: st.DrawFn) -> ServerScenario:
    """A server and up to eight operations on it."""
    driver = draw(st.sampled_from(["task", "inline"]))
    endings = _endings(["call_self", "call_dead", "call_mute"] if driver == "task" else [])

    def carrying_on(continuations: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
        goes_on = _tagged("noreply", _more(continuations))
        return st.one_of(goes_on, goes_on, goes_on, _tagged("answer", _VALUES), endings)

    leaf = st.one_of(st.just(("noreply", "none")), _tagged("answer", _VALUES), endings)
    forms = carrying_on(carrying_on(leaf))
    replying = st.one_of(
        _tagged("reply", _VALUES, _more(forms)),
        _tagged("reply", _VALUES, _more(forms)),
        _tagged("reply", _VALUES, _more(forms)),
        st.one_of(_tagged("stop", _REASONS, _VALUES), endings),
    )
    silent = _tagged("noreply", _more(forms))
    messages = st.one_of(
        _tagged("request", replying),
        _tagged("request", silent),
        _tagged("cast", forms),
        _tagged("info", forms),
    )
    # Alone: it is not known when the exit signal arrives, were there anything else to do.
    spawns = _tagged("cast", _tagged("spawn_link", _REASONS))
    operations = st.one_of(
        spawns,
        _tagged("call", replying),
        _tagged("call", replying),
        _tagged("call_soon", st.just(("noreply", "none"))),
        messages,
        messages,
        _tagged(
            "burst",
            st.lists(st.one_of(messages, messages, messages, _tagged("parent", _REASONS)), min_size=2, max_size=4),
        ),
        st.one_of(_tagged("stop", _REASONS), _tagged("stranger", _REASONS), _tagged("parent", _REASONS)),
    )
    begins = _tagged("ok", st.one_of(_tagged("timeout", _TIMEOUTS), _tagged("continue", forms)))
    fails = st.one_of(
        _tagged("stop_init", _REASONS), st.just("raise"), _tagged("exit", _REASONS), st.sampled_from(["bad", "ignore"])
    )
    return ServerScenario(
        draw(st.sampled_from(["link", "alone"])),
        draw(st.booleans()),
        draw(st.one_of(st.just("ok"), *[begins] * 5, fails)),
        draw(st.sampled_from(["ok", "ok", "raise", "exit"])),
        tuple(draw(st.lists(operations, max_size=8))),
        driver,
    )
