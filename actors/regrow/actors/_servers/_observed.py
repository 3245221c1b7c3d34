"""A server under observation: what its messages and their outcomes are as events of `sys`, and which are none."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from types import CoroutineType
from typing import TYPE_CHECKING, Any, final

from regrow.actors._servers._call import StopRequest
from regrow.actors._servers._outcomes import UNSET, Reply, Stop
from regrow.actors._system._system_events import In, NoReply, Out
from regrow.actors._system._system_messages import SystemMessage

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors._servers._call import From
    from regrow.actors._system._system_events import Event

__all__ = ["Continue", "Idle", "observed_route"]


@final
@dataclass(frozen=True, slots=True)
class Idle:
    """A return-value timeout ran out."""

    timer: object


@final
@dataclass(frozen=True, slots=True)
class Continue:
    """What ``init`` of an inline process put off."""

    continuation: Any


UNTOLD = frozenset((StopRequest, SystemMessage, Continue, Idle))
"""Messages that are no events of their own."""


def observed_route(
    route: Callable[[object], tuple[Callable[..., Any], tuple[Any, ...], From | None]],
    tell: Callable[[Event], None],
    message: object,
) -> tuple[Callable[..., Any], tuple[Any, ...], From | None]:
    callback, args, caller = route(message)
    if message.__class__ in UNTOLD:
        return callback, args, caller
    return _observed(tell, message, callback, caller), args, caller


def _observed(
    tell: Callable[[Event], None], message: object, callback: Callable[..., Any], caller: From | None
) -> Callable[..., Any]:
    """The callback of a message, telling that the message came and, once it has returned, what it led to."""
    tell(In(message))

    @functools.wraps(callback)
    def telling(*args: Any) -> Any:
        outcome = callback(*args)
        if outcome.__class__ is CoroutineType:
            return _awaited(tell, outcome, caller)
        _conclude(tell, outcome, caller)
        return outcome

    return telling


async def _awaited(tell: Callable[[Event], None], callback: Any, caller: From | None) -> Any:
    outcome = await callback
    _conclude(tell, outcome, caller)
    return outcome


def _conclude(tell: Callable[[Event], None], outcome: object, caller: From | None) -> None:
    if isinstance(outcome, Reply) and caller is not None:
        tell(Out(outcome.value, caller))
    elif isinstance(outcome, Stop):
        if outcome.reply is not UNSET and caller is not None:
            tell(Out(outcome.reply, caller))
    else:
        tell(NoReply())
