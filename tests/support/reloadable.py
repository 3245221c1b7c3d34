"""Modules whose source a test writes, imports and writes anew."""

from __future__ import annotations

import importlib
import itertools
from textwrap import dedent
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

__all__ = ["Sources"]

_NUMBERS = itertools.count()


class Sources:
    """A folder of modules that are imported under names nobody else uses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: list[str] = []

    def module(self, source: str, name: str | None = None) -> Any:
        """Write a module and import it."""
        name = name or f"reloadable_{next(_NUMBERS)}"
        self.names.append(name)
        self.write(name, source)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    def write(self, module: ModuleType | str, source: str) -> None:
        """Write the next version of a module, which differs in length: clocks of file systems are coarse."""
        name = module if isinstance(module, str) else module.__name__
        path = self.folder / f"{name}.py"
        text = dedent(source)
        while path.exists() and path.stat().st_size == len(text):
            text += "\n"
        path.write_text(text)
