"""Processes that are subscribed to a topic, freed with the process."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors import Pid

__all__ = ["EVERYTHING", "Subscription"]


@final
class _Everything(Set[str]):
    """Every event there is."""

    def __contains__(self, event: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 1


EVERYTHING: Final = _Everything()
"""What a process intercepts that is subscribed itself."""


@final
class Subscription:
    """One process in one topic. It is held by the process, so that it is gone before anyone hears of the death."""

    __slots__ = ("_pid", "_remove", "times")

    def __init__(self, pid: Pid, remove: Callable[[Pid], None]) -> None:
        self._pid = pid
        self._remove = remove
        self.times = 0
        """How often each message is sent."""
        process = pid.process
        if process is not None:
            process.hold(self)

    def __call__(self, message: Any) -> None:
        """Send a message."""
        process = self._pid.process
        if process is not None:
            for _ in range(self.times):
                process.post(message)

    def end(self) -> None:
        """It is over: the process need not hold it any more."""
        process = self._pid.process
        if process is not None:
            process.let_go(self)

    def holder_died(self, pid: Pid) -> None:
        """The process is dead."""
        self._remove(pid)
