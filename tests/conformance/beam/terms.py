"""Python values as Erlang terms, in source text."""

from __future__ import annotations

from typing import Protocol, cast, runtime_checkable

__all__ = ["HasTerm", "term"]


@runtime_checkable
class HasTerm(Protocol):
    """Something that is another value for Erlang."""

    def term(self) -> object:
        """What to write instead."""


def term(value: object) -> str:
    """Write tuples, lists, atoms (strings), booleans and integers as Erlang does."""
    if isinstance(value, HasTerm):
        return term(value.term())
    if isinstance(value, tuple):
        return f"{{{_items(cast('tuple[object, ...]', value))}}}"
    if isinstance(value, list):
        return f"[{_items(cast('list[object]', value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _items(values: tuple[object, ...] | list[object]) -> str:
    return ",".join(term(value) for value in values)
