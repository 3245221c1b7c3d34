"""One thing asked of a node from outside: run a function in there, and bring back how it ended.

A request lives on both sides. As a future it belongs to whoever asked, in any thread; everything else happens in
the thread trio runs in. Whichever comes first settles it: a result, the death of the process, the end of the node,
or whoever asked and has lost interest.

An exception it ends with holds the frames it came through. Where such a frame is one of these methods it lets go of
the request, which holds the exception: otherwise every failure would wait for the garbage collector.
"""

from __future__ import annotations

import inspect
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import TYPE_CHECKING, Any, final

import trio

from regrow.actors._errors import CallError
from regrow.actors._processes._context import current
from regrow.actors._processes._exit import KILL, ExitProcess, ExitReason, reason_of
from regrow.actors._processes._monitors import watch
from regrow.actors._processes._process import Origin, bury, exit_arrives
from regrow.actors._processes._task import TaskProcess

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Request"]


@final
class Request(Future[Any]):
    """The result of a function that is to run inside a node."""

    def __init__(self, function: Callable[[], object], label: str, main: TaskProcess) -> None:
        super().__init__()
        self._function = function
        self._label = label
        self._main = main
        self._undo: Callable[[], object] | None = None

    def perform(self) -> None:
        """Run a plain function, here and now."""
        try:
            value = self._function()
        except Exception as error:  # noqa: BLE001 - it is raised where it was asked
            self.fail(error)
            del self
        else:
            self._succeed(value)

    def spawn(self) -> None:
        """Run an async function as a process of its own."""
        main = self._main
        process = TaskProcess(main.node, self._label, main.pid)
        watch(process, self)
        self._undo = lambda: exit_arrives(process, main.pid, KILL, Origin.OTHER)
        main.node.start_task(process, self._live)

    async def _live(self) -> None:
        try:
            value = await _awaited(self._function, self._label)
        except Exception as error:  # noqa: BLE001 - it is raised where it was asked
            self.fail(error)
            bury(current(), reason_of(error))  # its links shall hear of it, and the log need not: somebody has
            del self
        else:
            self._succeed(value)

    async def join(self) -> None:
        """Run an async function as the node's main process, in one of its tasks."""
        with trio.CancelScope() as scope:
            self._undo = scope.cancel
            try:
                self._succeed(await _awaited(self._function, self._label))
            except ExitProcess as leaving:
                self.fail(CallError(leaving.reason, self._label))
            except Exception as error:  # noqa: BLE001 - it is raised where it was asked
                self.fail(error)
                del self
            except trio.Cancelled:
                raise
            except BaseException as error:  # noqa: BLE001 - it ends the node, in order
                self._main.node.abort(error)

    def fire(self, reason: ExitReason) -> None:
        """The process died. If that is because the node ends, its portal has a better word for it."""
        if self._main.pid.is_alive and self._main.node.fatal is None:
            self.fail(CallError(reason, self._label))

    def withdraw(self) -> None:
        """Whoever asked has cancelled: end what was begun."""
        self.set_running_or_notify_cancel()
        if self._undo is not None:
            self._undo()

    def _succeed(self, value: object) -> None:
        with suppress(InvalidStateError):
            self.set_result(value)

    def fail(self, error: BaseException) -> None:
        """Raise ``error`` where it was asked, unless it is settled."""
        with suppress(InvalidStateError):
            self.set_exception(error)


async def _awaited(function: Callable[[], object], label: str) -> object:
    outcome = function()
    if not inspect.isawaitable(outcome):
        raise TypeError(f"{label} is no async function: it returned {outcome!r}")
    return await outcome
