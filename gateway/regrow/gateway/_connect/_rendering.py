"""Messages of a server as lines for a terminal. What it sends cannot move the cursor, change colours or add lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from regrow.gateway._operations._secrets import escaped

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["as_text", "event_line", "raw_line"]


def event_line(topic: str, event: str, payload: Any) -> str:
    """An event of a topic: what was said if somebody spoke, who came and went if that is what it tells."""
    match event, payload:
        case "new_msg", {"body": str() as body, **rest}:
            return escaped(f"[{topic}] {body}{f'  {as_text(rest)}' if rest else ''}")
        case "presence_state", dict():
            here = ", ".join(cast("Mapping[str, Any]", payload)) or "nobody"
            return escaped(f"[{topic}] here: {here}")
        case "presence_diff", {"joins": dict(), "leaves": dict()}:
            diff = cast("Mapping[str, Mapping[str, Any]]", payload)
            return escaped(f"[{topic}] {_moves(diff['joins'], diff['leaves'])}")
        case _:
            return escaped(f"[{topic}] {event} {as_text(payload)}")


def raw_line(message: str | bytes) -> str:
    """A message of a server that speaks a protocol of its own."""
    return escaped(message) if isinstance(message, str) else f"({len(message)} bytes) {message[:32].hex(' ')}"


def as_text(value: Any) -> str:
    """A value as JSON on one line."""
    return json.dumps(value, ensure_ascii=False)


def _moves(joins: Mapping[str, Any], leaves: Mapping[str, Any]) -> str:
    changed = joins.keys() & leaves.keys()
    moves = [f"+{key}" for key in joins if key not in changed]
    moves += [f"-{key}" for key in leaves if key not in changed]
    moves += [f"~{key}" for key in joins if key in changed]
    return " ".join(moves) or "nothing changed"
