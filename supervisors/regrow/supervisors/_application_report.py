"""What the application controller and its masters tell the log, as values."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from regrow.actors import Report

if TYPE_CHECKING:
    from regrow.actors import ExitReason

    from ._application_restart import ApplicationRestart

__all__ = ["ApplicationCallbackFailed", "ApplicationExited", "ApplicationStarted", "ApplicationStopped"]


@final
@dataclass(frozen=True, slots=True)
class ApplicationStarted(Report):
    """An application runs. See: OTP ``{application_controller, progress}``."""

    application: str
    label = "application_started"
    level = logging.INFO

    def __str__(self) -> str:
        return f"application {self.application} started"


@final
@dataclass(frozen=True, slots=True)
class ApplicationStopped(Report):
    """An application was stopped on request, or ended with `NORMAL`. See: OTP ``{exited, stopped}``."""

    application: str
    restart: ApplicationRestart
    label = "application_stopped"
    level = logging.INFO

    def __str__(self) -> str:
        return f"application {self.application} ({self.restart}) stopped"


@final
@dataclass(frozen=True, slots=True)
class ApplicationExited(Report):
    """An application ended by itself, or failed to start. See: OTP ``{application_controller, exit}``."""

    application: str
    exited: ExitReason
    restart: ApplicationRestart
    label = "application_exited"

    def __str__(self) -> str:
        return f"application {self.application} ({self.restart}) exited: {self.exited}"


@final
@dataclass(frozen=True, slots=True)
class ApplicationCallbackFailed(Report):
    """A callback failed while an application stopped, which goes on. See: OTP ``{application_master, shutdown_error}``.

    OTP does not tell of a ``stop/1`` that fails.
    """

    application: str
    callback: str
    """``prep_stop`` or ``stop``."""
    reason: ExitReason
    label = "application_callback_failed"

    def __str__(self) -> str:
        return f"application {self.application}: {self.callback} failed: {self.reason}"
