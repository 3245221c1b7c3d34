"""Hibernating: a process that gives its stack back while it waits for its next message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from regrow.actors._errors import CannotWaitError
from regrow.actors._processes._task import Hibernation, own_task

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["hibernate"]


async def hibernate(function: Callable[..., object], *args: Any) -> NoReturn:
    """Drop everything the running task process has on its stack and, with its next message, run ``function(*args)``.

    Never returns. The message is not taken: it, or one that waits already, is there for ``function`` to `receive`.
    All frames of the process are freed, the arguments it was spawned with included, and so is the room its mailbox
    has grown to. For a process that keeps much and waits long.

    Unlike on the BEAM, where code that hibernates simply vanishes, ``finally`` blocks and context managers on the
    stack run, and the tasks of its own nurseries are cancelled. An inline process has no stack between
    messages: it has nothing to gain.

    Raises:
        CannotWaitError: the running process is inline, or ``main``, or the calling task is not the process itself.
        NotAProcessError: the caller is not a process.

    See: Erlang ``erlang:hibernate/3`` (rule R-3).
    """
    process = own_task("hibernate")
    if process.parent is None:
        raise CannotWaitError("main cannot hibernate: its stack belongs to whoever opened the node")
    raise Hibernation(function, args)
