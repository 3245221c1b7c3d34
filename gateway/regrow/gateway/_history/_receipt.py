"""Receipt: whether everything is stored that one callback of a channel has broadcast."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Receipt"]


@final
class Receipt:
    """Settled once every message it is for is stored or refused. See: `Ack.DURABLE`."""

    __slots__ = ("_outstanding", "_then", "refusal")

    def __init__(self) -> None:
        self._outstanding = 0
        self._then: list[Callable[[Receipt], None]] = []
        self.refusal: str | None = None
        """Why one of the messages was refused; None as long as none was."""

    def expect(self) -> None:
        """One more message is to be stored."""
        self._outstanding += 1

    def stored(self) -> None:
        """One of the messages is stored."""
        self._outstanding -= 1
        self._settle()

    def refused(self, why: str) -> None:
        """One of the messages will not be stored, nor broadcast."""
        self._outstanding -= 1
        self.refusal = why
        self._settle()

    def when_settled(self, then: Callable[[Receipt], None]) -> None:
        """Call ``then`` once it is settled, at once if it is."""
        self._then.append(then)
        self._settle()

    def _settle(self) -> None:
        if not self._outstanding:
            then, self._then = self._then, []
            for one in then:
                one(self)
