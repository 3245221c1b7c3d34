"""Callbacks that may be plain functions or coroutine functions: what they are decides the driver."""

from __future__ import annotations

import inspect
from types import CoroutineType
from typing import Any

__all__ = ["are_plain", "resolved"]


def are_plain(actor: type, callbacks: tuple[str, ...]) -> bool:
    """Whether all these methods of a class are plain functions, so that its processes run inside the tick."""
    return not any(inspect.iscoroutinefunction(getattr(actor, name)) for name in callbacks)


async def resolved(outcome: Any) -> Any:
    """What a callback returned, awaited if the callback is a coroutine function."""
    return await outcome if outcome.__class__ is CoroutineType else outcome
