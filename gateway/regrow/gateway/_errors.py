"""Errors of running a gateway. Those of one request or one message are answered on the wire instead.

::

    GatewayError
     ├── UnknownGatewayError
     ├── SettingsError
     └── InvalidTokenError
          ├── MalformedTokenError
          ├── ForgedTokenError
          ├── ExpiredTokenError
          └── ForeignTokenError
"""

from __future__ import annotations

__all__ = [
    "AlreadyTrackedError",
    "BadAddressError",
    "ExpiredTokenError",
    "ForeignTokenError",
    "ForgedTokenError",
    "GatewayError",
    "HistoryBehindError",
    "HistoryFileError",
    "InvalidTokenError",
    "MalformedTokenError",
    "NotTrackedError",
    "SettingsError",
    "UnknownGatewayError",
]


class GatewayError(Exception):
    """Base of the errors of this package. Its text is one line that says what to do."""


class BadAddressError(GatewayError):
    """A text is no address to listen on."""


class AlreadyTrackedError(GatewayError):
    """The process is present in the topic under this key already. See: Phoenix.Tracker ``already_tracked``."""


class NotTrackedError(GatewayError):
    """The process is not present in the topic under this key. See: Phoenix.Tracker ``nottracked``."""


class UnknownGatewayError(GatewayError):
    """``MODULE:APP`` does not name a `Gateway`."""


class SettingsError(GatewayError):
    """A setting that does not exist, or a value it cannot have. The text names where it was given."""


class InvalidTokenError(GatewayError):
    """A token that proves nothing. Its text never repeats the token, nor anything in it.

    Raised out of `Handler.connect` it is answered with 401.
    """


class MalformedTokenError(InvalidTokenError):
    """It is no signed token, or it lacks a claim."""


class ForgedTokenError(InvalidTokenError):
    """None of our secrets has signed it in the way we sign."""


class ExpiredTokenError(InvalidTokenError):
    """It was good once, or is not good yet."""


class ForeignTokenError(InvalidTokenError):
    """It was signed for another audience, or by another issuer."""


class HistoryFileError(GatewayError):
    """The file that is to hold the history holds something else."""


class HistoryBehindError(GatewayError):
    """A message that must be stored before it is broadcast was refused: the store does not keep up, or has failed."""
