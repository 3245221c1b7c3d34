"""Starting and stopping applications.

The functions wait as long as it takes. They raise `CannotWaitError` in an inline process, `NotAProcessError` outside
a process, and `NodeStoppedError` when the node is about to stop its applications. If one is cancelled, what it asked
for happens all the same.
"""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING

from regrow.actors import NodeStoppedError, call

from ._application import Application
from ._application_change import EnvChange
from ._application_controller import StartApplication, StopApplication, application_controller
from ._application_env import get_all_env, replace_env
from ._application_restart import ApplicationRestart
from ._application_standing import Phase, standing_of
from ._asking import ask
from ._errors import ApplicationAlreadyStartedError, ApplicationNotStartedError, BadOptionError, ConfigChangeError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


__all__ = ["change_config", "ensure_all_started", "start_application", "stop_application"]


async def start_application(
    application: type[Application], *, restart: ApplicationRestart = ApplicationRestart.TEMPORARY
) -> None:
    """Start an application and wait until it runs, its start phases done. Those it needs must run.

    ``restart`` says what happens when it ends by itself: with a permanent one the node ends, and
    `ApplicationExitedError` leaves `open_node`. If such a one does not start, `ApplicationStartError` does.

    Raises:
        ApplicationAlreadyStartedError: it runs.
        ApplicationDeadlockError: a process of the application asks, while that starts.
        ApplicationNotStartedError: one it needs does not run.
        ApplicationStartError: ``start`` or ``start_phase`` failed; nothing of it is left.
        BadApplicationError: another application of this name has been started.
        BadOptionError: ``application`` is no class of that kind, or ``restart`` no `ApplicationRestart`.

    See: OTP ``application:start/2``.
    """
    if not (isinstance(application, type) and issubclass(application, Application)):  # pyright: ignore[reportUnnecessaryIsInstance] - not all run a checker
        raise BadOptionError("application", application, "a subclass of Application")
    if not isinstance(restart, ApplicationRestart):  # pyright: ignore[reportUnnecessaryIsInstance] - the same
        raise BadOptionError("restart", restart, "an ApplicationRestart")
    await _ask(StartApplication(application, restart))


async def ensure_all_started(
    *applications: type[Application], restart: ApplicationRestart = ApplicationRestart.TEMPORARY
) -> list[type[Application]]:
    """Start applications, each after those it needs; those that were not running before, in order.

    If one fails, those that this has started are stopped again, last first.

    Raises:
        ApplicationStartError: one of them, or one they need, did not start; and what else `start_application` raises.

    See: OTP ``application:ensure_all_started/2``.
    """
    started: list[type[Application]] = []
    try:
        for application in applications:
            await _ensure_started(application, restart, started)
    except Exception:
        for application in reversed(started):
            with contextlib.suppress(ApplicationNotStartedError, NodeStoppedError):
                await stop_application(application)
        raise
    return started


async def _ensure_started(
    application: type[Application], restart: ApplicationRestart, started: list[type[Application]]
) -> None:
    for needed in application.applications:
        await _ensure_started(needed, restart, started)
    try:
        await start_application(application, restart=restart)
    except ApplicationAlreadyStartedError:
        return
    started.append(application)


async def stop_application(application: type[Application]) -> None:
    """Stop an application: ``prep_stop``, then the tree, then ``stop``. Never ends the node.

    Others may need it; nobody asks. One that has ended by itself is forgotten, so that a second stop is an error.

    Raises:
        ApplicationDeadlockError: a callback of the application asks.
        ApplicationNotStartedError: it does not run.

    See: OTP ``application:stop/1``.
    """
    await _ask(StopApplication(application))


async def change_config(application: type[Application], env: Mapping[str, Any]) -> None:
    """Give an application another environment: what its class says, changed by ``env``.

    If it runs and the environment differs from the one before, ``config_change`` is told, and waited for.

    Raises:
        CallError: the application ended meanwhile.
        ConfigChangeError: ``config_change`` raised. The environment is changed nevertheless.

    See: OTP ``application_controller:config_change/1``, part of a release upgrade.
    """
    after = {**application.env, **env}
    change = EnvChange.between(get_all_env(application), after)
    replace_env(application, after)
    standing = standing_of(application)
    if change and standing is not None and standing.phase is Phase.RUNNING:
        answer = await call(standing.master, change, timeout=math.inf)
        if isinstance(answer, ConfigChangeError):
            raise answer


async def _ask(request: StartApplication | StopApplication) -> None:
    answer = await ask(application_controller(), request)
    if isinstance(answer, NodeStoppedError):
        raise answer
