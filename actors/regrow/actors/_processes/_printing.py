"""Values as text, for reports: never an error, never longer than a line or two."""

from __future__ import annotations

import reprlib

__all__ = ["LONGEST", "printed"]

LONGEST = 1000
"""Characters of the text of one value."""

_repr = reprlib.Repr()
_repr.maxlevel = 4
_repr.maxdict = _repr.maxlist = _repr.maxtuple = _repr.maxset = _repr.maxfrozenset = _repr.maxdeque = 20
_repr.maxstring = _repr.maxother = _repr.maxlong = 200


def printed(value: object) -> str:
    """The ``repr`` of a value, cut short; a note if it cannot be printed."""
    try:
        text = _repr.repr(value)
    except Exception as broken:  # noqa: BLE001 - a __repr__ that raises must not hide what is being reported
        return f"<{type(broken).__name__} while printing a {type(value).__qualname__}>"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
