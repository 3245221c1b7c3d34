"""The writer: the process that takes what was broadcast to the store, and topics from it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, TypeVar, final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._archive import Archive

__all__ = ["Writer"]

logger = logging.getLogger("regrow.gateway")

T = TypeVar("T")

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
"""Seconds between two tries of a store that fails; the pause doubles."""

_SWEEP_EVERY: Final = 10.0
_EXPIRE_EVERY: Final = 60.0
"""Seconds."""


@final
class Writer:
    """What the writer processes of one gateway, one after the other, have in common.

    A process dies of what the store raises and is started again by its supervisor; what it had in hand is still
    in the archive. A process that is killed while the store is at work is dead at once, but its thread is not:
    the next one waits for it.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._store_in_use = trio.Lock()
        self._thread = trio.CapacityLimiter(1)
        self._is_open = False
        self._pause = 0.0
        self._swept = self._expired = trio.current_time()

    async def run(self) -> None:
        """Store what is broadcast, and load topics, until the process ends."""
        async with self._store_in_use:
            await trio.sleep(self._pause)
            while True:
                with trio.move_on_after(_SWEEP_EVERY):
                    await self._archive.work_to_do()
                if self._archive.has_work:
                    await self._work()
                await self._clean()

    async def finish(self) -> None:
        """Store what is left and close the store. No process may be alive; what fails is logged."""
        archive = self._archive
        async with self._store_in_use:
            archive.stopping()
            try:
                while archive.has_work:  # a message may have waited for its topic
                    await self._work()
                if self._is_open:
                    await self._guarded(archive.store.close)
                    self._is_open = False
            except Exception:
                logger.exception("the history could not be closed: what was broadcast last may be missing in it")

    async def _work(self) -> None:
        store = self._archive.store
        if not self._is_open:
            await self._guarded(store.open)
            self._is_open = True
        work = self._archive.take()
        states = await self._guarded(lambda: work.carry_out(store))
        self._pause = 0.0
        self._archive.done(work, states)

    async def _clean(self) -> None:
        now = trio.current_time()
        if now >= self._swept + _SWEEP_EVERY:
            self._swept = now
            self._archive.sweep()
        if self._is_open and now >= self._expired + _EXPIRE_EVERY:
            self._expired = now
            await self._guarded(self._archive.store.expire)

    async def _guarded(self, operation: Callable[[], T]) -> T:
        """Let the store do something in a thread. If it raises it is abandoned, and everybody told."""
        try:
            return await trio.to_thread.run_sync(operation, limiter=self._thread)
        except Exception as error:
            logger.error("the history store failed: %s: %s", type(error).__name__, error)  # noqa: TRY400 - a line
            self._is_open = False
            self._pause = min(max(self._pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
            self._archive.failed()
            await trio.to_thread.run_sync(self._archive.store.abandon, limiter=self._thread)
            raise
