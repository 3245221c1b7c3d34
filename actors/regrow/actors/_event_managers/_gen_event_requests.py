"""What can be asked of an event manager. See: OTP ``gen_event``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, final

from regrow.actors._event_managers._gen_event_handler import EventHandler
from regrow.actors._processes._send import send
from regrow.actors._servers._call import ask, waiting_process

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from regrow.actors._errors import ActorError
    from regrow.actors._event_managers._gen_event_handlers import Handlers
    from regrow.actors._event_managers._gen_event_values import HandlerId
    from regrow.actors._processes._pid import Pid
    from regrow.actors._processes._send import Destination
    from regrow.actors._servers._call import From

__all__ = [
    "Failed",
    "ManagerRequest",
    "Notification",
    "add_handler",
    "add_sup_handler",
    "call_handler",
    "delete_handler",
    "notify",
    "swap_handler",
    "swap_sup_handler",
    "sync_notify",
    "which_handlers",
]


# What lies in the manager's mailbox.


@final
@dataclass(frozen=True, slots=True)
class Notification:
    """An event."""

    event: Any


class Request(Protocol):
    """What is asked."""

    async def perform(self, handlers: Handlers, /) -> Any:
        """Do it, inside the manager; what it raises is raised where it was asked."""


@final
@dataclass(frozen=True, slots=True)
class ManagerRequest:
    """A request, and whom to answer."""

    request: Request
    caller: From


@final
@dataclass(frozen=True, slots=True)
class Failed:
    """The answer to a request that is to be raised where it was asked."""

    error: ActorError


@final
@dataclass(frozen=True, slots=True)
class _Add:
    handler: HandlerId
    args: tuple[Any, ...]
    supervisor: Pid | None

    async def perform(self, handlers: Handlers, /) -> None:
        await handlers.add(self.handler, self.args, self.supervisor)


@final
@dataclass(frozen=True, slots=True)
class _Delete:
    handler: HandlerId
    farewell: Any

    async def perform(self, handlers: Handlers, /) -> Any:
        return await handlers.delete(self.handler, self.farewell)


@final
@dataclass(frozen=True, slots=True)
class _Swap:
    old: HandlerId
    farewell: Any
    new: HandlerId
    args: tuple[Any, ...]
    supervisor: Pid | None

    async def perform(self, handlers: Handlers, /) -> None:
        await handlers.swap(self.old, self.farewell, self.new, self.args, self.supervisor)


@final
@dataclass(frozen=True, slots=True)
class _Notify:
    event: Any

    async def perform(self, handlers: Handlers, /) -> None:
        await handlers.notify("handle_event", self.event)


@final
@dataclass(frozen=True, slots=True)
class _CallHandler:
    handler: HandlerId
    request: Any

    async def perform(self, handlers: Handlers, /) -> Any:
        return await handlers.call(self.handler, self.request)


@final
@dataclass(frozen=True, slots=True)
class _Which:
    async def perform(self, handlers: Handlers, /) -> list[HandlerId]:
        return [installed.name for installed in handlers.installed]


# What others call. All but `notify` wait for the manager.


def add_handler(manager: Destination, handler: HandlerId, *args: Any) -> Awaitable[None]:
    """Add a handler, before those that are there, and wait until its ``init(*args)`` has run in the manager.

    A second one of the same name may be added; the others then reach the newest.

    Raises:
        HandlerFailedError: ``init`` raised, or returned anything but None; it is not added.
        TypeError: the handler is neither an `EventHandler` class nor one and an id.
        CallError: there is no manager, or it died meanwhile.
        CannotWaitError: the running process is inline. Raised at the call, not at the await.

    See: OTP ``gen_event:add_handler/3``.
    """
    return _asked(manager, _Add(_checked(handler), args, None))


def add_sup_handler(manager: Destination, handler: HandlerId, *args: Any) -> Awaitable[None]:
    """Like `add_handler`, and link manager and caller: the handler is removed when the caller exits.

    When the handler goes for another reason the caller gets a `HandlerExit`.

    See: OTP ``gen_event:add_sup_handler/3``.
    """
    return _asked(manager, _Add(_checked(handler), args, waiting_process().pid))


def delete_handler(manager: Destination, handler: HandlerId, farewell: Any = None) -> Awaitable[Any]:
    """Remove a handler and return what its ``terminate(farewell)`` returned.

    Raises:
        UnknownHandlerError: there is none of this name.
        HandlerFailedError: ``terminate`` raised; the handler is removed all the same.
        CallError: there is no manager, or it died meanwhile.
        CannotWaitError: the running process is inline. Raised at the call, not at the await.

    See: OTP ``gen_event:delete_handler/3``.
    """
    return _asked(manager, _Delete(handler, farewell))


def swap_handler(
    manager: Destination, old: HandlerId, new: HandlerId, *args: Any, farewell: Any = None
) -> Awaitable[None]:
    """Remove a handler and add another that may take over what it leaves.

    The new one gets ``init(*args, left)``, where ``left`` is what ``terminate(farewell)`` of the old one returned,
    or `NO_HANDLER` if there was none: the new one is added all the same. It is supervised by whom the old one was.

    Raises:
        HandlerFailedError: ``init`` raised, or returned anything but None; the old one is gone.
        CallError: there is no manager, or it died meanwhile.
        CannotWaitError: the running process is inline. Raised at the call, not at the await.

    See: OTP ``gen_event:swap_handler/3``.
    """
    return _asked(manager, _Swap(old, farewell, _checked(new), args, None))


def swap_sup_handler(
    manager: Destination, old: HandlerId, new: HandlerId, *args: Any, farewell: Any = None
) -> Awaitable[None]:
    """Like `swap_handler`; the new one is supervised by the caller. See: OTP ``gen_event:swap_sup_handler/3``."""
    return _asked(manager, _Swap(old, farewell, _checked(new), args, waiting_process().pid))


def notify(manager: Destination, event: Any) -> None:
    """Give an event to every handler. Does not wait; a dead pid is no error.

    Raises:
        UnknownNameError: ``manager`` is a name nobody holds.

    See: OTP ``gen_event:notify/2``.
    """
    send(manager, Notification(event))


def sync_notify(manager: Destination, event: Any) -> Awaitable[None]:
    """Give an event to every handler and wait until all have handled it.

    Raises:
        CallError: there is no manager, or it died meanwhile.
        CannotWaitError: the running process is inline. Raised at the call, not at the await.

    See: OTP ``gen_event:sync_notify/2``.
    """
    return _asked(manager, _Notify(event))


def call_handler(manager: Destination, handler: HandlerId, request: Any, *, timeout: float = 5.0) -> Awaitable[Any]:
    """Send a request to one handler and wait for its reply, at most ``timeout`` seconds.

    Raises:
        UnknownHandlerError: there is none of this name.
        HandlerFailedError: it raised, or returned no reply; it is removed.
        CallError: there is no manager, it died meanwhile, or took too long.
        CannotWaitError: the running process is inline. Raised at the call, not at the await.

    See: OTP ``gen_event:call/4``.
    """
    return _asked(manager, _CallHandler(handler, request), timeout)


def which_handlers(manager: Destination) -> Awaitable[list[HandlerId]]:
    """The names of all handlers, the newest first.

    Raises:
        CallError: there is no manager, or it died meanwhile.
        CannotWaitError: the running process is inline. Raised at the call, not at the await.

    See: OTP ``gen_event:which_handlers/1``.
    """
    return _asked(manager, _Which())


def _checked(handler: Any) -> Any:
    match handler:
        case type() as kind if issubclass(kind, EventHandler):
            return handler
        case (type() as kind, _) if issubclass(kind, EventHandler):
            return handler
        case _:
            raise TypeError(f"a handler is a subclass of EventHandler, or (class, id), got {handler!r}")


def _asked(manager: Destination, request: Request, timeout: float = math.inf) -> Awaitable[Any]:
    return _answered(ask(manager, _envelope, request, timeout))


def _envelope(request: Any, caller: From) -> ManagerRequest:
    return ManagerRequest(request, caller)


async def _answered(reply: Awaitable[Any]) -> Any:
    answer = await reply
    if type(answer) is Failed:
        raise answer.error
    return answer
