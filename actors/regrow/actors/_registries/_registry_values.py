"""What is said about registries: how many processes a key may have, what it leads to, and what listeners hear."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, final

if TYPE_CHECKING:
    from regrow.actors._processes._pid import Pid

__all__ = ["Registered", "Registration", "RegistryEntry", "RegistryKeys", "Unregistered"]


class RegistryKeys(enum.StrEnum):
    """How many registrations a key may have. See: Elixir ``Registry``, ``:keys``."""

    UNIQUE = "unique"
    """One: a key is a name."""
    DUPLICATE = "duplicate"
    """Any number, also of the same process: a key is a topic."""


@final
class RegistryEntry(NamedTuple):
    """What a key leads to."""

    pid: Pid
    value: Any
    """What the process registered with the key."""


@final
class Registration(NamedTuple):
    """One row of a registry."""

    key: Any
    pid: Pid
    value: Any


@final
@dataclass(frozen=True, slots=True)
class Registered:
    """To listeners: a process has registered. See: Elixir ``{:register, registry, key, pid, value}``."""

    registry: str
    key: Any
    pid: Pid
    value: Any


@final
@dataclass(frozen=True, slots=True)
class Unregistered:
    """To listeners: a registration is gone, because it was undone or the process died. One for each `Registered`.

    See: Elixir ``{:unregister, registry, key, pid}``.
    """

    registry: str
    key: Any
    pid: Pid
