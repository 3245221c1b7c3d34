"""The list of all settings: name, type, default and meaning of each field of `Settings`; none is kept by hand."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass, fields
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, final, get_type_hints

from ._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Setting", "catalogue"]


@final
@dataclass(frozen=True, slots=True)
class Setting:
    """One field of `Settings`."""

    name: str
    kind: Any
    """Its type."""
    default: Any
    meaning: str
    """Its docstring, lines joined; empty where Python runs without the sources."""

    @property
    def gist(self) -> str:
        """The first sentence of its meaning."""
        first, stop, _ = self.meaning.partition(". ")
        return first + stop.strip()


@cache
def catalogue() -> Mapping[str, Setting]:
    """Every setting by its name, in the order of the fields."""
    kinds = get_type_hints(Settings)
    meanings = _meanings()
    defaults = Settings()
    return {
        field.name: Setting(field.name, kinds[field.name], getattr(defaults, field.name), meanings.get(field.name, ""))
        for field in fields(Settings)
    }


def _meanings() -> dict[str, str]:
    """The string behind each field: Python throws it away, the source has it."""
    try:
        source = inspect.getsource(Settings)
    except OSError:
        return {}
    (body,) = (node.body for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    meanings: dict[str, str] = {}
    for field, behind in pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(behind, ast.Expr)
            and isinstance(behind.value, ast.Constant)
        ):
            meanings[field.target.id] = " ".join(str(behind.value.value).split())
    return meanings
