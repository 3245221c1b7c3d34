"""HistoryStore: where histories outlive the memory of a gateway, and the values it is spoken to with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._history import Ack, History

__all__ = ["Head", "HistoryStore", "Record", "TopicState"]


@final
class Record(msgspec.Struct, frozen=True, gc=False):
    """One message of a topic."""

    topic: str
    offset: int
    event: str
    payload: bytes
    is_binary: bool
    """Whether the payload is bytes as they are; otherwise it is JSON."""
    at: float
    """When it was broadcast, seconds of Unix time."""
    expires: float
    """When it is too old, seconds of Unix time; may be `math.inf`."""


@final
@dataclass(frozen=True, slots=True)
class Head:
    """How far the numbering of a topic has come."""

    topic: str
    epoch: str
    offset: int
    """That of its last message."""
    first: int
    """Messages with smaller offsets are not wanted any more."""
    ack: Ack


@final
@dataclass(frozen=True, slots=True)
class TopicState:
    """What is stored of a topic."""

    epoch: str
    head: int
    """The offset of its last message, kept or not; 0 if there was none."""
    records: Sequence[Record]
    """Offsets are consecutive up to ``head``: a message that is missing counts as one that is too old, and so do
    those before it."""


class HistoryStore(Protocol):
    """Keeps what was broadcast. One gateway at a time owns a store.

    Every method blocks; the gateway calls them from worker threads, never two at once. What they raise, whatever
    it is, ends that try: the store is abandoned and opened again.
    """

    def open(self) -> None:
        """Make ready.

        If the last owner did not `close` it, messages may have been broadcast that are not here. Topics whose last
        `Head` says `Ack.SENT` must then begin a new epoch, because their offsets may have been given out; those
        of `Ack.DURABLE` go on with theirs, because nothing of them is broadcast before `append` has returned.
        """
        ...

    def load(self, topic: str, history: History, /) -> TopicState:
        """What is stored of a topic and not too old. A topic that is not known begins an epoch.

        From when it returns, a failure to close the store must be taken as ``history.ack`` says.
        """
        ...

    def append(self, records: Sequence[Record], heads: Sequence[Head], /) -> None:
        """Store messages of many topics, all or none.

        When it returns they survive the end of this program and, if one of the heads says `Ack.DURABLE`, of the
        machine.

        A message with an offset that is taken replaces what is there: it was given out to nobody.
        """
        ...

    def expire(self) -> None:
        """Delete some of what is too old. Called about once a minute."""
        ...

    def close(self) -> None:
        """Release it. Everything that was broadcast is stored."""
        ...

    def abandon(self) -> None:
        """Release it after a failure. Not everything that was broadcast is stored. Raises nothing."""
        ...
