"""GenEvent: a process that passes events on to handlers that come and go.

It is always a task, so that any handler may be added to it, whether its callbacks wait or not.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from regrow.actors._errors import ActorError
from regrow.actors._event_managers._gen_event_handler import RUNTIMES_OWN
from regrow.actors._event_managers._gen_event_handlers import Handlers
from regrow.actors._event_managers._gen_event_requests import Failed, ManagerRequest, Notification
from regrow.actors._processes._context import current
from regrow.actors._processes._exit import CRASHES, ExitProcess
from regrow.actors._processes._links import trap_exit, unlink
from regrow.actors._processes._signals import Exit
from regrow.actors._processes._start import start_task
from regrow.actors._processes._task import TaskProcess
from regrow.actors._servers._call import StopRequest
from regrow.actors._servers._callbacks import resolved
from regrow.actors._servers._server_state import become, checkpoint, replace
from regrow.actors._system._system import serve_system_message, start_debugging
from regrow.actors._system._system_events import In
from regrow.actors._system._system_messages import SystemMessage
from regrow.actors._system._system_status import Status, presented

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NoReturn

    from regrow.actors._processes._exit import ExitReason
    from regrow.actors._processes._names import Name
    from regrow.actors._processes._pid import Pid
    from regrow.actors._processes._start import Ack
    from regrow.actors._system._system_events import Debugging, Event, Option

__all__ = ["GenEvent"]


class GenEvent:
    """An event manager: what it does with an event is up to the handlers that are added to it.

    ::

        class Audit(EventHandler):
            def init(self, path):
                self.path = path

            def handle_event(self, event):
                ...

        manager = await GenEvent.start_link(name="events")
        await add_handler("events", Audit, "audit.log")
        notify("events", "something happened")

    Every handler gets every event, the newest handler first. A handler that fails is removed; the manager and the
    others go on. The manager traps exits. `stop` stops it: then ``terminate(MANAGER_STOPS)`` runs for each handler.

    Subclass it only to give a manager a name of its own in reports.

    See: OTP ``gen_event``.
    """

    pid: Pid
    """This process."""
    _debugging: Debugging | None = None
    _parent: Pid | None = None

    def __init__(self) -> None:
        self._handlers = Handlers()

    @classmethod
    async def start_link(cls, *, name: Name | None = None, debug: Iterable[Option] = ()) -> Pid:
        """Start a linked manager, without handlers.

        ``debug`` lists what is done with its events from the first on: `sys.Trace`, `sys.Log` and so on.

        Raises:
            AlreadyStartedError: the name is held by a living process.

        See: OTP ``gen_event:start_link/1``.
        """
        manager = cls()
        manager._parent = current().pid
        start_debugging(manager, debug)
        pid = await start_task(manager, linked=True, name=name)
        assert pid is not None
        return pid

    @classmethod
    async def start(cls, *, name: Name | None = None, debug: Iterable[Option] = ()) -> Pid:
        """Like `start_link`, without the link: nobody is its parent. See: OTP ``gen_event:start/1``."""
        manager = cls()
        start_debugging(manager, debug)
        pid = await start_task(manager, linked=False, name=name)
        assert pid is not None
        return pid

    @property
    def is_hibernating(self) -> bool:
        """Whether a handler answered the last message with `HIBERNATE`."""
        return self._handlers.hibernates

    async def live(self, ack: Ack, _args: tuple[Any, ...]) -> None:
        """Serve. Called by the start protocol."""
        trap_exit()
        ack.ready()
        process = current()
        assert isinstance(process, TaskProcess)
        while True:
            await self._take(await process.wait())

    async def _take(self, message: Any) -> None:
        kind = message.__class__
        handlers = self._handlers
        if kind is not SystemMessage:
            handlers.hibernates = False
        if kind is Notification:
            await handlers.notify("handle_event", message.event)
        elif kind is ManagerRequest:
            try:
                answer = await message.request.perform(handlers)
            except ActorError as error:  # of the request; what handlers raise stays with them
                answer = Failed(error.with_traceback(None))
            message.caller.answer(answer)
        elif kind is StopRequest or (kind is Exit and message.pid is self._parent):
            await self._terminate(message.reason)
        elif kind is SystemMessage:
            reason = await serve_system_message(self, message)
            if reason is not None:
                await self._terminate(reason)
        else:
            if kind is Exit:
                await handlers.supervisor_exited(message.pid, message.reason)
            await handlers.notify("handle_info", message)

    async def _terminate(self, reason: ExitReason) -> NoReturn:
        await self._handlers.stop()
        for installed in self._handlers.installed:  # its end is no failure of those who supervise handlers
            if installed.supervisor is not None and installed.supervisor is not self._parent:
                unlink(installed.supervisor)
        raise ExitProcess(reason)

    # System messages: see `_system.Special`.

    def system_get_state(self) -> list[tuple[Any, dict[str, Any]]]:
        """The name of each handler and its attributes. See: OTP ``system_get_state/1`` of ``gen_event``."""
        return [(found.name, found.handler.system_get_state()) for found in self._handlers.installed]

    def system_replace_state(self, function: Callable[[Any], Any], /) -> list[tuple[Any, Any]]:
        """Give each handler the attributes that ``function`` makes of its name and attributes.

        A handler that it fails for, or whose name it changes, stays as it is, as in OTP.
        """
        for (name, state), installed in zip(self.system_get_state(), self._handlers.installed, strict=True):
            try:
                new_name, new_state = function((name, state))
                if new_name == name:
                    replace(installed.handler, new_state, RUNTIMES_OWN)
            except CRASHES:
                continue
        return self.system_get_state()

    async def system_code_change(self, actor: type | None, old_version: Any, extra: Any, /) -> Any:
        """Have the handlers of a class become ``actor``, of the same module and name; None is for all as they are.

        See: OTP ``system_code_change/4`` of ``gen_event``, whose module is that of the handlers.
        """
        for installed in self._handlers.installed:
            handler = installed.handler
            if actor is not None:
                if not _is_version_of(type(handler), actor):
                    continue
                become(handler, actor)
            outcome = await resolved(handler.code_change(old_version, extra))
            if outcome is not None:
                return outcome
        return None

    def system_checkpoint(self) -> Callable[[], None]:
        """What puts classes and attributes of all handlers back as they are now."""
        restores = [checkpoint(installed.handler, RUNTIMES_OWN) for installed in self._handlers.installed]

        def restore() -> None:
            for put_back in restores:
                put_back()

        return restore

    def system_continue(self) -> None:
        """Nothing was put off."""

    def system_observe(self, tell: Callable[[Event], None] | None, /) -> None:
        """Tell each message taken: by another `_take`, for this one manager."""
        if tell is None:
            del vars(self)["_take"]
        else:
            vars(self)["_take"] = partial(self._take_telling, tell)

    async def _take_telling(self, tell: Callable[[Event], None], message: Any) -> None:
        if type(message) not in {SystemMessage, StopRequest}:
            tell(In(message))
        await type(self)._take(self, message)

    def format_status(self, status: Status, /) -> Status:
        """Have each handler format its own state."""
        states = [(found.name, presented(found.handler).state) for found in self._handlers.installed]
        return Status(states, status.message, status.reason, status.log)


def _is_version_of(kind: type, actor: type) -> bool:
    return (kind.__module__, kind.__qualname__) == (actor.__module__, actor.__qualname__)
