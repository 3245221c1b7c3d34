"""What somebody wrote → the value of a setting, and back: by the type of the field, so that every field is covered."""

from __future__ import annotations

import types
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal, Union, cast, get_args, get_origin

import msgspec

from regrow.gateway._http._origin import AnyOrigin, OneOf, OriginPolicy, SameHost

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["read", "shown", "wanted"]

_POLICIES: Final[dict[str, OriginPolicy]] = {"same-host": SameHost(), "any": AnyOrigin()}
_LISTS: Final = (tuple, list, frozenset, set)
_WORDS: Final[dict[Any, str]] = {
    int: "a whole number",
    float: "a number, or inf for no limit",
    bool: "true or false",
    str: "a text",
    type(None): "nothing",
    OriginPolicy: "same-host, any, or a list of origins like https://example.com",
}


def read(kind: Any, value: object) -> Any:
    """Make a value of type ``kind`` of what a TOML file holds, or of a text. A list in a text is parted by commas.

    Raises:
        ValueError: it is not one; the text says what would be.
    """
    if isinstance(value, str) and get_origin(kind) in _LISTS:
        value = _parts(value)
    reader = _READERS.get(kind)
    try:
        if reader is not None:
            return reader(value)
        return msgspec.convert(value, kind, strict=not isinstance(value, str), dec_hook=_made)
    except msgspec.ValidationError:
        raise ValueError(f"must be {wanted(kind)}") from None


def wanted(kind: Any) -> str:
    """What a value of this type is, in words."""
    words = _WORDS.get(kind)
    if words is not None:
        return words
    arguments = get_args(kind)
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if get_origin(kind) in _LISTS:
        return "a list of texts"
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(wanted(argument) for argument in arguments)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"one of {', '.join(str(member.value) for member in kind)}"
    return f"a value of {kind}"


def shown(value: object) -> str:
    """The value as one writes it on a command line."""
    if isinstance(value, OneOf):
        value = sorted(value.origins)
    for name, policy in _POLICIES.items():
        if value == policy:
            return name
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, _LISTS):
        return ",".join(map(shown, cast("list[object]", value)))
    return str(value)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _made(kind: type[Any], value: Any) -> Any:
    """A value of a type that msgspec does not know, such as a path."""
    return kind(value)


def _origins(value: object) -> OriginPolicy:
    if isinstance(value, str):
        policy = _POLICIES.get(value)
        if policy is not None:
            return policy
        value = _parts(value)
    origins = msgspec.convert(value, list[str])
    if not origins:
        raise ValueError(f"must be {_WORDS[OriginPolicy]}")
    return OneOf(frozenset(origins))


_READERS: Final[dict[Any, Callable[[object], Any]]] = {OriginPolicy: _origins}
