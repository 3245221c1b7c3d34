"""Log records as lines: text for people, JSON for machines. Neither lets a client forge a line or leak a secret."""

from __future__ import annotations

import json
import logging
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, final

from regrow.actors import Report

from ._secrets import escaped

if TYPE_CHECKING:
    from ._secrets import ParameterFilter

__all__ = ["EVENT", "FIELDS", "JsonFormatter", "TextFormatter"]

EVENT: Final = "regrow_event"
"""The attribute of a record that names what happened in one word."""

FIELDS: Final = "regrow_fields"
"""The attribute of a record that holds what is known of it, a dict."""

_REPORT = "regrow_report"
"""The attribute of a record that holds the report it is made of."""


@final
class TextFormatter(logging.Formatter):
    r"""``2026-01-31 12:00:00,123 INFO regrow.gateway.access: connection opened address=127.0.0.1 path=/echo``.

    What follows a line break is indented, so that no text in a record begins a line that looks like another record;
    other control characters are escaped.
    """

    def __init__(self, secrets: ParameterFilter) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """One record; indented lines behind the first belong to it."""
        known: dict[str, object] = getattr(record, FIELDS, {})
        text = " ".join((super().format(record), *(f"{name}={_word(value)}" for name, value in known.items())))
        first, *rest = (escaped(line) for line in self._secrets.text(text).split("\n"))
        return "\n".join((first, *(line if line.startswith(" ") else f"    {line}" for line in rest)))


@final
class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``time``, ``level``, ``logger``, ``message``, ``event`` and what else is known.

    ``time`` is ISO 8601 in UTC. An exception is a field of that name: its type, its text, and its traceback. What a
    record knows of itself never takes the place of these.
    """

    def __init__(self, secrets: ParameterFilter) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """One record as one line, whatever is in it."""
        report: object = getattr(record, _REPORT, None)
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "event": getattr(record, EVENT, None) or (_event(report) if isinstance(report, Report) else "log"),
        }
        if isinstance(report, Report) and is_dataclass(report):
            line |= {one.name: getattr(report, one.name) for one in fields(report) if one.name not in line}
            if "offender" in line:  # a spec holds arguments, and what those hold is nobody's business
                line["child"] = line.pop("offender").id
        line |= {name: value for name, value in getattr(record, FIELDS, {}).items() if name not in line}
        if record.exc_info is not None and record.exc_info[0] is not None:
            kind, error, _ = record.exc_info
            line["exception"] = {
                "type": kind.__qualname__,
                "message": str(error),
                "traceback": self.formatException(record.exc_info),
            }
        return json.dumps(self._filtered(line), default=str)

    def _filtered(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._secrets.text(value)
        if isinstance(value, dict):
            return {str(name): self._filtered(one) for name, one in value.items()}  # pyright: ignore
        if isinstance(value, int | float) or value is None:
            return value
        if isinstance(value, list | tuple | frozenset | set):
            return [self._filtered(one) for one in value]  # pyright: ignore
        return self._secrets.text(str(value))


def _event(report: Report) -> str:
    return report.label.replace(" ", "_")


def _word(value: object) -> str:
    text = str(value)
    return text if text and text.isprintable() and not set(text) & set(' "=') else json.dumps(text)
