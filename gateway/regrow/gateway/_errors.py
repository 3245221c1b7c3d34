"""Errors of running a gateway. Those of one request or one message are answered on the wire instead."""

from __future__ import annotations

__all__ = ["GatewayError", "UnknownGatewayError"]


class GatewayError(Exception):
    """Base of the errors of this package. Its text is one line that says what to do."""


class UnknownGatewayError(GatewayError):
    """``MODULE:APP`` does not name a `Gateway`."""
