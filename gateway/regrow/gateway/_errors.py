"""Errors of running a gateway. Those of one request or one message are answered on the wire instead."""

from __future__ import annotations

__all__ = ["AlreadyTrackedError", "GatewayError", "NotTrackedError", "UnknownGatewayError"]


class GatewayError(Exception):
    """Base of the errors of this package. Its text is one line that says what to do."""


class AlreadyTrackedError(GatewayError):
    """The process is present in the topic under this key already. See: Phoenix.Tracker ``already_tracked``."""


class NotTrackedError(GatewayError):
    """The process is not present in the topic under this key. See: Phoenix.Tracker ``nottracked``."""


class UnknownGatewayError(GatewayError):
    """``MODULE:APP`` does not name a `Gateway`."""
