"""What must not be in a log: values of parameters whose names say that they are secret, and control characters.

See: Phoenix.Logger, ``:filter_parameters``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, final
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from regrow.gateway._http._request import Request

__all__ = ["FILTERED", "ParameterFilter", "printable"]

FILTERED: Final = "[FILTERED]"
"""What stands in the place of a secret."""

LONGEST: Final = 500
"""Characters of one text of a client in a log line."""

_PARAMETER: Final = re.compile(r"""(?<=[?&;])([^=&;?#\s"'<>]{1,200})=([^&;#\s"'<>]*)""")
"""One parameter of an URL inside any text."""


@final
class ParameterFilter:
    """Replaces the values of parameters whose names contain one of some words, whatever their case.

    So ``token`` stands for ``auth_token``, ``_csrf_token`` and ``user[token]`` too. Names are compared as the
    server decodes them: ``%74oken`` is one as well.
    """

    __slots__ = ("_words",)

    def __init__(self, words: Iterable[str]) -> None:
        self._words = tuple(word.lower() for word in words)

    def is_secret(self, name: str) -> bool:
        """Whether the value of a parameter with this name is to be replaced."""
        name = name.lower()
        return any(word in name for word in self._words)

    def params(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters for a log, also those inside of others; the ones given stay as they are."""
        return {name: FILTERED if self.is_secret(name) else self._value(value) for name, value in params.items()}

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self.params(value)  # pyright: ignore[reportUnknownArgumentType]
        if isinstance(value, list):
            return [self._value(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
        return value

    def text(self, text: str) -> str:
        """A text with the URLs in it filtered: ``GET /socket?token=[FILTERED]&vsn=2.0.0``."""
        return _PARAMETER.sub(self._replaced, text) if "=" in text else text

    def target(self, request: Request) -> str:
        """Path and query of a request, filtered, printable and cut short."""
        query = f"?{request.query}" if request.query else ""
        return printable(self.text(f"{request.path}{query}"))

    def _replaced(self, parameter: re.Match[str]) -> str:
        name = parameter[1]
        return f"{name}={FILTERED}" if self.is_secret(unquote_plus(name)) else parameter[0]


def printable(text: str) -> str:
    r"""A client's text for one log line: line breaks, escapes, bidi marks and the like as ``\n``, ``\x1b``, ``\u202e``.

    Cut short at `LONGEST` characters.
    """
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}..."
    return text if text.isprintable() else escaped(text)


def escaped(text: str) -> str:
    """The text with every character escaped that does not print."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
