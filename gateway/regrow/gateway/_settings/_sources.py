"""Where settings come from: a TOML file, the environment, the command line, each over the one before."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, final

from regrow.gateway._errors import SettingsError

from ._catalogue import catalogue
from ._reading import read
from ._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["PREFIX", "Given", "apply", "from_environ", "from_options", "from_toml", "load_settings"]

PREFIX: Final = "REGROW_"

_RESERVED: Final = frozenset(("REGROW_TOKEN_SECRET",))
"""Variables that begin like ours and are no settings."""

_SERVICE_LINK: Final = re.compile(
    r"REGROW_(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?|NAME)"
)
"""What Kubernetes and Docker put into the environment of everything beside a service that is called ``regrow``."""


@final
@dataclass(frozen=True, slots=True)
class Given:
    """A value that somebody wrote down for a setting."""

    name: str
    """The setting it is meant for, which need not exist."""
    value: object
    place: str
    """Where to find it: what an error begins with."""
    spelling: str = "{}"
    """How the name of a setting is written there."""


def load_settings(
    base: Settings | None = None,
    *,
    toml: Path | None = None,
    environ: Mapping[str, str] | None = None,
    options: Iterable[str] = (),
) -> Settings:
    """Put settings together: ``base``, under a TOML file, under the environment, under options ``name=value``.

    Names in the environment are upper case behind ``REGROW_``. Reads the file, so it blocks.

    Raises:
        SettingsError: a setting that does not exist, or a value it cannot have.
    """
    given = [
        *(from_toml(toml) if toml is not None else ()),
        *from_environ(environ or {}),
        *from_options(options),
    ]
    return apply(base or Settings(), given)


def from_toml(path: Path) -> list[Given]:
    """The keys of a TOML file. Blocks.

    Raises:
        SettingsError: it cannot be read, or is no TOML.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # not UTF-8, or not TOML
        raise SettingsError(f"{path}: is not a TOML file: {error}") from error
    return [Given(name, value, f"{path}: {_printable(name)}") for name, value in table.items()]


def from_environ(environ: Mapping[str, str]) -> list[Given]:
    """The variables that begin with ``REGROW_``."""
    return [
        Given(name.removeprefix(PREFIX).lower(), value, name, PREFIX + "{}")
        for name, value in sorted(environ.items())
        if name.startswith(PREFIX) and name not in _RESERVED and not _SERVICE_LINK.fullmatch(name)
    ]


def from_options(texts: Iterable[str]) -> list[Given]:
    """Options of a command line, each ``name=value``.

    Raises:
        SettingsError: there is no ``=``.
    """
    given: list[Given] = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise SettingsError(
                f"--set {_printable(text)}: must be NAME=VALUE, for example --set max_message_size=65536"
            )
        name = name.strip().replace("-", "_")
        given.append(Given(name, value.strip(), f"--set {_printable(name)}"))
    return given


def apply(base: Settings, given: Iterable[Given]) -> Settings:
    """Put values over ``base``; of two for one setting the later counts.

    Raises:
        SettingsError: a setting that does not exist, or a value it cannot have.
    """
    settings = catalogue()
    values: dict[str, object] = {}
    places: dict[str, str] = {}
    for one in given:
        setting = settings.get(one.name)
        if setting is None:
            raise SettingsError(f"{one.place}: there is no such setting{_nearest(one)}")
        try:
            values[one.name] = read(setting.kind, one.value)
        except ValueError as error:
            problem = str(error).removeprefix(f"{one.name}: ")
            raise SettingsError(f"{one.place} = {one.value!r}: {problem}") from None
        places[one.name] = one.place
    try:
        return replace(base, **values)  # type: ignore[arg-type]  # what `read` returns is of the type of the field
    except ValueError as error:
        name, _, rest = str(error).partition("=")
        raise SettingsError(f"{places[name]} = {rest}" if name in places else str(error)) from None


def _printable(name: str) -> str:
    """The name, in quotes if it would break the line."""
    return name if name.isprintable() else repr(name)


def _nearest(given: Given) -> str:
    """What was probably meant."""
    near = get_close_matches(given.name, catalogue(), n=1)
    if not near:
        return "; `regrow settings` lists them all"
    name = given.spelling.format(near[0])
    return f"; did you mean {name.upper() if given.spelling != '{}' else name}?"
