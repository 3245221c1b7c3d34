"""Task: a process that computes one value for its owner. See: Elixir ``Task``.

What the owner holds is a request like that of `send_request`: exactly one message comes of it, `Answer` with the value
or `Unanswered` with the reason the process died of. So an owner that cannot wait takes it in ``handle_info``, and one
that can asks the `Task`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import trio

from regrow.actors._errors import CallError, NotOwnerError, ReceiveTimeoutError
from regrow.actors._processes._context import current
from regrow.actors._processes._exit import KILL, KILLED, NOPROC, SHUTDOWN, TIMEOUT, ExitReason
from regrow.actors._processes._links import exit_, exit_signal, link, unlink
from regrow.actors._processes._monitors import demonitor, monitor
from regrow.actors._processes._pid import Ref
from regrow.actors._processes._process import bind
from regrow.actors._processes._signals import Down
from regrow.actors._processes._spawn import spawn, spawn_link
from regrow.actors._processes._task import TaskProcess, receive
from regrow.actors._servers._call import Answer, Request, Unanswered
from regrow.actors._servers._callbacks import resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from regrow.actors._processes._pid import Pid

__all__ = ["Outcome", "Task", "TaskDone", "TaskExited", "assign_task", "outcome_of", "start_idle_task"]


@final
@dataclass(frozen=True, slots=True)
class TaskDone:
    """A task has computed its value. See: Elixir's ``{:ok, Value}``."""

    value: Any


@final
@dataclass(frozen=True, slots=True)
class TaskExited:
    """A task died before it had a value. See: Elixir's ``{:exit, Reason}``."""

    reason: ExitReason


Outcome = TaskDone | TaskExited


@final
class Task:
    """One value being computed by a process of its own, as its owner sees it.

    Only the owner, the process that made the task, may wait for it, and only once: a task that was awaited, shut down
    or ignored has nothing more to say. ``await task`` is short for ``await task.await_()``.

    An owner that is inline cannot wait: the result comes to its ``handle_info`` as ``Answer(task.ref, value)`` or
    ``Unanswered(task.ref, reason)``.
    """

    __slots__ = ("owner", "pid", "ref")

    owner: Pid
    """Who waits for the value."""
    pid: Pid
    """Who computes it."""
    ref: Ref
    """What the `Answer` or `Unanswered` of this task carries."""

    def __init__(self, ref: Ref, owner: Pid, pid: Pid) -> None:
        self.ref = ref
        self.owner = owner
        self.pid = pid

    def __repr__(self) -> str:
        return f"<Task {self.pid} of {self.owner}>"

    # Starting.

    @staticmethod
    def async_(function: Callable[..., Any], *args: Any) -> Task:
        """Compute ``function(*args)`` in a linked process and return at once.

        The function is a coroutine function, or a plain one that does not block. If it raises the process crashes, and
        an owner that does not trap exits dies with it; a task that may fail alone is one of `TaskSupervisor`.

        Raises:
            NodeStoppedError: the node starts no more processes.
            NotAProcessError: the caller is not a process.

        See: Elixir ``Task.async/1``.
        """
        owner = current()
        process = TaskProcess(owner.node, _label(function), owner.pid)
        bind(owner, process)
        request = Request(owner, process)
        owner.node.start_task(process, _compute, request, function, args)
        return Task(request, owner.pid, process.pid)

    @staticmethod
    def start(function: Callable[..., Any], *args: Any) -> Pid:
        """Run a function in a process nobody waits for. See: Elixir ``Task.start/1``."""
        return spawn(_run, function, args)

    @staticmethod
    def start_link(function: Callable[..., Any], *args: Any) -> Pid:
        """Run a function in a linked process nobody waits for: what a `ChildSpec` of a job starts.

        Returns at once. A job is done when it ends, so its restart type is as a rule temporary.

        See: Elixir ``Task.start_link/1``.
        """
        return spawn_link(_run, function, args)

    # Waiting.

    def __await__(self) -> Generator[Any, Any, Any]:
        """Wait as `await_` does."""
        return self.await_().__await__()

    async def await_(self, *, timeout: float = 5.0) -> Any:
        """Wait for the value, at most ``timeout`` seconds.

        After a timeout the process goes on computing, linked to its owner, and its value is dropped; a caller that does
        not catch the error dies of it and takes the process along. If this is cancelled nothing is lost: await again.

        Raises:
            CallError: the process died without a value, or took too long (`TIMEOUT`).
            CannotWaitError: the running process is inline.
            NotOwnerError: the caller is not the owner.

        See: Elixir ``Task.await/2``.
        """
        match await self.yield_(timeout=timeout):
            case TaskDone(value):
                return value
            case TaskExited(reason):
                raise CallError(reason, self)
            case None:
                self._abandon()
                raise CallError(TIMEOUT, self)

    async def yield_(self, *, timeout: float = 5.0) -> Outcome | None:
        """Wait for the outcome, at most ``timeout`` seconds; None if it is not there yet: yield again.

        Raises:
            CannotWaitError: the running process is inline.
            NotOwnerError: the caller is not the owner.

        See: Elixir ``Task.yield/2``.
        """
        self._check_owner()
        try:
            return outcome_of(await receive(self._is_mine, timeout=timeout))
        except ReceiveTimeoutError:
            return None

    async def shutdown(self, *, timeout: float = 5.0) -> Outcome | None:
        """Unlink the process, ask it to stop, kill it after ``timeout`` seconds, and wait until it is dead.

        The outcome if it had one in spite of that; None if it died of being stopped.

        Raises:
            CannotWaitError: the running process is inline.
            NotOwnerError: the caller is not the owner.

        See: Elixir ``Task.shutdown/2``.
        """
        return await self._end(SHUTDOWN, timeout)

    async def kill(self) -> Outcome | None:
        """Like `shutdown`, at once. See: Elixir ``Task.shutdown(task, :brutal_kill)``."""
        return await self._end(KILL, math.inf)

    async def _end(self, reason: ExitReason, timeout: float) -> Outcome | None:
        outcome = await self.yield_(timeout=0)
        unlink(self.pid)
        if outcome is not None:
            return outcome
        exit_signal(self.pid, reason)
        expected = KILLED if reason is KILL else SHUTDOWN
        outcome = await self.yield_(timeout=timeout)
        if outcome is None:
            exit_signal(self.pid, KILL)
            expected = KILLED
            outcome = await self.yield_(timeout=math.inf)
        return None if outcome == TaskExited(expected) else outcome

    def ignore(self) -> None:
        """Unlink the process and let it go on; its outcome is dropped. See: Elixir ``Task.ignore/1``.

        Raises:
            NotOwnerError: the caller is not the owner.
        """
        self._check_owner()
        unlink(self.pid)
        self._abandon()

    def discard(self) -> None:
        """Unlink the process and kill it without waiting; its outcome is dropped.

        Raises:
            NotOwnerError: the caller is not the owner.
        """
        self.ignore()
        exit_signal(self.pid, KILL)

    # Several at once.

    @staticmethod
    async def await_many(tasks: Iterable[Task], *, timeout: float = 5.0) -> list[Any]:
        """Wait for all values, in the order of the tasks, at most ``timeout`` seconds altogether.

        Raises:
            CallError: one of them died without a value, or not all were there in time (`TIMEOUT`).
            CannotWaitError: the running process is inline.
            NotOwnerError: the caller is not the owner of all of them.

        See: Elixir ``Task.await_many/2``.
        """
        deadline = trio.current_time() + timeout
        return [await task.await_(timeout=max(0.0, deadline - trio.current_time())) for task in tasks]

    @staticmethod
    async def yield_many(tasks: Iterable[Task], *, timeout: float = 5.0) -> list[tuple[Task, Outcome | None]]:
        """Wait until all have an outcome, at most ``timeout`` seconds altogether; None for those that have not.

        Raises:
            CannotWaitError: the running process is inline.
            NotOwnerError: the caller is not the owner of all of them.

        See: Elixir ``Task.yield_many/2``.
        """
        deadline = trio.current_time() + timeout
        return [(task, await task.yield_(timeout=max(0.0, deadline - trio.current_time()))) for task in tasks]

    def _abandon(self) -> None:
        if isinstance(self.ref, Request):
            self.ref.abandon()

    def _check_owner(self) -> None:
        caller = current().pid
        if caller is not self.owner:
            raise NotOwnerError(f"{self} can be awaited by its owner only, not by {caller}")

    def _is_mine(self, message: object) -> bool:
        return isinstance(message, (Answer, Unanswered)) and message.ref is self.ref


def outcome_of(message: Answer | Unanswered) -> Outcome:
    """What the message of a task says."""
    return TaskDone(message.value) if isinstance(message, Answer) else TaskExited(message.reason)


async def _compute(request: Request, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    request.answer(await resolved(function(*args)))


async def _run(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    await resolved(function(*args))


def _label(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", None) or repr(function)


# A task that somebody else supervises: started idle by its supervisor, then given its work by its owner.


@final
@dataclass(frozen=True, slots=True)
class _Work:
    request: Request
    function: Callable[..., Any]
    args: tuple[Any, ...]


def start_idle_task(owner: Pid) -> Pid:
    """Start a linked process that waits for ``owner`` to `assign_task` it, or ends with `SHUTDOWN` if the owner dies.

    For supervisors of tasks. See: Elixir ``Task.Supervisor.async_nolink/3``.
    """
    return spawn_link(_idle, owner)


def assign_task(pid: Pid, function: Callable[..., Any], *args: Any, linked: bool) -> Task:
    """Give an idle task its work, as its owner; ``linked`` to it or not.

    Raises:
        NoProcessError: it is to be linked, but dead already, and the caller does not trap exits.
        NotAProcessError: the caller is not a process.
    """
    owner = current()
    if linked:
        link(pid)
    process = pid.process
    if process is None:
        ref = Ref()
        owner.post(Unanswered(ref, NOPROC))
        return Task(ref, owner.pid, pid)
    request = Request(owner, process)
    process.post(_Work(request, function, args))
    return Task(request, owner.pid, pid)


async def _idle(owner: Pid) -> None:
    ref = monitor(owner)

    def concerns_work(message: object) -> bool:
        return isinstance(message, _Work) or (isinstance(message, Down) and message.ref is ref)

    message = await receive(concerns_work)
    if isinstance(message, Down):
        exit_(SHUTDOWN)
    demonitor(ref)
    current().label = _label(message.function)
    await _compute(message.request, message.function, message.args)
