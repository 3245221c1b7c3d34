"""Reloading modules whenever their sources change, for development."""

from __future__ import annotations

import contextlib
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from regrow.actors._code._code_reload import reload
from regrow.actors._errors import ReloadError
from regrow.actors._processes._exit import TIMEOUT
from regrow.actors._servers._gen_server import GenServer
from regrow.actors._servers._outcomes import NoReply, Ok

if TYPE_CHECKING:
    from regrow.actors._processes._names import Name
    from regrow.actors._processes._pid import Pid

__all__ = ["Watcher"]

logger = logging.getLogger("regrow")


@final
class Watcher(GenServer):
    """A process that reloads modules when their source files change.

    ::

        ChildSpec("watcher", Watcher.start_link, ("chat",))

    Modules that change together are reloaded together. What a reload did, or why it failed, is logged; after a failure
    the old code goes on until the file changes again.
    """

    @classmethod
    async def start_link(  # type: ignore[override]  # how a behaviour is started is its own affair
        cls, *packages: str, interval: float = 1.0, name: Name | None = None
    ) -> Pid:
        """Start a linked process that looks every ``interval`` seconds at all imported modules of some packages.

        A package is named as it is imported, and stands for itself and all its submodules, those included that are
        imported later.

        Raises:
            AlreadyStartedError: the name is held.
            ValueError: there is nothing to watch, or the interval is not positive.
        """
        if not packages:
            raise ValueError("name at least one package to watch")
        if interval <= 0:
            raise ValueError(f"the interval must be positive, got {interval!r}")
        pid = await super().start_link(packages, interval, name=name)
        assert pid is not None
        return pid

    async def init(self, packages: tuple[str, ...], interval: float) -> Ok:
        """Take note of how the files are now."""
        self._packages = packages
        self._interval = interval
        self._seen = self._stamps()
        return Ok(timeout=interval)

    async def handle_info(self, message: Any) -> NoReply:
        """Look whether a file changed."""
        if message is TIMEOUT:
            before, self._seen = self._seen, self._stamps()
            changed = [name for name, stamp in self._seen.items() if before.get(name, stamp) != stamp]
            if changed:
                await self._reload(changed)
        return NoReply(timeout=self._interval)

    async def _reload(self, names: list[str]) -> None:
        try:
            done = await reload(*names)
        except ReloadError as error:
            logger.error("%s", error)  # noqa: TRY400 - the message says all; the stack is that of the watcher
        else:
            logger.info("%s", done)

    def _stamps(self) -> dict[str, tuple[int, int]]:
        """When each source was last written and how long it is, of what was imported last to what was first.

        A module is entered among the imported before those that it imports, so this is an order to load them in.
        """
        stamps: dict[str, tuple[int, int]] = {}
        for name, module in reversed(list(sys.modules.items())):
            if any(name == package or name.startswith(f"{package}.") for package in self._packages):
                file = getattr(module, "__file__", None)
                if file is not None:
                    with contextlib.suppress(OSError):  # it is being replaced: the next look will find it
                        status = Path(file).stat()
                        stamps[name] = status.st_mtime_ns, status.st_size
        return stamps
