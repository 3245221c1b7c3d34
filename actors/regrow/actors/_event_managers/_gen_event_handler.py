"""The callbacks of an event handler, with what they do unless they are overridden."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from regrow.actors._servers._server_state import snapshot

if TYPE_CHECKING:
    from regrow.actors._processes._pid import Pid
    from regrow.actors._system._system_status import Status

__all__ = ["RUNTIMES_OWN", "EventHandler"]

RUNTIMES_OWN = frozenset(("pid",))
"""Attributes of a handler that are not its state."""

logger = logging.getLogger("regrow")


class EventHandler:
    """Subclass it and define the callbacks; instance attributes are the state. It runs in its manager's process.

    Each callback may be a plain function or ``async def``; while one waits, so does the manager. One that raises, or
    returns something outside its contract, is removed after ``terminate(HandlerCrashed(reason))``; the manager and
    its other handlers go on.

    See: OTP ``gen_event``, *Callback Functions*.
    """

    pid: Pid
    """The manager. Set before ``init`` runs."""

    def init(self, *args: Any, **kwargs: Any) -> Any:
        """Set up the state from the arguments of `add_handler`; after a swap the last one is what the old left.

        None or `HIBERNATE`; `Fail` or `Stop` not to be added. The signature is the widest there is, so that an
        override may name its own parameters.
        """

    def handle_event(self, event: Any, /) -> Any:
        """Take an event of `notify` or `sync_notify`. None, `HIBERNATE`, `RemoveHandler` or `SwapHandler`."""
        raise NotImplementedError(f"{type(self).__qualname__} defines no handle_event, got {event!r}")

    def handle_call(self, request: Any, /) -> Any:
        """Answer a request of `call_handler`: `Reply`, or `RemoveHandler` or `SwapHandler` with a reply."""
        raise NotImplementedError(f"{type(self).__qualname__} defines no handle_call, got {request!r}")

    def handle_info(self, message: Any, /) -> Any:
        """Take any other message: `Down`, `Exit` of others than the parent, plain values. As `handle_event`."""
        logger.warning("%s in %s got an unexpected message: %r", type(self).__qualname__, self.pid, message)

    def terminate(self, why: Any, /) -> Any:
        """Clean up. What it returns goes to `delete_handler`, or to the ``init`` of what is swapped in.

        ``why`` is what `delete_handler`, `swap_handler` or `SwapHandler` says, or `REMOVE_HANDLER`,
        `MANAGER_STOPS`, `HandlerCrashed`, or ``Stop(reason)`` when the process it is supervised by exits.
        """

    def code_change(self, old_version: Any, extra: Any, /) -> Any:
        """Convert the state to the code of this class. Return None.

        See: OTP ``gen_event`` callback ``code_change/3``, and `GenServer.code_change`.
        """

    def format_status(self, status: Status, /) -> Status:
        """Make presentable what `sys.get_status` shows of this handler. See: `GenServer.format_status`."""
        return status

    def system_get_state(self) -> Any:
        """The state as `sys.get_state` shows it: the attributes by name."""
        return snapshot(self, RUNTIMES_OWN)
