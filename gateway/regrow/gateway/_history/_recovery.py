"""Recovery: what a client that joins is written of the history, and what its join's reply says of it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple, cast, final

import msgspec

from ._position import LastOnes

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.gateway._channels._messages import Broadcast

    from ._position import Position, RecoverRequest
    from ._ring import Missed

__all__ = ["Recovery", "recovery_of"]


@final
class Recovery(NamedTuple):
    """What a join is answered with."""

    head: Position
    recovered: bool
    frames: list[bytes]
    """Of the messages that are sent right behind the reply."""

    def told(self, response: Any) -> dict[str, Any]:
        """The response of the channel's `join` with ``epoch``, ``offset`` and ``recovered`` in it.

        A response that is not an object is put into one, under ``response``.
        """
        position = {"epoch": self.head.epoch, "offset": self.head.offset, "recovered": self.recovered}
        fields = _object(response)
        return {"response": response, **position} if fields is None else {**fields, **position}


def recovery_of(
    missed: Missed, asked: RecoverRequest | None, encode: Callable[[Broadcast], bytes], limit: int
) -> Recovery:
    """Encode what a client missed, unless that is more than ``limit`` bytes: its connection would be closed for it.

    Who asked for all behind a position is then told that it cannot be recovered; who asked for the last ones gets
    fewer.
    """
    frames = [encode(message) for message in missed.messages]
    size = sum(map(len, frames))
    if size <= limit:
        return Recovery(missed.head, missed.recovered, frames)
    if not isinstance(asked, LastOnes):
        return Recovery(missed.head, recovered=False, frames=[])
    surplus = 0
    while size > limit:
        size -= len(frames[surplus])
        surplus += 1
    return Recovery(missed.head, recovered=True, frames=frames[surplus:])


def _object(response: Any) -> dict[str, Any] | None:
    """The fields of a response that is an object, None of another."""
    if response is None:
        return {}
    if isinstance(response, msgspec.Raw):
        response = msgspec.json.decode(response)
    elif isinstance(response, msgspec.Struct) or dataclasses.is_dataclass(response):
        response = msgspec.to_builtins(response)
    return cast("dict[str, Any]", response) if isinstance(response, dict) else None
