"""Exit reasons on both sides: which one here is which one there, and how either is written in an answer.

``reasons.erl`` writes the same text. What only the BEAM has is left out on both sides: the stack of an error and the
arguments of a call.
"""

from __future__ import annotations

from typing import Final

from regrow.actors import (
    CALLING_SELF,
    KILL,
    KILLED,
    NOPROC,
    NORMAL,
    SHUTDOWN,
    TIMEOUT,
    BadReturn,
    CallFailed,
    Crash,
    ExitReason,
    Failure,
    Shutdown,
)
from regrow.supervisors import FailedToStart

__all__ = ["REASONS", "text"]

REASONS: Final[dict[str, ExitReason]] = {
    "normal": NORMAL,
    "shutdown": SHUTDOWN,
    "{shutdown,x}": Shutdown("x"),
    "broken": Failure("broken"),
    "odd": Failure("odd"),
    "kill": KILL,
    "killed": KILLED,
    "noproc": NOPROC,
    "timeout": TIMEOUT,
    "calling_self": CALLING_SELF,
}
"""Those that scenarios use, under their Erlang terms. ``{shutdown,x}`` is written ``shutdown(x)`` in answers."""

_ERRORS: Final[dict[str, str]] = {"ZeroDivisionError": "badarith"}
"""Exceptions and the errors that stand for them."""

_ATOMS: Final = {reason: term for term, reason in REASONS.items()}


def text(reason: ExitReason) -> str:
    """An exit reason as an answer writes it."""
    atom = _ATOMS.get(reason)
    if atom is not None and not isinstance(reason, Shutdown):
        return atom
    match reason:
        case Shutdown(FailedToStart(child, why)):
            return f"failed_to_start({child},{text(why)})"
        case Shutdown(detail):
            return f"shutdown({detail})"
        case BadReturn():
            return "bad_return"
        case CallFailed(why):
            return f"call_failed({text(why)})"
        case Crash(error):
            return f"error({_ERRORS.get(error, error)})"
        case _:
            return repr(reason)
