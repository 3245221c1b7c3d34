"""Making an old function or class do what its new version does, without becoming another object.

Whoever holds the old object, a child spec, a subclass, a module that imported it by name, an instance, a message in a
mailbox, goes on holding it, and runs the new code from its next call on. A call that is under way ends with the code it
began with. Everything done here can be undone.
"""

from __future__ import annotations

import inspect
from abc import ABCMeta
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import TYPE_CHECKING, Any, cast, final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Journal", "fill_class", "fill_function", "fill_functions", "is_fillable", "why_not"]

_PARTS = ("__code__", "__defaults__", "__kwdefaults__", "__doc__", "__annotations__", "__qualname__")
"""What makes a function, but for its closure and the attributes people gave it."""


_KINDS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
"""Flags of a code object that say what calling it makes."""


@final
class Journal:
    """What to do to undo what was done, last first."""

    __slots__ = ("_steps",)

    def __init__(self) -> None:
        self._steps: list[tuple[Callable[..., object], tuple[Any, ...]]] = []

    def on_undo(self, step: Callable[..., object], *args: Any) -> None:
        """Call ``step(*args)`` if all is undone."""
        self._steps.append((step, args))

    def undo(self) -> None:
        """Put everything back."""
        while self._steps:
            step, args = self._steps.pop()
            step(*args)


def is_fillable(old: object, new: object) -> bool:
    """Whether an old function can be given the code of a new one: of its kind, and closing over as many variables."""
    if not isinstance(old, FunctionType) or not isinstance(new, FunctionType):
        return False
    ours, theirs = old.__code__, new.__code__
    return len(ours.co_freevars) == len(theirs.co_freevars) and (ours.co_flags ^ theirs.co_flags) & _KINDS == 0


def fill_function(old: FunctionType, new: FunctionType, journal: Journal) -> None:
    """Make ``old`` do what ``new`` does; both must be alike as `is_fillable` says."""
    for part in _PARTS:
        journal.on_undo(setattr, old, part, getattr(old, part))
        setattr(old, part, getattr(new, part))
    journal.on_undo(_replace_all, old.__dict__, dict(old.__dict__))
    _replace_all(old.__dict__, new.__dict__)
    for name, ours, theirs in zip(new.__code__.co_freevars, old.__closure__ or (), new.__closure__ or (), strict=True):
        if name != "__class__":  # what super() looks up: the old class, which stays
            journal.on_undo(setattr, ours, "cell_contents", ours.cell_contents)
            ours.cell_contents = theirs.cell_contents


def _replace_all(mapping: dict[str, Any], other: dict[str, Any]) -> None:
    mapping.clear()
    mapping.update(other)


def why_not(old: type, new: type) -> str | None:
    """Why instances of an old class cannot go on as those of a new one; None if they can."""
    if type(old) is not type(new) or type(old) not in (type, ABCMeta):
        return f"its metaclass is {type(new).__qualname__}"
    if _slots(old) != _slots(new):
        return "its __slots__ differ"
    if _layout(old) != _layout(new):
        return "its instances are laid out otherwise in memory"
    return None


def _slots(actor: type) -> object:
    slots = vars(actor).get("__slots__")
    return (slots,) if isinstance(slots, str) else slots if slots is None else tuple(slots)


def _layout(actor: type) -> tuple[int, ...]:
    return actor.__basicsize__, actor.__itemsize__, actor.__dictoffset__, actor.__weakrefoffset__


def fill_class(old: type, new: type, bases: tuple[type, ...], journal: Journal) -> None:
    """Make ``old`` what ``new`` is, with ``bases``; there must be no reason `why_not`.

    Raises:
        TypeError: Python cannot give the class these bases; the journal undoes what was done before.
    """
    if old.__bases__ != bases:
        journal.on_undo(setattr, old, "__bases__", old.__bases__)
        old.__bases__ = bases
    before, after = vars(old), vars(new)
    for name in [name for name, value in before.items() if name not in after and not _is_rooted(name, value)]:
        journal.on_undo(setattr, old, name, before[name])
        delattr(old, name)
    for name, value in after.items():
        if _is_rooted(name, value):
            continue
        if name not in before:
            journal.on_undo(delattr, old, name)
            setattr(old, name, value)
        elif not _fill_member(before[name], value, journal):
            journal.on_undo(setattr, old, name, before[name])
            setattr(old, name, value)


def _is_rooted(name: str, value: object) -> bool:
    """Whether an attribute of a class belongs to the one object it was made for: its slots, and what ABCs cache."""
    return name == "_abc_impl" or isinstance(value, (MemberDescriptorType, GetSetDescriptorType))


def fill_functions(old: type, new: type, journal: Journal) -> None:
    """Make the functions of ``old`` do what those of the same name in ``new`` do, and leave everything else alone."""
    for name, value in vars(new).items():
        if name in vars(old):
            _fill_member(vars(old)[name], value, journal)


def _fill_member(old: object, new: object, journal: Journal) -> bool:
    """Fill a method, so that whoever holds it bound runs the new code; whether that was possible."""
    olds, news = _functions_of(old), _functions_of(new)
    if type(old) is not type(new) or len(olds) != len(news):
        return False
    if not olds or not all(is_fillable(ours, theirs) for ours, theirs in zip(olds, news, strict=True)):
        return False
    for ours, theirs in zip(olds, news, strict=True):
        fill_function(ours, theirs, journal)
    return True


def _functions_of(member: Any) -> list[Any]:
    """The functions a member of a class consists of; empty if it is more than functions."""
    if isinstance(member, FunctionType):
        return [member]
    if isinstance(member, (staticmethod, classmethod)):
        return [cast("staticmethod[..., Any]", member).__func__]
    if isinstance(member, property):
        return [part for part in (member.fget, member.fset, member.fdel) if part is not None]
    return []
