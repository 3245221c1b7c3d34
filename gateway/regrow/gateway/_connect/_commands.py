"""What a typed line asks for: ``/join``, ``/push`` and the like as values; any other line is something to say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "HELP",
    "Command",
    "CommandError",
    "Help",
    "Join",
    "Leave",
    "Push",
    "Quit",
    "Say",
    "Topics",
    "command_of",
]

HELP: Final = """\
/join TOPIC [JSON]   join a topic, or speak in one that is joined
/leave [TOPIC]       leave a topic, or the one you speak in
/push EVENT [JSON]   send an event and show its reply
/topics              list the topics that are joined
/quit                leave; so do Ctrl-C and Ctrl-D
anything else        say it: new_msg {"body": ...}; begin with // to say a line that begins with /"""


@final
class CommandError(Exception):
    """The line is no command; the message says what would be."""


@final
@dataclass(frozen=True, slots=True)
class Join:
    """Join a topic, or make it the one to speak in."""

    topic: str
    params: dict[str, Any]


@final
@dataclass(frozen=True, slots=True)
class Leave:
    """Leave a topic; None for the one spoken in."""

    topic: str | None


@final
@dataclass(frozen=True, slots=True)
class Push:
    """Send an event."""

    event: str
    payload: Any


@final
@dataclass(frozen=True, slots=True)
class Say:
    """Send what was typed."""

    text: str


@final
@dataclass(frozen=True, slots=True)
class Topics:
    """List the topics."""


@final
@dataclass(frozen=True, slots=True)
class Help:
    """Explain the commands."""


@final
@dataclass(frozen=True, slots=True)
class Quit:
    """Leave."""


Command: TypeAlias = Join | Leave | Push | Say | Topics | Help | Quit


def command_of(line: str) -> Command | None:
    """What a line asks for; None if it is blank.

    Raises:
        CommandError: it begins with a slash and is no command, or what follows is not what the command takes.
    """
    if not line.strip():
        return None
    if not line.startswith("/"):
        return Say(line)
    if line.startswith("//"):
        return Say(line[1:])
    name, _, rest = line[1:].partition(" ")
    read = _COMMANDS.get(name)
    if read is None:
        raise CommandError(f"there is no command /{name}; /help lists them")
    return read(rest.strip())


def _join(rest: str) -> Join:
    topic, _, params = rest.partition(" ")
    if not topic:
        raise CommandError("/join takes a topic: /join room:lobby")
    value = _json(params, "the parameters of /join")
    if not isinstance(value, dict):
        raise CommandError(f'the parameters of /join must be an object: /join {topic} {{"name": "Ann"}}')
    return Join(topic, value)  # pyright: ignore[reportUnknownArgumentType]


def _push(rest: str) -> Push:
    event, _, payload = rest.partition(" ")
    if not event:
        raise CommandError("/push takes an event: /push ping {}")
    return Push(event, _json(payload, "the payload of /push"))


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{what} is not JSON: {error}") from None


_COMMANDS: Final[dict[str, Callable[[str], Command]]] = {
    "join": _join,
    "leave": lambda rest: Leave(rest or None),
    "push": _push,
    "topics": lambda _rest: Topics(),
    "help": lambda _rest: Help(),
    "quit": lambda _rest: Quit(),
}
