"""The experiments there are, by name."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from ._crash_connections import Watch, crash_connections
from ._errors import UnknownExperimentError
from ._lobby_target import LobbyTarget
from ._run import Run, Settings


@dataclass(frozen=True, slots=True)
class Experiment:
    """Something that can be run by name."""

    summary: str
    """One line, for people who choose."""
    run: Callable[[Settings, Watch], Awaitable[Run]]


def _crash_30_connections(settings: Settings, watch: Watch) -> Awaitable[Run]:
    return crash_connections(
        name="crash-30-connections", percent=30, target=LobbyTarget(), settings=settings, watch=watch
    )


EXPERIMENTS: Mapping[str, Experiment] = {
    "crash-30-connections": Experiment(
        "crash 30 % of the lobby's connections in their handlers, all at once", _crash_30_connections
    ),
}


def find_experiment(name: str) -> Experiment:
    """Return the experiment called `name`.

    Raises:
        UnknownExperimentError: there is none.
    """
    try:
        return EXPERIMENTS[name]
    except KeyError:
        known = ", ".join(sorted(EXPERIMENTS))
        raise UnknownExperimentError(f"there is no experiment {name!r}; there is: {known}") from None
