"""Where the log of a gateway that is served as a program goes: standard error, in one of two formats."""

from __future__ import annotations

import enum
import logging
from typing import TYPE_CHECKING, Final, final

from ._formatters import JsonFormatter, TextFormatter
from ._secrets import ParameterFilter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["LogFormat", "LogLevel", "configure_logging"]


@final
class LogFormat(enum.StrEnum):
    """How a log line looks."""

    TEXT = "text"
    JSON = "json"


@final
class LogLevel(enum.StrEnum):
    """The least important records that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_FORMATTERS: Final[Mapping[LogFormat, type[TextFormatter | JsonFormatter]]] = {
    LogFormat.TEXT: TextFormatter,
    LogFormat.JSON: JsonFormatter,
}


def configure_logging(form: LogFormat, level: LogLevel, filter_parameters: Iterable[str]) -> None:
    """Have the root logger write to standard error, in place of where it has written.

    ``filter_parameters`` are words as in `Settings.filter_parameters`.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_FORMATTERS[form](ParameterFilter(filter_parameters)))
    logging.basicConfig(level=level.name, handlers=[handler], force=True)
