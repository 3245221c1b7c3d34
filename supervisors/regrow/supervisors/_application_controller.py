"""The application controller: the process that knows which applications run, and ends the node with those it needs.

There is one on each node, started when it is first needed. It runs no code of any application and waits for nothing:
each application has a master that does, so an application that starts may ask about others. It is inline, so that
it can be started anywhere; what takes long comes back as a message.

See: OTP ``application_controller``.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, final

from regrow.actors import (
    KILL,
    NORMAL,
    SHUTDOWN,
    Exit,
    ExitReason,
    From,
    GenServer,
    NodeStoppedError,
    NoReply,
    Reply,
    SetTable,
    Stop,
    TableAccess,
    current_node,
    exit_signal,
    send,
    spawn_opt,
    start_inline,
    trap_exit,
    whereis,
)

from ._application_master import MasterEnded, MasterReady, StopMaster, serve_application
from ._application_report import ApplicationExited, ApplicationStarted, ApplicationStopped
from ._application_restart import ends_node
from ._application_standing import STANDINGS, Phase, Standing, is_of
from ._errors import (
    ApplicationAlreadyStartedError,
    ApplicationDeadlockError,
    ApplicationError,
    ApplicationExitedError,
    ApplicationNotStartedError,
    ApplicationStartError,
    BadApplicationError,
)
from ._report import publish

if TYPE_CHECKING:
    from regrow.actors import Pid

    from ._application import Application
    from ._application_restart import ApplicationRestart

__all__ = ["ENVIRONMENTS", "StartApplication", "StopApplication", "application_controller"]

CONTROLLER = "application_controller"
"""The name of the process."""

ENVIRONMENTS = "application_env"
"""The name of the table of environments, which everybody may write."""


@final
@dataclass(frozen=True, slots=True)
class StartApplication:
    """Start an application whose dependencies run."""

    application: type[Application]
    restart: ApplicationRestart


@final
@dataclass(frozen=True, slots=True)
class StopApplication:
    """Stop an application."""

    application: type[Application]


def application_controller() -> Pid:
    """The controller of this node, started if there is none.

    It becomes a child of `main`, whoever needs it first: when the node ends it must hear of it with the roots, to
    stop its applications in order.

    Raises:
        NodeStoppedError: the node starts no more processes.
        NotAProcessError: there is none, and the caller is not a process.
    """
    pid = whereis(CONTROLLER)
    if pid is None:
        pid = start_inline(ApplicationController(), linked=False, name=CONTROLLER)
        assert pid is not None
        current_node().adopt(pid)
    return pid


@final
class ApplicationController(GenServer):
    """The process that `application_controller` starts."""

    def init(self) -> None:
        trap_exit()
        SetTable[str, object](ENVIRONMENTS, access=TableAccess.PUBLIC, named=True)
        self._standings = SetTable[str, Standing](STANDINGS, named=True)
        self._names: dict[Pid, str] = {}
        """The application of each master that lives."""
        self._waiting: defaultdict[str, list[From]] = defaultdict(list)
        """Who waits until an application that starts, or stops, has."""
        self._behind: defaultdict[str, list[tuple[object, From]]] = defaultdict(list)
        """What was asked of an application while it stops, and comes after that."""
        self._numbers = count()
        self._is_leaving = False

    def handle_call(self, request: object, caller: From) -> Reply | NoReply:
        """Start or stop an application; errors are values, raised by the function that asked."""
        if self._is_leaving:
            return Reply(NodeStoppedError(f"{current_node()} stops its applications and starts no more"))
        try:
            return self._answer(request, caller)
        except ApplicationError as error:
            return Reply(error.with_traceback(None))

    def _answer(self, request: object, caller: From) -> Reply | NoReply:
        match request:
            case StartApplication(application, restart):
                return self._start(application, restart, caller)
            case StopApplication(application):
                return self._stop(application, caller)
            case _:
                raise NotImplementedError(f"the application controller does not know the request {request!r}")

    def _start(self, application: type[Application], restart: ApplicationRestart, caller: From) -> NoReply:
        name = application.name
        standing = self._standing_for(application, caller, "start")
        phase = None if standing is None else standing.phase
        if phase is Phase.RUNNING:
            raise ApplicationAlreadyStartedError(name)
        if phase is Phase.STOPPING:
            self._behind[name].append((StartApplication(application, restart), caller))
            return NoReply()
        if phase is not Phase.STARTING:
            self._check_needs(application)
            master = spawn_opt(serve_application, application, self.pid, link=True, trap_exit=True, label=name)
            self._names[master] = name
            self._standings.insert(name, Standing(application, restart, next(self._numbers), master))
        self._waiting[name].append(caller)
        return NoReply()

    def _stop(self, application: type[Application], caller: From) -> Reply | NoReply:
        name = application.name
        standing = self._standing_for(application, caller, "end")
        if standing is None or standing.phase is Phase.STARTING:
            raise ApplicationNotStartedError(name)
        match standing.phase:
            case Phase.RUNNING:
                self._move(standing, Phase.STOPPING)
                send(standing.master, StopMaster())
                self._waiting[name].append(caller)
            case Phase.STOPPING:
                self._behind[name].append((StopApplication(application), caller))
            case Phase.EXITED:
                self._standings.delete(name)
                return Reply(None)
        return NoReply()

    def _standing_for(self, application: type[Application], caller: From, deed: str) -> Standing | None:
        standing = self._standings.lookup(application.name)
        if standing is None:
            return None
        if _home(standing.application) != _home(application):
            raise BadApplicationError(
                application.__qualname__, "name", application.name, f"another than that of {standing.application}"
            )
        client = caller.client
        if client is not None and (
            client is standing.master or (standing.phase is Phase.STARTING and is_of(client, standing.master))
        ):
            raise ApplicationDeadlockError(application.name, deed)
        return standing

    def _check_needs(self, application: type[Application]) -> None:
        for needed in application.applications:
            standing = self._standings.lookup(needed.name)
            if standing is None or standing.phase is not Phase.RUNNING:
                raise ApplicationNotStartedError(needed.name, application.name)

    # What masters tell.

    def handle_cast(self, request: object) -> Stop | None:
        """Take a word of a master: it is ready, or about to end."""
        match request:
            case MasterReady(master, supervisor):
                self._ready(master, supervisor)
                return None
            case MasterEnded(master, reason):
                return self._ended(master, reason)
            case _:
                GenServer.handle_cast(self, request)
                return None

    def handle_info(self, message: object) -> Stop | None:
        """Take the exit of a master that could not tell, and that of `main`, which is the end of the node."""
        match message:
            case Exit(pid=pid, reason=reason) if pid in self._names:
                return self._ended(pid, reason)
            case Exit(pid=pid) if pid is current_node().main:
                self._is_leaving = True
                return self._leave()
            case Exit():
                pass
            case _:
                GenServer.handle_info(self, message)
        return None

    def _ready(self, master: Pid, supervisor: Pid) -> None:
        standing = self._standings[self._names[master]]
        self._standings.insert(standing.application.name, replace(standing, phase=Phase.RUNNING, supervisor=supervisor))
        publish(ApplicationStarted, standing.application.name)
        for caller in self._waiting.pop(standing.application.name, ()):
            caller.answer(None)

    def _ended(self, master: Pid, reason: ExitReason) -> Stop | None:
        name = self._names.pop(master, None)
        if name is None:  # it has told before, and now its exit signal comes
            return None
        standing = self._standings[name]
        match standing.phase:
            case Phase.STARTING:
                self._standings.delete(name)
                self._exited(standing, reason, ApplicationStartError(name, reason))
                self._answer_all(name, ApplicationStartError, reason)
            case Phase.STOPPING:
                self._standings.delete(name)
                publish(ApplicationStopped, name, standing.restart)
                self._answer_all(name)
            case _:
                self._move(standing, Phase.EXITED)
                self._exited(standing, reason, ApplicationExitedError(name, reason))
        return self._leave() if self._is_leaving else None

    def _exited(self, standing: Standing, reason: ExitReason, error: ApplicationError) -> None:
        name = standing.application.name
        if reason is NORMAL:
            publish(ApplicationStopped, name, standing.restart)
        else:
            publish(ApplicationExited, name, reason, standing.restart)
        if ends_node(standing.restart, reason) and not self._is_leaving:
            current_node().abort(error)

    def _answer_all(self, name: str, error: type[ApplicationStartError] | None = None, *reason: ExitReason) -> None:
        """Answer those who wait, each with an error of its own, and go on with what was asked meanwhile."""
        for caller in self._waiting.pop(name, ()):
            caller.answer(None if error is None else error(name, *reason))
        for request, caller in self._behind.pop(name, ()):
            outcome = self.handle_call(request, caller)
            if isinstance(outcome, Reply):
                caller.answer(outcome.value)

    def _move(self, standing: Standing, phase: Phase) -> None:
        self._standings.insert(standing.application.name, replace(standing, phase=phase))

    # The end of the node.

    def _leave(self) -> Stop | None:
        """Stop the application that was started last; its end leads here again.

        One that is starting cannot be asked, and is killed; its tree stops by itself.
        """
        standings = [self._standings[name] for name in self._names.values()]
        if not standings:
            return Stop(SHUTDOWN)
        last = max(standings, key=lambda standing: standing.number)
        match last.phase:
            case Phase.STARTING:
                exit_signal(last.master, KILL)
            case Phase.RUNNING:
                self._move(last, Phase.STOPPING)
                exit_signal(last.master, SHUTDOWN)
            case _:
                pass
        return None


def _home(application: type[Application]) -> tuple[str, str]:
    """What stays the same of a class when its module is reloaded."""
    return application.__module__, application.__qualname__
