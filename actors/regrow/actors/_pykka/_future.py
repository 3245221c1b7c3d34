"""A pykka future that can be awaited under trio."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar, final

import pykka
import trio

from regrow.actors._errors import ActorDiedError, CannotWaitError

if TYPE_CHECKING:
    from collections.abc import Generator

    from pykka._types import OptExcInfo

    from regrow.actors._processes._exit import ExitReason

__all__ = ["ActorFuture", "is_thread_of"]

T = TypeVar("T")


def is_thread_of(token: trio.lowlevel.TrioToken) -> bool:
    """Whether the caller is in the thread of that very trio run: there may be others beside it."""
    return trio.lowlevel.in_trio_run() and trio.lowlevel.current_trio_token() is token


@final
class ActorFuture(pykka.ThreadingFuture[T]):
    """The reply of an `Actor`: ``await`` it under trio, or ``get()`` it from another thread.

    Everything pykka promises of a future holds, except that a ``get()`` that would block the thread trio runs
    in is refused: the actor that is to reply could never run.
    """

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[tuple[trio.lowlevel.TrioToken, trio.Event]] = []
        self._is_set = False

    def get(self, *, timeout: float | None = None) -> Any:
        """The reply. Blocks the calling thread until it is there, at most ``timeout`` seconds.

        Raises:
            CannotWaitError: there is no reply yet and the caller is a trio task.
            pykka.Timeout: there was none in time.
        """
        if not self._is_set and timeout != 0 and self._get_hook is None and trio.lowlevel.in_trio_run():
            raise CannotWaitError(
                "get() would block the thread trio runs in, and the actor with it: write `await future`, "
                "or `await ref.ask(message, block=False)`"
            )
        return super().get(timeout=timeout)

    def set(self, value: Any = None) -> None:
        """Give the reply and wake whoever awaits it; from any thread."""
        super().set(value)
        self._wake()

    def set_exception(self, exc_info: OptExcInfo | None = None) -> None:
        """Give an exception as the reply and wake whoever awaits it; from any thread."""
        super().set_exception(exc_info)
        self._wake()

    def _wake(self) -> None:
        self._is_set = True
        waiting, self._waiting = self._waiting, []
        for token, event in waiting:
            if is_thread_of(token):
                event.set()
            else:
                with suppress(trio.RunFinishedError):  # whoever awaited it is gone
                    token.run_sync_soon(event.set)

    def fire(self, reason: ExitReason) -> None:
        """The actor died of ``reason`` before it replied."""
        if not self._is_set:
            error = ActorDiedError(reason, "the actor")
            self.set_exception((type(error), error, None))

    def __await__(self) -> Generator[Any, None, Any]:
        """Wait for the reply under trio. Cancellable; a cancelled wait loses nothing."""
        return self._wait().__await__()

    async def _wait(self) -> Any:
        if self._get_hook is not None:
            return await trio.to_thread.run_sync(super().get, abandon_on_cancel=True)
        event = trio.Event()
        self._waiting.append((trio.lowlevel.current_trio_token(), event))
        if self._is_set:  # looked at after the event is in place: another thread may be setting the reply
            event.set()
        await event.wait()
        return super().get(timeout=0)
