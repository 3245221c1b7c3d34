"""Whether the end of a significant child ends its supervisor: a pure function.

See: OTP ``supervisor``, *Automatic Shutdown*.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, assert_never

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._child_spec import ChildSpec

__all__ = ["AutoShutdown", "is_over"]


class AutoShutdown(enum.StrEnum):
    """When a supervisor stops because its significant children have ended by themselves."""

    NEVER = "never"
    """It does not, and refuses significant children."""
    ANY_SIGNIFICANT = "any_significant"
    """With the first of them."""
    ALL_SIGNIFICANT = "all_significant"
    """With the last of them."""


def is_over(when: AutoShutdown, ended: ChildSpec, left: Iterable[ChildSpec]) -> bool:
    """Whether a supervisor stops now that ``ended`` has ended for good by itself; ``left`` have not ended."""
    if not ended.significant:
        return False
    match when:
        case AutoShutdown.NEVER:
            return False
        case AutoShutdown.ANY_SIGNIFICANT:
            return True
        case AutoShutdown.ALL_SIGNIFICANT:
            return not any(spec.significant for spec in left)
        case _:
            assert_never(when)
