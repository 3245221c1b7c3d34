"""What differs between two environments of an application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EnvChange"]


@final
@dataclass(frozen=True, slots=True)
class EnvChange:
    """What ``config_change`` is told. See: OTP ``application_controller:do_config_diff/2``."""

    changed: Mapping[str, Any]
    """The keys that have another value now, and that value."""
    new: Mapping[str, Any]
    """The keys that were not there before, and their values."""
    removed: frozenset[str]
    """The keys that are gone."""

    @classmethod
    def between(cls, before: Mapping[str, Any], after: Mapping[str, Any]) -> EnvChange:
        """What leads from one to the other."""
        return cls(
            {key: value for key, value in after.items() if key in before and before[key] != value},
            {key: value for key, value in after.items() if key not in before},
            frozenset(before) - frozenset(after),
        )

    def __bool__(self) -> bool:
        return bool(self.changed or self.new or self.removed)
