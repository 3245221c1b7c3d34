"""Timers: messages that come later. One heap a node, driven by trio's clock, so that MockClock rules it."""

from __future__ import annotations

import heapq
import math
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, final

import trio

from regrow.actors._errors import MailboxFullError
from regrow.actors._processes._context import current_node
from regrow.actors._processes._names import find
from regrow.actors._processes._pid import Pid, Ref
from regrow.actors._processes._signals import TimerFired

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors._processes._node import Node
    from regrow.actors._processes._send import Destination

__all__ = ["Timer", "Timers", "send_after", "start_timer"]

SWEEP = 100
"""Cancelled timers that may lie in the heap whatever its size."""


@final
class Timer:
    """One message on its way. Made by `send_after` and `start_timer`."""

    __slots__ = ("_deadline", "_fire", "_timers", "_to", "ref")

    ref: Ref
    """The identity that `TimerFired` carries."""

    def __init__(
        self, timers: Timers, ref: Ref, deadline: float, fire: Callable[[], None], to: Pid | None = None
    ) -> None:
        self.ref = ref
        self._timers = timers
        self._to = to
        self._deadline = deadline
        self._fire: Callable[[], None] | None = fire

    def cancel(self) -> float | None:
        """Stop the timer. The seconds that were left, or None if it fired or was cancelled before.

        When None is returned the message may be in the mailbox already. See: Erlang ``cancel_timer/1`` (T-2).
        """
        left = self.remaining()
        if self._fire is not None:
            self._fire = None
            self._timers.timer_cancelled()
        return left

    @property
    def is_pending(self) -> bool:
        """Whether it has neither fired nor been cancelled."""
        return self._fire is not None

    def remaining(self) -> float | None:
        """The seconds left, or None if it fired, was cancelled, or its receiver is dead (T-2, T-3).

        See: Erlang ``read_timer/1``.
        """
        if self._fire is None or (self._to is not None and not self._to.is_alive):
            return None
        return max(0.0, self._deadline - trio.current_time())

    def expire(self) -> None:
        """Do what the timer is for."""
        fire, self._fire = self._fire, None
        assert fire is not None
        fire()


@final
class Timers:
    """The timers of one node."""

    __slots__ = ("_alarm", "_cancelled", "_heap", "_order")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._cancelled = 0
        self._order = count()
        self._alarm = trio.CancelScope()

    def after(self, delay: float, fire: Callable[[], None], *, ref: Ref | None = None, to: Pid | None = None) -> Timer:
        """Call ``fire`` in ``delay`` seconds, between ticks; the timer counts as cancelled once ``to`` is dead."""
        if not 0 <= delay < math.inf:
            raise ValueError(f"a timer's delay must be finite and not negative, got {delay!r}")
        deadline = trio.current_time() + delay
        timer = Timer(self, ref or Ref(), deadline, fire, to)
        heapq.heappush(self._heap, (deadline, next(self._order), timer))
        self._alarm.deadline = min(self._alarm.deadline, deadline)
        return timer

    def timer_cancelled(self) -> None:
        """A timer in the heap was cancelled; they are swept out before they are the majority.

        A server that sets a timeout of a minute with every message cancels a thousand timers for each that fires.
        """
        self._cancelled += 1
        if self._cancelled * 2 > len(self._heap) and self._cancelled > SWEEP:
            self._heap[:] = [entry for entry in self._heap if entry[2].is_pending]
            heapq.heapify(self._heap)
            self._cancelled = 0

    async def run(self) -> None:
        """Fire timers as they fall due. Never returns."""
        heap = self._heap
        while True:
            now = trio.current_time()
            while heap and heap[0][0] <= now:
                timer = heapq.heappop(heap)[2]
                if timer.is_pending:
                    timer.expire()
                else:
                    self._cancelled -= 1
            with trio.CancelScope(deadline=heap[0][0] if heap else math.inf) as self._alarm:
                await trio.sleep_forever()


def send_after(delay: float, to: Destination, message: object) -> Timer:
    """Send ``message`` in ``delay`` seconds; 0 is still later than a message sent now (rule T-1).

    A pid that dies before loses the message; a name is looked up when the timer fires, and a name nobody holds
    then loses it too. The timer outlives the process that made it (rule T-3).

    See: Erlang ``erlang:send_after/3``.
    """
    return _schedule(delay, to, message, Ref())


def start_timer(delay: float, to: Destination, message: object) -> Timer:
    """Like `send_after`, but ``TimerFired(ref, message)`` is delivered. See: Erlang ``start_timer/3``."""
    ref = Ref()
    return _schedule(delay, to, TimerFired(ref, message), ref)


def _schedule(delay: float, to: Destination, message: object, ref: Ref) -> Timer:
    node = current_node()
    pid = to if isinstance(to, Pid) else None
    return node.timers.after(delay, lambda: _deliver(node, to, message), ref=ref, to=pid)


def _deliver(node: Node, to: Destination, message: object) -> None:
    process = to.process if isinstance(to, Pid) else find(node, to)
    if process is not None:
        with suppress(MailboxFullError):  # there is nobody to tell, and the drop is counted
            process.post(message)
