"""The options of every command that reads settings, and ``regrow settings``, which shows what they come to."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from ._catalogue import catalogue
from ._reading import shown
from ._sources import apply, from_environ, from_options, from_toml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._settings import Settings

__all__ = ["ConfigFile", "SetOptions", "show_settings"]

ConfigFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="A TOML file with settings. The environment goes over it."),
]
SetOptions: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="One setting, over file and environment (REGROW_NAME). May be repeated; `regrow settings` lists them.",
    ),
]


def show_settings(base: Settings, config: Path | None, options: Iterable[str]) -> None:
    """Print every setting: its value, who says so, the default and the meaning.

    Raises:
        SettingsError: as `load_settings`.
    """
    given = [*(from_toml(config) if config is not None else ()), *from_environ(os.environ), *from_options(options)]
    settings = apply(base, given)
    sources = {one.name: one.place.removesuffix(f": {one.name}").removesuffix(f" {one.name}") for one in given}
    rows = [
        (
            name,
            shown(getattr(settings, name)),
            sources.get(name) or ("" if getattr(base, name) == setting.default else "the gateway"),
            shown(setting.default),
            setting.gist,
        )
        for name, setting in catalogue().items()
    ]
    if sys.stdout.isatty():
        _print_table(rows)
    else:
        for row in [_HEADINGS, *rows]:
            typer.echo("\t".join(row))


_HEADINGS = ("setting", "value", "from", "default", "meaning")


def _print_table(rows: Iterable[tuple[str, ...]]) -> None:
    table = Table(*_HEADINGS, box=box.SIMPLE)
    for row in rows:
        table.add_row(*row, style="bold" if row[2] else None)
    Console(markup=False).print(table)
