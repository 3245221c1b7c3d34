"""State that is an object's attributes: shown as a mapping, replaced as a whole, and put back.

A snapshot is shallow: it is a new mapping of the same values. What is changed inside a value cannot be undone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["become", "checkpoint", "replace", "snapshot"]


def snapshot(server: object, hidden: frozenset[str]) -> dict[str, Any]:
    """The attributes of an object by name, those of ``__slots__`` included, but for the hidden ones."""
    state = {name: getattr(server, name) for name in _slots(type(server)) if hasattr(server, name)}
    state |= vars(server) if hasattr(server, "__dict__") else {}
    return {name: value for name, value in state.items() if name not in hidden}


def replace(server: object, state: object, hidden: frozenset[str]) -> None:
    """Give an object the attributes of a mapping and take all others but the hidden ones; all or nothing.

    Raises:
        TypeError: ``state`` is no mapping of attribute names.
        Exception: what setting an attribute raised; the old ones are back.
    """
    new = _checked(state, hidden)
    before = snapshot(server, hidden)
    try:
        _set(server, before, new)
    except BaseException:
        _set(server, snapshot(server, hidden), before)
        raise


def checkpoint(server: object, hidden: frozenset[str]) -> Callable[[], None]:
    """What gives an object the class and the attributes it has now."""
    actor = type(server)
    before = snapshot(server, hidden)

    def restore() -> None:
        become(server, actor)
        _set(server, snapshot(server, hidden), before)

    return restore


def become(server: Any, actor: type) -> None:
    """Give an object another class.

    Raises:
        TypeError: Python cannot: their ``__slots__`` differ.
    """
    server.__class__ = actor


def _checked(state: Any, hidden: frozenset[str]) -> dict[str, Any]:
    if not isinstance(state, Mapping):
        raise TypeError(f"the state of a server is a mapping of attribute names to values, got {state!r}")
    new: dict[Any, Any] = {**state}
    for name in new:
        if not isinstance(name, str):
            raise TypeError(f"an attribute is named by a str, got {name!r}")
        if name in hidden:
            raise TypeError(f"the attribute {name!r} belongs to the runtime and is no part of the state")
    return new


def _set(server: object, before: dict[str, Any], after: dict[str, Any]) -> None:
    for name in before.keys() - after.keys():
        delattr(server, name)
    for name, value in after.items():
        setattr(server, name, value)


def _slots(actor: type) -> Iterator[str]:
    for base in actor.__mro__:
        slots = vars(base).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in {"__dict__", "__weakref__"}:
                private = name.startswith("__") and not name.endswith("__")
                yield f"_{base.__name__.lstrip('_')}{name}" if private else name
