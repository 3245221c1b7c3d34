"""Where lines go: messages to standard output, notes about the connection beside them or, for scripts, apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._conversation import Heard

__all__ = ["Screen"]


@final
class Screen:
    """Each message is a line of its own, and what a person is typing below it is the terminal's affair."""

    def __init__(self, out: Callable[[str], None], notes: Callable[[str], None], *, is_json: bool) -> None:
        self._out = out
        self._is_json = is_json
        self.note = notes
        """Say something about the connection."""

    def heard(self, message: str | bytes, heard: Heard) -> None:
        """Show a message as it came, one JSON array a line, or what it means."""
        if self._is_json and isinstance(message, str):
            self._out(message.replace("\n", " "))
            return
        for line in heard.lines:
            self._out(line)
