"""Ring: the messages kept of one topic, newest last, and what a client that was away has missed of them. Pure."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, final

from ._position import LastOnes, Position

if TYPE_CHECKING:
    from regrow.gateway._channels._messages import Broadcast

    from ._history import History
    from ._position import RecoverRequest

__all__ = ["Missed", "Ring"]


@final
class Missed(NamedTuple):
    """What a client that joins is told."""

    head: Position
    """The last message there was at the moment of the join."""
    recovered: bool
    """Whether ``messages`` are all that was asked for."""
    messages: list[Broadcast]
    """Oldest first."""


@final
class _Kept(NamedTuple):
    message: Broadcast
    at: float
    size: int


@final
class Ring:
    """Messages with consecutive offsets, the last of which is the head, within the limits of a `History`.

    Times are seconds of any clock that does not go back, the same in all calls.
    """

    __slots__ = ("_history", "_kept", "_size", "epoch", "head")

    epoch: str
    head: int
    """The offset of the last message; 0 if there was none. Invariant: ``first - 1 <= head``."""

    def __init__(self, history: History, epoch: str, head: int) -> None:
        self._history = history
        self._kept: deque[_Kept] = deque()
        self._size = 0
        self.epoch = epoch
        self.head = head

    @property
    def first(self) -> int:
        """The offset of the oldest message that is kept; ``head + 1`` if none is."""
        return self.head + 1 - len(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def append(self, message: Broadcast, at: float, size: int) -> None:
        """Keep the next message; what is beyond a limit with it leaves."""
        kept = self._kept
        kept.append(_Kept(message, at, size))
        self.head += 1
        self._size += size
        history = self._history
        oldest_wanted = at - history.age
        while len(kept) > history.count or self._size > history.size or (kept and kept[0].at <= oldest_wanted):
            self._size -= kept.popleft().size

    def expire(self, now: float) -> None:
        """Drop what is too old."""
        kept = self._kept
        oldest_wanted = now - self._history.age
        while kept and kept[0].at <= oldest_wanted:
            self._size -= kept.popleft().size

    def missed(self, asked: RecoverRequest | None, now: float) -> Missed:
        """What a client that joins now is told, given what it asks for."""
        self.expire(now)
        head = Position(self.epoch, self.head)
        match asked:
            case LastOnes(last=last):
                return Missed(head, recovered=True, messages=self._after(max(self.head - last, self.first - 1)))
            case Position(epoch=epoch, offset=offset):
                # An offset ahead of the head was never given out in this epoch: whoever claims it is mistaken.
                if epoch == self.epoch and self.first - 1 <= offset <= self.head:
                    return Missed(head, recovered=True, messages=self._after(offset))
            case None:
                pass
        return Missed(head, recovered=False, messages=[])

    def _after(self, offset: int) -> list[Broadcast]:
        return [one.message for one in islice(self._kept, offset + 1 - self.first, None)]
