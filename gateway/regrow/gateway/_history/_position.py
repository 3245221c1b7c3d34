"""Where in a topic's history a message stands, and from where a client wants to be told what it missed."""

from __future__ import annotations

import secrets
from typing import Annotated, Any, TypeAlias, cast, final

import msgspec

__all__ = ["LastOnes", "Position", "RecoverRequest", "new_epoch", "read_recover"]


@final
class Position(msgspec.Struct, frozen=True, gc=False):
    """The place of a message among those kept of its topic.

    Within an epoch the offset of a topic's messages counts 1, 2, 3, …, and no offset is ever given to two messages
    that anybody was sent.

    See: Centrifugo's ``StreamPosition``.
    """

    epoch: str
    """Names the life of the numbering. Offsets of different epochs have nothing to do with each other."""
    offset: int


@final
class _From(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    epoch: str
    offset: Annotated[int, msgspec.Meta(ge=0)]


@final
class LastOnes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A newcomer wants the last messages, at most this many."""

    last: Annotated[int, msgspec.Meta(ge=0)]


RecoverRequest: TypeAlias = Position | LastOnes
"""What a client asks for when it joins: all behind a position, or the last ones."""


def read_recover(params: Any) -> RecoverRequest | None:
    """What the params of a join ask for under ``recover``; None if nothing.

    Raises:
        msgspec.ValidationError: it is neither ``{"epoch", "offset"}`` nor ``{"last"}``; the text says what is wrong.
    """
    asked: Any = cast("dict[str, Any]", params).get("recover") if isinstance(params, dict) else None
    if asked is None:
        return None
    if isinstance(asked, dict) and "last" in asked:
        return msgspec.convert(asked, LastOnes)
    start = msgspec.convert(asked, _From)
    return Position(start.epoch, start.offset)


def new_epoch() -> str:
    """An epoch that was never used before, 64 random bits."""
    return secrets.token_urlsafe(8)
