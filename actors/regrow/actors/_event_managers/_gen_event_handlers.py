"""The handlers of one event manager: adding, calling, swapping and removing them. See: OTP ``gen_event``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from regrow.actors._errors import HandlerFailedError, UnknownHandlerError
from regrow.actors._event_managers._gen_event_values import (
    MANAGER_STOPS,
    NO_HANDLER,
    REMOVE_HANDLER,
    HandlerCrashed,
    HandlerExit,
    HandlerId,
    HandlerReport,
    RemoveHandler,
    SwapHandler,
    Swapped,
)
from regrow.actors._processes._context import current
from regrow.actors._processes._exit import CRASHES, NORMAL, SHUTDOWN, ExitReason, bad_return, reason_of
from regrow.actors._processes._links import link
from regrow.actors._processes._send import send
from regrow.actors._servers._callbacks import resolved
from regrow.actors._servers._outcomes import HIBERNATE, UNSET, Fail, Reply, Stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors._event_managers._gen_event_handler import EventHandler
    from regrow.actors._processes._pid import Pid

__all__ = ["Handlers", "Installed"]


@final
class Installed:
    """One handler in its place."""

    __slots__ = ("handler", "id", "supervisor")

    handler: EventHandler
    id: Any
    """What tells it from others of its class; `UNSET` if it is named by its class alone."""
    supervisor: Pid | None
    """Who is told when it goes, and whose exit removes it."""

    def __init__(self, handler: EventHandler, id_: Any, supervisor: Pid | None) -> None:
        self.handler = handler
        self.id = id_
        self.supervisor = supervisor

    @property
    def name(self) -> HandlerId:
        """What it was added as."""
        kind = type(self.handler)
        return kind if self.id is UNSET else (kind, self.id)


@final
class Handlers:
    """The handlers of one manager, the newest first: the order in which they get an event."""

    __slots__ = ("hibernates", "installed")

    hibernates: bool
    """Whether a handler answered the last message with `HIBERNATE`."""

    def __init__(self) -> None:
        self.hibernates = False
        self.installed: list[Installed] = []

    async def add(self, name: HandlerId, args: tuple[Any, ...], supervisor: Pid | None) -> None:
        """Put a new handler before the others.

        Raises:
            HandlerFailedError: its ``init`` raised, or returned anything but None.
        """
        if supervisor is not None:
            link(supervisor)
        new = await self._initialised(name, args, supervisor)
        if not isinstance(new, Installed):
            raise HandlerFailedError(name, new)
        self.installed.insert(0, new)

    async def notify(self, callback: str, message: Any) -> None:
        """Give an event, or any other message, to every handler there is now."""
        for installed in list(self.installed):
            own = getattr(installed.handler, callback)
            await self._conclude(installed, own, *await _called(own, message))

    async def call(self, name: HandlerId, request: Any) -> Any:
        """What a handler replies.

        Raises:
            UnknownHandlerError: there is none of this name.
            HandlerFailedError: it raised, or returned no reply; it is removed.
        """
        installed = self._find(name)
        if installed is None:
            raise UnknownHandlerError(name)
        callback = installed.handler.handle_call
        outcome, reason = await _called(callback, request)
        reply: Any = UNSET
        if reason is None:
            reply = _reply_of(outcome)
            if reply is UNSET:
                reason = bad_return(callback, outcome, "Reply(value), or RemoveHandler or SwapHandler with a reply")
            outcome = outcome.timeout if type(outcome) is Reply else outcome
        await self._conclude(installed, callback, outcome, reason)
        if reason is not None:
            raise HandlerFailedError(name, reason)
        return reply

    async def delete(self, name: HandlerId, farewell: Any) -> Any:
        """Remove a handler; what its ``terminate`` returns.

        Raises:
            UnknownHandlerError: there is none of this name.
            HandlerFailedError: its ``terminate`` raised; it is removed all the same.
        """
        installed = self._find(name)
        if installed is None:
            raise UnknownHandlerError(name)
        self.installed.remove(installed)
        result, reason = await _called(installed.handler.terminate, farewell)
        _tell(installed.name, NORMAL, installed.supervisor)
        if reason is not None:
            raise HandlerFailedError(name, reason)
        return result

    async def swap(
        self, old: HandlerId, farewell: Any, new: HandlerId, args: tuple[Any, ...], supervisor: Pid | None
    ) -> None:
        """Remove a handler and add another, which may use what the old one leaves, and is supervised as it was.

        Raises:
            HandlerFailedError: ``init`` of the new one raised, or returned anything but None; the old one is gone.
        """
        left: Any = NO_HANDLER
        installed = self._find(old)
        if installed is not None:
            self.installed.remove(installed)
            supervisor = supervisor or installed.supervisor
            left = await _terminated(installed, farewell, Swapped(new, supervisor))
        await self.add(new, (*args, left), supervisor)

    async def supervisor_exited(self, pid: Pid, reason: ExitReason) -> None:
        """Remove the handlers that a process supervised which is dead."""
        for installed in [found for found in self.installed if found.supervisor is pid]:
            self.installed.remove(installed)
            await _terminated(installed, Stop(reason), SHUTDOWN)

    async def stop(self) -> None:
        """Remove all handlers: the manager terminates."""
        for installed in self.installed:
            await _terminated(installed, MANAGER_STOPS, SHUTDOWN)

    def _find(self, name: HandlerId) -> Installed | None:
        return next((installed for installed in self.installed if installed.name == name), None)

    async def _conclude(
        self, installed: Installed, callback: Callable[..., object], outcome: Any, reason: ExitReason | None
    ) -> None:
        """Do what a callback's outcome asks for: leave the handler, remove it, or put another in its place."""
        if reason is None and (outcome is None or outcome is HIBERNATE):
            self.hibernates = self.hibernates or outcome is HIBERNATE
            return
        place = self.installed.index(installed)
        if reason is None and type(outcome) is SwapHandler:
            left = await _terminated(installed, outcome.farewell, Swapped(outcome.handler, installed.supervisor))
            new = await self._initialised(outcome.handler, (*outcome.args, left), installed.supervisor)
            if isinstance(new, Installed):
                self.installed[place] = new
                return
            _failed(outcome.handler, new, installed.supervisor)
        elif reason is None and type(outcome) is RemoveHandler:
            await _terminated(installed, REMOVE_HANDLER, NORMAL)
        else:
            if reason is None:
                reason = bad_return(callback, outcome, "None, HIBERNATE, RemoveHandler or SwapHandler")
            await _called(installed.handler.terminate, HandlerCrashed(reason))
            _failed(installed.name, reason, installed.supervisor)
        del self.installed[place]

    async def _initialised(
        self, name: HandlerId, args: tuple[Any, ...], supervisor: Pid | None
    ) -> Installed | ExitReason:
        """Make a handler and run its ``init``; the reason not to add it if that fails."""
        kind, id_ = name if isinstance(name, tuple) else (name, UNSET)
        handler, reason = await _called(kind)
        if reason is not None:
            return reason
        handler.pid = current().pid
        outcome, reason = await _called(handler.init, *args)
        if reason is not None:
            return reason
        if outcome is None or outcome is HIBERNATE:
            self.hibernates = self.hibernates or outcome is HIBERNATE
            return Installed(handler, id_, supervisor)
        if isinstance(outcome, Fail | Stop):
            return outcome.reason
        return bad_return(handler.init, outcome, "None, HIBERNATE, Fail or Stop")


async def _called(callback: Callable[..., Any], *args: Any) -> tuple[Any, ExitReason | None]:
    """What a callback returned, or the reason it failed of: a handler's failure is not its manager's."""
    try:
        return await resolved(callback(*args)), None
    except CRASHES as error:
        return None, reason_of(error)


async def _terminated(installed: Installed, why: Any, reason: ExitReason) -> Any:
    """What ``terminate`` left, or what it failed of."""
    result, failure = await _called(installed.handler.terminate, why)
    _tell(installed.name, reason, installed.supervisor)
    return result if failure is None else failure


def _reply_of(outcome: Any) -> Any:
    if type(outcome) is Reply:
        fits = outcome.continue_ is UNSET and (outcome.timeout is None or outcome.timeout is HIBERNATE)
        return outcome.value if fits else UNSET
    return outcome.reply if type(outcome) in {RemoveHandler, SwapHandler} else UNSET


def _failed(name: HandlerId, reason: ExitReason, supervisor: Pid | None) -> None:
    process = current()
    process.node.reports.add(HandlerReport, process.pid, process.name, name, reason)
    _tell(name, reason, supervisor)


def _tell(name: HandlerId, reason: ExitReason, supervisor: Pid | None) -> None:
    if supervisor is not None:
        send(supervisor, HandlerExit(current().pid, name, reason))
