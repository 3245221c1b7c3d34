"""The thread driver: a process that is an OS thread, for code that blocks.

The thread runs the code and nothing else. Whatever concerns the system (being born, ready, dead) happens in the
thread trio runs in, to which the process sends word through the trio token; so links, monitors and names need no
lock, and a process in a thread is like any other to those who watch it.

A thread cannot be killed. One that has to die is detached instead: dead for the system at once, its mailbox
closed, whatever it still answers dropped. If its code has not come to an end within `ZOMBIE_GRACE` seconds that is
reported. Threads are daemons: one that never ends keeps neither the node nor the interpreter.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, final

import trio

from regrow.actors._processes._exit import NORMAL, ExitReason, crash_of, reason_of
from regrow.actors._processes._process import Process, bury
from regrow.actors._processes._signals import Exit
from regrow.actors._processes._task import ZOMBIE_GRACE
from regrow.actors._pykka._thread_mailbox import ThreadMailbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors._processes._node import Node
    from regrow.actors._processes._pid import Pid

__all__ = ["ThreadProcess"]


@final
class ThreadProcess(Process):
    """A process whose code is a function that may block, in a thread of its own.

    Its code cannot be interrupted, so exit signals reach it as `Exit` messages, as if it trapped exits; the code
    is expected to end when it takes one.
    """

    __slots__ = ("_has_ended", "interceptors", "mailbox")

    interceptors: tuple[Callable[[object], None], ...]
    """What sees each message right before the process does: see `intercept`."""

    def __init__(
        self, node: Node, label: str, parent: Pid | None, refuse: Callable[[object, ExitReason], None]
    ) -> None:
        super().__init__(node, label, parent)
        self.interceptors = ()
        self.mailbox = ThreadMailbox(refuse)
        self.trap_exit = True
        self._has_ended = False

    def post(self, message: object) -> None:
        """Put a message into the mailbox; an exit signal that says `NORMAL` is ignored, as without trapping."""
        if not (isinstance(message, Exit) and message.reason is NORMAL):
            self.mailbox.put(message)

    def pending(self) -> int:
        """How many messages wait in the mailbox."""
        return len(self.mailbox)

    def waiting(self) -> list[object]:
        """The messages that wait in the mailbox, in order."""
        return self.mailbox.waiting()

    def discard(self, unwanted: Callable[[object], bool]) -> None:
        """Drop the first message waiting in the mailbox that is unwanted, if there is one."""
        self.mailbox.discard(unwanted)

    def is_running(self) -> bool:
        """False: a thread that is killed is dead at once."""
        return False

    def halt(self, reason: ExitReason, /) -> None:
        """Close the mailbox and detach the thread, whose code may still be running when this returns."""
        was_busy = self.mailbox.is_busy
        self.mailbox.close(reason)
        if was_busy and not self._has_ended:
            self.node.haunt(self, ZOMBIE_GRACE)

    def begin(self, live: Callable[[], None]) -> None:
        """Start the thread, whose code is ``live``. If there can be no more threads the process dies of it."""
        thread = threading.Thread(target=self._live, args=(live,), name=f"{self.label} {self.pid}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            self._has_ended = True
            bury(self, reason_of(error))

    def tell_node(self, function: Callable[..., None], *args: Any) -> None:
        """Have ``function(*args)`` called in the thread trio runs in, soon and in order, unless that has ended."""
        with suppress(trio.RunFinishedError):
            self.node.token.run_sync_soon(function, *args)

    def _live(self, live: Callable[[], None]) -> None:
        reason: ExitReason = NORMAL
        try:
            live()
        except BaseException as error:  # noqa: BLE001 - a thread has no caller; this is where it becomes a reason
            reason = _reason_of(error)
        self.mailbox.close(reason)
        self.tell_node(self._ended, reason)

    def _ended(self, reason: ExitReason) -> None:
        self._has_ended = True
        self.node.rest(self)
        if self.pid.is_alive:
            if reason.is_abnormal:
                self.node.reports.crash(self, reason)
            bury(self, reason)


def _reason_of(error: BaseException) -> ExitReason:
    """The exit reason of a thread whatever it raised.

    KeyboardInterrupt and SystemExit are no exception, while elsewhere they belong to the node: Python delivers
    Ctrl-C to the main thread, and lets ``sys.exit()`` end the thread that calls it and no other.
    """
    try:
        return reason_of(error)
    except BaseExceptionGroup:
        return crash_of(error)
