"""The two drivers with a bounded mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from regrow.actors._processes._bounded import Gauge, count_signals
from regrow.actors._processes._inline import InlineProcess
from regrow.actors._processes._signals import Signal
from regrow.actors._processes._task import NOTHING, Pattern, TaskProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors._processes._bounded import Bounded
    from regrow.actors._processes._node import Node
    from regrow.actors._processes._pid import Pid

__all__ = ["gauge_of", "inline_process", "task_process"]


@final
class BoundedInlineProcess(InlineProcess):
    """An inline process with a bounded mailbox."""

    __slots__ = ("_length", "gauge")

    def __init__(
        self, node: Node, receive: Callable[[object], None], label: str, parent: Pid | None, bound: Bounded
    ) -> None:
        super().__init__(node, receive, label, parent)
        self.gauge = Gauge(bound)
        self._length = 0
        """How long the mailbox was when its signals were counted."""

    def post(self, message: object) -> None:
        """Put a message into the mailbox, if there is room."""
        mailbox = self.mailbox
        length = 0 if mailbox is None else len(mailbox)
        if length != self._length:  # the scheduler has taken some since
            self._length = length
            self.gauge.signals = count_signals(mailbox or ())
        if isinstance(message, Signal):
            self.gauge.signals += 1
        elif not self.gauge.has_room(length):
            if not self.gauge.overflow(self, message, self._oldest):
                return
            self._length -= 1
        super().post(message)
        self._length += 1

    def _oldest(self) -> object:
        mailbox = self.mailbox
        assert mailbox is not None
        return mailbox.pop(_first_that_counts(mailbox))

    def discard(self, unwanted: Callable[[object], bool]) -> None:
        """Drop the first message waiting that is unwanted."""
        super().discard(unwanted)
        self._length = -1


@final
class BoundedTaskProcess(TaskProcess):
    """A task process with a bounded mailbox."""

    __slots__ = ("gauge",)

    def __init__(self, node: Node, label: str, parent: Pid | None, bound: Bounded) -> None:
        super().__init__(node, label, parent)
        self.gauge = Gauge(bound)

    def post(self, message: object) -> None:
        """Put a message into the mailbox, if there is room."""
        if isinstance(message, Signal):
            self.gauge.signals += 1
        elif not self.gauge.has_room(len(self.mailbox)) and not self.gauge.overflow(self, message, self._oldest):
            return
        super().post(message)

    def _oldest(self) -> object:
        index = _first_that_counts(self.mailbox)
        message = self.mailbox[index]
        del self.mailbox[index]
        return message

    def take(self, patterns: tuple[Pattern, ...], start: int = 0) -> Any:
        """Remove and return the first message that matches."""
        before = len(self.mailbox)
        try:
            message = super().take(patterns, start)
        except BaseException:
            self.gauge.signals = count_signals(self.mailbox)
            raise
        if message is not NOTHING and isinstance(message, Signal):
            self.gauge.signals -= 1
        assert len(self.mailbox) == before - (message is not NOTHING)
        return message

    def discard(self, unwanted: Callable[[object], bool]) -> None:
        """Drop the first message waiting that is unwanted."""
        super().discard(unwanted)
        self.gauge.signals = count_signals(self.mailbox)


def _first_that_counts(mailbox: Any) -> int:
    return next(index for index, message in enumerate(mailbox) if not isinstance(message, Signal))


def inline_process(
    node: Node, receive: Callable[[object], None], label: str, parent: Pid | None, bound: Bounded | None
) -> InlineProcess:
    """A new inline process, with a bounded mailbox or without."""
    if bound is None:
        return InlineProcess(node, receive, label, parent)
    return BoundedInlineProcess(node, receive, label, parent, bound)


def task_process(node: Node, label: str, parent: Pid | None, bound: Bounded | None) -> TaskProcess:
    """A new task process, with a bounded mailbox or without; it has no task yet."""
    if bound is None:
        return TaskProcess(node, label, parent)
    return BoundedTaskProcess(node, label, parent, bound)


def gauge_of(process: object) -> Gauge | None:
    """What a process knows of its mailbox, if that is bounded."""
    return process.gauge if isinstance(process, BoundedInlineProcess | BoundedTaskProcess) else None
