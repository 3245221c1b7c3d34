"""A stream of tasks: one function over many items, a bounded number at a time. See: Elixir ``Task.async_stream/3``."""

from __future__ import annotations

import enum
import math
import os
from collections import deque
from typing import TYPE_CHECKING, Any, Self, final

import trio

from regrow.actors._errors import CallError, CannotWaitError, ReceiveTimeoutError
from regrow.actors._processes._context import current
from regrow.actors._processes._exit import KILL, TIMEOUT
from regrow.actors._processes._process import Origin, exit_arrives
from regrow.actors._processes._task import NOTHING, TaskProcess, receive
from regrow.actors._servers._call import Answer, Unanswered
from regrow.actors._tasks._task_async import Outcome, Task, TaskExited, outcome_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from types import TracebackType

    from regrow.actors._processes._pid import Pid, Ref

__all__ = ["OnTimeout", "TaskStream", "async_stream"]


class OnTimeout(enum.StrEnum):
    """What becomes of a stream when one of its tasks takes too long."""

    EXIT = "exit"
    """It ends with `CallError` (`TIMEOUT`), of which the owner dies unless it catches it."""
    KILL_TASK = "kill_task"
    """That task is killed and its outcome is ``TaskExited(TIMEOUT)``."""


@final
class _Slot:
    """One item on its way."""

    __slots__ = ("deadline", "outcome", "task")

    def __init__(self, task: Task, deadline: float) -> None:
        self.task = task
        self.deadline = deadline
        self.outcome: Outcome | None = None


@final
class TaskStream:
    """The outcomes of one function over many items, as they come.

    Use it as a context, so that no task outlives it however the block is left::

        async with async_stream(urls, fetch, max_concurrency=8) as outcomes:
            async for outcome in outcomes:
                match outcome:
                    case TaskDone(value): ...
                    case TaskExited(reason): ...

    A task is started only while its owner waits for an outcome. At most ``max_concurrency`` run at a time. What runs
    when the block is left, or when the owner dies, is killed.
    """

    def __init__(
        self,
        start: Callable[[Any], Awaitable[Task]],
        items: Iterable[Any],
        *,
        max_concurrency: int | None = None,
        is_ordered: bool = True,
        timeout: float = 5.0,
        on_timeout: OnTimeout = OnTimeout.EXIT,
    ) -> None:
        """Nothing runs before the first outcome is asked for.

        Args:
            start: makes the task of one item, as the owner.
            items: taken one by one, as tasks start.
            max_concurrency: how many run at a time; None for as many as the machine has cores.
            is_ordered: whether outcomes come in the order of the items, or as they are ready.
            timeout: seconds each task may take.
            on_timeout: what becomes of one that takes longer.

        Raises:
            ValueError: ``max_concurrency`` is below 1.
        """
        limit = (os.cpu_count() or 1) if max_concurrency is None else max_concurrency
        if limit < 1:
            raise ValueError(f"max_concurrency must be at least 1, got {limit}")
        self._start = start
        self._items = iter(items)
        self._limit = limit
        self._is_ordered = is_ordered
        self._timeout = timeout
        self._on_timeout = on_timeout
        self._slots: deque[_Slot] = deque()
        self._running: dict[Ref, _Slot] = {}
        self._owner: TaskProcess | None = None
        self._is_exhausted = False

    async def __aenter__(self) -> Self:
        owner = current()
        if not isinstance(owner, TaskProcess):
            raise CannotWaitError(f"{owner} is inline and cannot wait for a stream: have a linked task go through it")
        self._owner = owner
        owner.hold(self)
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        owner, self._owner = self._owner, None
        assert owner is not None
        owner.let_go(self)
        for slot in self._running.values():
            slot.task.discard()
        while owner.take((self._is_outcome,)) is not NOTHING:
            pass  # it came while nobody looked
        self._running.clear()
        self._slots.clear()

    def holder_died(self, pid: Pid) -> None:
        """The owner is dead: nobody wants the outcomes any more."""
        for slot in self._running.values():
            process = slot.task.pid.process
            if process is not None:
                exit_arrives(process, pid, KILL, Origin.OTHER)

    def __aiter__(self) -> Self:
        if self._owner is None:
            raise RuntimeError("a stream of tasks is entered first: async with async_stream(...) as outcomes")
        return self

    async def __anext__(self) -> Outcome:
        while True:
            await self._fill()
            slot = self._next_ready()
            if slot is not None:
                assert slot.outcome is not None
                return slot.outcome
            if not self._slots:
                raise StopAsyncIteration
            await self._wait_for_one()

    async def _fill(self) -> None:
        """Start tasks up to the limit."""
        while len(self._running) < self._limit and not self._is_exhausted:
            try:
                item = next(self._items)
            except StopIteration:
                self._is_exhausted = True
                return
            task = await self._start(item)
            slot = _Slot(task, trio.current_time() + self._timeout)
            self._slots.append(slot)
            self._running[task.ref] = slot

    def _next_ready(self) -> _Slot | None:
        """Take the slot whose outcome is to be handed out now, if there is one."""
        if self._is_ordered:
            return self._slots.popleft() if self._slots and self._slots[0].outcome is not None else None
        for slot in self._slots:
            if slot.outcome is not None:
                self._slots.remove(slot)
                return slot
        return None

    async def _wait_for_one(self) -> None:
        deadline = min((slot.deadline for slot in self._running.values()), default=math.inf)
        try:
            message = await receive(self._is_outcome, timeout=max(0.0, deadline - trio.current_time()))
        except ReceiveTimeoutError:
            await self._too_late()
        else:
            self._running.pop(message.ref).outcome = outcome_of(message)

    async def _too_late(self) -> None:
        now = trio.current_time()
        for slot in [slot for slot in self._running.values() if slot.deadline <= now]:
            if self._on_timeout is OnTimeout.EXIT:
                raise CallError(TIMEOUT, slot.task)
            del self._running[slot.task.ref]
            slot.outcome = await slot.task.kill() or TaskExited(TIMEOUT)

    def _is_outcome(self, message: object) -> bool:
        return isinstance(message, (Answer, Unanswered)) and message.ref in self._running


def async_stream(
    items: Iterable[Any],
    function: Callable[[Any], Any],
    *,
    max_concurrency: int | None = None,
    is_ordered: bool = True,
    timeout: float = 5.0,
    on_timeout: OnTimeout = OnTimeout.EXIT,
) -> TaskStream:
    """Compute ``function(item)`` for each item in a linked task of its own, a bounded number at a time.

    A task that crashes takes along an owner that does not trap exits; `TaskSupervisor` has streams that do not.

    Raises:
        ValueError: ``max_concurrency`` is below 1.

    See: Elixir ``Task.async_stream/3``, whose options these are.
    """

    async def start(item: Any) -> Task:
        return Task.async_(function, item)

    return TaskStream(
        start,
        items,
        max_concurrency=max_concurrency,
        is_ordered=is_ordered,
        timeout=timeout,
        on_timeout=on_timeout,
    )
