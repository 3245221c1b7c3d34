"""What a server may define: the callbacks of `GenServer`, with what they do if it does not."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from regrow.actors._servers._server_state import checkpoint, replace, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors._processes._exit import ExitReason
    from regrow.actors._processes._pid import Pid
    from regrow.actors._servers._call import From
    from regrow.actors._system._system_status import Status

__all__ = ["CALLBACKS", "ServerCallbacks"]

logger = logging.getLogger("regrow")

CALLBACKS = ("init", "handle_call", "handle_cast", "handle_info", "handle_continue", "terminate", "code_change")
"""Those that may wait: if one of them is a coroutine function the server is a task."""

RUNTIMES_OWN = frozenset(("pid", "_parent", "_timer", "_timeout", "_debugging", "_route"))
"""Attributes of a server that are not its state."""


class ServerCallbacks:
    """The callbacks of `GenServer`."""

    pid: Pid
    """This process. Set before ``init`` runs."""

    def init(self, *args: Any, **kwargs: Any) -> Any:
        """Set up the state from the arguments of `start_link`. None or `Ok` to go on, `IGNORE` or `Stop` not to.

        The signature is the widest there is, so that an override may name its own parameters.
        """

    def handle_call(self, request: Any, caller: From, /) -> Any:
        """Answer a request: `Reply`, `NoReply` (answer later with `reply`), or `Stop`."""
        raise NotImplementedError(f"{type(self).__qualname__} defines no handle_call, got {request!r}")

    def handle_cast(self, request: Any, /) -> Any:
        """Take a request that wants no reply. None, `NoReply` or `Stop`."""
        raise NotImplementedError(f"{type(self).__qualname__} defines no handle_cast, got {request!r}")

    def handle_info(self, message: Any, /) -> Any:
        """Take any other message: `Down`, `Exit` of others than the parent, timers, plain values."""
        logger.warning("%s %s got an unexpected message: %r", type(self).__qualname__, self.pid, message)

    def handle_continue(self, continuation: Any, /) -> Any:
        """Do what a callback put off with ``continue_``, before any message. None, `NoReply` or `Stop`."""
        raise NotImplementedError(f"{type(self).__qualname__} defines no handle_continue")

    def terminate(self, reason: ExitReason, /) -> Any:
        """Clean up. Runs after `Stop`, a crash, `stop`, and the parent's exit if the process traps exits.

        It does not run when ``init`` failed, when an exit signal ends a process that does not trap exits, nor
        on kill. What it raises replaces the reason (rule G-13).
        """

    # What `sys` asks for.

    def code_change(self, old_version: Any, extra: Any, /) -> Any:
        """Convert the state to the code of this class, which has just been put in the place of ``old_version``'s.

        Runs while the process is suspended. Return None; if this raises or returns anything else, class and
        attributes are put back as they were, and whoever asked hears of it (rule Y-3).

        See: OTP ``gen_server:code_change/3``.
        """

    def format_status(self, status: Status, /) -> Status:
        """Make presentable what `sys.get_status` and the report of a crash show: leave out secrets, cut short.

        Return ``dataclasses.replace(status, state=...)``. If it raises, a note stands for the state (rule G-16).

        See: OTP ``gen_server:format_status/1``.
        """
        return status

    def system_get_state(self) -> Any:
        """The state as `sys.get_state` shows it: the attributes by name. Override it to show something else.

        See: OTP ``system_get_state/1``.
        """
        return snapshot(self, RUNTIMES_OWN)

    def system_replace_state(self, function: Callable[[Any], Any], /) -> Any:
        """Set the attributes to what ``function`` makes of them, all or none; the new state.

        Override it together with `system_get_state`. See: OTP ``system_replace_state/2``.
        """
        new = function(snapshot(self, RUNTIMES_OWN))
        replace(self, new, RUNTIMES_OWN)
        return new

    def system_checkpoint(self) -> Callable[[], None]:
        """What puts class and attributes back as they are now."""
        return checkpoint(self, RUNTIMES_OWN)
