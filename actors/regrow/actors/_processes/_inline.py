"""The inline driver: a process that is a function called by the tick. It has no task and cannot wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regrow.actors._processes._process import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from regrow.actors._processes._exit import ExitReason
    from regrow.actors._processes._node import Node
    from regrow.actors._processes._pid import Pid

__all__ = ["InlineProcess"]


class InlineProcess(Process):
    """A process whose callbacks are all plain functions."""

    __slots__ = ("mailbox", "receive", "scheduler")

    mailbox: list[object] | None
    """Messages not taken yet; None while there are none.

    Invariant: ``(mailbox is not None) == (self in scheduler.ready)`` while it is alive and not running.
    """
    receive: Callable[[object], None]
    """Called with each message in order. What it raises ends the process."""

    def __init__(self, node: Node, receive: Callable[[object], None], label: str, parent: Pid | None) -> None:
        super().__init__(node, label, parent)
        self.scheduler = node.scheduler
        self.mailbox = None
        self.receive = receive

    def post(self, message: object) -> None:
        """Put a message into the mailbox; the process runs in this tick or the next."""
        mailbox = self.mailbox
        if mailbox is None:
            self.mailbox = [message]
            scheduler = self.scheduler
            scheduler.ready.append(self)
            if scheduler.is_dozing:
                scheduler.wake()
        else:
            mailbox.append(message)

    def post_first(self, message: object) -> None:
        """Put a message before all others in the mailbox."""
        self.post(message)
        mailbox = self.mailbox
        assert mailbox is not None
        mailbox.insert(0, mailbox.pop())

    def pending(self) -> int:
        """How many messages wait, the rest of the batch it is taking included."""
        return len(self.waiting())

    def waiting(self) -> list[object]:
        """The messages that wait, in order, the rest of the batch it is taking included."""
        self.scheduler.hand_back(self)
        held: Iterable[object] = getattr(self.receive, "held", ())  # back, by the receiver of a suspended process
        return [*held, *(self.mailbox or ())]

    def discard(self, unwanted: Callable[[object], bool]) -> None:
        """Drop the first message waiting that is unwanted, the rest of the batch it is taking included."""
        self.scheduler.hand_back(self)
        mailbox = self.mailbox
        if mailbox is None:
            return
        for index, message in enumerate(mailbox):
            if unwanted(message):
                del mailbox[index]  # it may be empty now, which is fine: the process is in the queue
                return

    def is_running(self) -> bool:
        """Whether its callback is on the stack; the rest of the batch it is taking is dropped if so."""
        return self.scheduler.runs(self)

    def halt(self, _reason: ExitReason, /) -> None:
        """Drop the mailbox."""
        self.mailbox = None
        self.receive = _dead


def _dead(_message: object) -> None:
    """What a dead process does with a message: nothing. Frees the actor it belonged to."""
