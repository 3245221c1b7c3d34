"""The task supervisor: a dynamic supervisor of tasks, which may fail without taking their owners along.

A task under it is a child like any other: it is listed, counted, and stopped with its supervisor. See: Elixir
``Task.Supervisor``.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, final

from regrow.actors import OnTimeout, Pid, Task, TaskStream, assign_task, self_, start_idle_task

from ._child_spec import BrutalKill, ChildSpec, Restart
from ._dynamic_supervisor import DynamicSupervisor
from ._requests import start_child, terminate_child, which_children

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from regrow.actors import Destination, Name

__all__ = ["TaskSupervisor"]

Grace = float | Literal[BrutalKill.BRUTAL_KILL]


@final
class TaskSupervisor:
    """Tasks under a supervisor of their own.

    ::

        ChildSpec("tasks", partial(TaskSupervisor.start_link, name="tasks"), type=ChildType.SUPERVISOR)
        ...
        task = await TaskSupervisor.async_nolink("tasks", fetch, url)
        outcome = await task.yield_(timeout=2)

    Every function that takes a supervisor waits for it, and raises `CallError` if it is not alive, `CannotWaitError`
    in an inline process, and `MaxChildrenError` if it is full.
    """

    @staticmethod
    async def start_link(
        *, intensity: int = 3, period: int = 5, max_children: float = math.inf, name: Name | None = None
    ) -> Pid:
        """Start a linked supervisor without tasks, as `DynamicSupervisor.start_link` does.

        See: Elixir ``Task.Supervisor.start_link/1``.
        """
        return await DynamicSupervisor.start_link(
            intensity=intensity, period=period, max_children=max_children, name=name
        )

    @staticmethod
    async def async_(supervisor: Destination, function: Callable[..., Any], *args: Any, shutdown: Grace = 5.0) -> Task:
        """Like `Task.async_`, under a supervisor: linked to the caller and stopped with the supervisor.

        See: Elixir ``Task.Supervisor.async/3``.
        """
        return assign_task(await _idle(supervisor, shutdown), function, *args, linked=True)

    @staticmethod
    async def async_nolink(
        supervisor: Destination, function: Callable[..., Any], *args: Any, shutdown: Grace = 5.0
    ) -> Task:
        """Compute ``function(*args)`` in a process that is not linked to the caller: it may crash alone.

        See: Elixir ``Task.Supervisor.async_nolink/3``.
        """
        return assign_task(await _idle(supervisor, shutdown), function, *args, linked=False)

    @staticmethod
    async def start_child(
        supervisor: Destination,
        function: Callable[..., Any],
        *args: Any,
        restart: Restart = Restart.TEMPORARY,
        shutdown: Grace = 5.0,
    ) -> Pid:
        """Run ``function(*args)`` in a process nobody waits for. See: Elixir ``Task.Supervisor.start_child/3``."""
        spec = ChildSpec(_TASK, Task.start_link, (function, *args), restart=restart, shutdown=shutdown)
        pid = await start_child(supervisor, spec)
        assert pid is not None
        return pid

    @staticmethod
    def async_stream(
        supervisor: Destination,
        items: Iterable[Any],
        function: Callable[[Any], Any],
        *,
        max_concurrency: int | None = None,
        is_ordered: bool = True,
        timeout: float = 5.0,
        on_timeout: OnTimeout = OnTimeout.EXIT,
        shutdown: Grace = 5.0,
    ) -> TaskStream:
        """Like `regrow.actors.async_stream`, with tasks made by `async_`.

        See: Elixir ``Task.Supervisor.async_stream/4``.
        """
        return TaskStream(
            lambda item: TaskSupervisor.async_(supervisor, function, item, shutdown=shutdown),
            items,
            max_concurrency=max_concurrency,
            is_ordered=is_ordered,
            timeout=timeout,
            on_timeout=on_timeout,
        )

    @staticmethod
    def async_stream_nolink(
        supervisor: Destination,
        items: Iterable[Any],
        function: Callable[[Any], Any],
        *,
        max_concurrency: int | None = None,
        is_ordered: bool = True,
        timeout: float = 5.0,
        on_timeout: OnTimeout = OnTimeout.EXIT,
        shutdown: Grace = 5.0,
    ) -> TaskStream:
        """Like `regrow.actors.async_stream`, with tasks made by `async_nolink`: a crash is an outcome.

        See: Elixir ``Task.Supervisor.async_stream_nolink/4``.
        """
        return TaskStream(
            lambda item: TaskSupervisor.async_nolink(supervisor, function, item, shutdown=shutdown),
            items,
            max_concurrency=max_concurrency,
            is_ordered=is_ordered,
            timeout=timeout,
            on_timeout=on_timeout,
        )

    @staticmethod
    async def children(supervisor: Destination) -> list[Pid]:
        """The tasks that run. See: Elixir ``Task.Supervisor.children/1``."""
        return [child.pid for child in await which_children(supervisor) if isinstance(child.pid, Pid)]

    @staticmethod
    async def terminate_child(supervisor: Destination, task: Pid) -> None:
        """Stop a task and wait until it is dead.

        Raises:
            UnknownChildError: the supervisor has no such task.

        See: Elixir ``Task.Supervisor.terminate_child/2``.
        """
        await terminate_child(supervisor, task)


_TASK = "task"
"""The id of all tasks: a dynamic supervisor knows its children by pid."""


async def _idle(supervisor: Destination, shutdown: Grace) -> Pid:
    spec = ChildSpec(_TASK, partial(start_idle_task, self_()), restart=Restart.TEMPORARY, shutdown=shutdown)
    pid = await start_child(supervisor, spec)
    assert pid is not None
    return pid
