"""A bound on a mailbox, and what happens to a message that finds it full. Senders never block.

An extension: an Erlang mailbox has no bound but ``max_heap_size``, which kills. A process without a bound pays
nothing for it, because bounded processes are classes of their own.
"""

from __future__ import annotations

import enum
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from regrow.actors._errors import MailboxFullError
from regrow.actors._processes._exit import MAILBOX_FULL
from regrow.actors._processes._process import bury
from regrow.actors._processes._reports import Report
from regrow.actors._processes._signals import Signal
from regrow.actors._servers._call import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors._processes._pid import Pid
    from regrow.actors._processes._process import Process

__all__ = ["DROPPED", "Bounded", "Gauge", "MailboxFullReport", "Overflow"]


class Overflow(enum.Enum):
    """What a full mailbox does with one message more."""

    DROP_NEWEST = "drop_newest"
    """The message that comes is dropped."""
    DROP_OLDEST = "drop_oldest"
    """The message that has waited longest is dropped, and the new one taken: for readings, of which the last counts."""
    KILL = "kill"
    """The process dies of `MAILBOX_FULL`, which cannot be trapped; its supervisor decides what comes next."""
    REFUSE = "refuse"
    """The sender gets a `MailboxFullError`; a timer, which has nobody to tell, drops its message."""


@final
@dataclass(frozen=True, slots=True)
class Bounded:
    """A mailbox of at most ``limit`` messages.

    Counted is what waits in the mailbox; what an inline process has taken for its turn, up to 200 messages, waits no
    more. Signals of the runtime are neither counted nor dropped: `Exit`, `Down`, answers, timeouts and requests
    to stop. A call that is dropped or refused fails at once with `MAILBOX_FULL`, whatever the policy.

    Drops are counted, see `process_info`, and reported once until the mailbox has been half empty again.
    """

    limit: int
    overflow: Overflow = Overflow.DROP_NEWEST

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError(f"a mailbox must have room for a message at least, got limit={self.limit!r}")


@final
@dataclass(frozen=True, slots=True)
class MailboxFullReport(Report):
    """A bounded mailbox was full. One for all that is dropped until it has been half empty again."""

    pid: Pid
    process: str
    bound: Bounded
    label = "mailbox full"
    level = logging.WARNING

    def __str__(self) -> str:
        bound = self.bound
        return f"the mailbox of {self.process} {self.pid} is full: {bound.limit} messages, {bound.overflow.name}"


DROPPED: dict[type, Callable[[Any], None]] = {Call: lambda call: call.caller.fire(MAILBOX_FULL)}
"""How to tell whoever waits for a message of a kind that it was dropped."""


@final
class Gauge:
    """What a bounded process knows of its mailbox."""

    __slots__ = ("bound", "dropped", "is_storming", "signals")

    def __init__(self, bound: Bounded) -> None:
        self.bound = bound
        self.dropped = 0
        """Messages dropped or refused so far."""
        self.is_storming = False
        """Whether a drop was reported and the mailbox has not been half empty since."""
        self.signals = 0
        """Signals among the messages that wait."""

    def has_room(self, length: int) -> bool:
        """Whether a mailbox of that many messages takes one more."""
        waiting = length - self.signals
        if self.is_storming and waiting * 2 <= self.bound.limit:
            self.is_storming = False
        return waiting < self.bound.limit

    def overflow(self, process: Process, message: object, oldest: Callable[[], object]) -> bool:
        """Carry the policy out; whether the new message is to be taken after all.

        ``oldest`` removes the message that has waited longest.
        """
        if process.is_condemned():
            return False
        policy = self.bound.overflow
        dropped = oldest() if policy is Overflow.DROP_OLDEST else message
        self.dropped += 1
        if not self.is_storming:
            self.is_storming = True
            process.node.reports.add(MailboxFullReport, process.pid, process.label, self.bound)
        waits = DROPPED.get(type(dropped))
        if waits is not None:
            waits(dropped)
        if policy is Overflow.KILL:
            bury(process, MAILBOX_FULL)
        elif policy is Overflow.REFUSE and waits is None:
            raise MailboxFullError(process.pid, self.bound.limit)
        return policy is Overflow.DROP_OLDEST


def count_signals(messages: Any) -> int:
    """Signals among messages."""
    return sum(isinstance(message, Signal) for message in messages)
