"""Exit reasons: why a process ended, as frozen values that keep nothing of the dead process alive.

::

    ExitReason
     ├── NORMAL, SHUTDOWN, KILL, KILLED, NOPROC, TIMEOUT, CALLING_SELF, BAD_START ...   (atoms)
     ├── Shutdown(detail)          an orderly stop that says why
     ├── Failure(detail)           an abnormal exit chosen by the process itself
     ├── BadReturn(callback, got)  a callback returned something outside its contract
     ├── CallFailed(reason, ...)   the process died of a call that failed
     ├── Runaway(budget, stack)    a callback did not return in time and was interrupted
     └── Crash(type, message, stack)

A reason is made at the boundary where a process dies. It holds no traceback and no frame, because a
traceback pins every local variable of the dead process for as long as a DOWN message lies in a mailbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast, final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = [
    "CALLING_SELF",
    "CRASHES",
    "KILL",
    "KILLED",
    "MAILBOX_FULL",
    "NOPROC",
    "NORMAL",
    "SHUTDOWN",
    "TIMEOUT",
    "BadReturn",
    "CallFailed",
    "Crash",
    "ExitProcess",
    "ExitReason",
    "Failure",
    "Frame",
    "Runaway",
    "Shutdown",
    "bad_return",
    "crash_of",
    "reason_of",
]


class ExitReason:
    """Why a process ended.

    Subclass it with a frozen dataclass for a reason of your own; it counts as abnormal unless
    `is_abnormal` says otherwise.
    """

    __slots__ = ()

    @property
    def is_abnormal(self) -> bool:
        """Whether a transient child is restarted for it and a report is logged: all but normal and shutdown.

        See: OTP ``supervisor`` restart type ``transient``.
        """
        return True


@final
class _Atom(ExitReason):
    """A reason that is nothing but its name; compared by identity."""

    __slots__ = ("_abnormal", "_name")

    def __init__(self, name: str, *, abnormal: bool) -> None:
        self._name = name
        self._abnormal = abnormal

    @property
    def is_abnormal(self) -> bool:
        return self._abnormal

    def __repr__(self) -> str:
        return self._name

    def __reduce__(self) -> str:
        return self._name


NORMAL = _Atom("NORMAL", abnormal=False)
"""The process finished its work. Links ignore it unless they trap exits."""

SHUTDOWN = _Atom("SHUTDOWN", abnormal=False)
"""The process was asked to stop by its supervisor. Linked processes that do not trap exits die of it."""

KILL = _Atom("KILL", abnormal=True)
"""Sent with `exit_signal`, it cannot be trapped; the target dies of `KILLED`."""

KILLED = _Atom("KILLED", abnormal=True)
"""The process was killed. Unlike `KILL` it can be trapped by the links it travels to."""

NOPROC = _Atom("NOPROC", abnormal=True)
"""There was no such process."""

TIMEOUT = _Atom("TIMEOUT", abnormal=True)
"""An answer did not come in time."""

MAILBOX_FULL = _Atom("MAILBOX_FULL", abnormal=True)
"""A bounded mailbox was full: why a call to the process failed, or the process died."""

CALLING_SELF = _Atom("CALLING_SELF", abnormal=True)
"""A process called itself, which can never be answered."""


@final
@dataclass(frozen=True, slots=True)
class Shutdown(ExitReason):
    """An orderly stop that says why: OTP's ``{shutdown, Detail}``."""

    detail: object

    @property
    def is_abnormal(self) -> bool:
        """False: a transient child that stops with it is not restarted."""
        return False


@final
@dataclass(frozen=True, slots=True)
class Failure(ExitReason):
    """An abnormal exit with a value of the process's own choosing: ``exit(Detail)``."""

    detail: object


@final
@dataclass(frozen=True, slots=True)
class BadReturn(ExitReason):
    """A callback returned something outside its contract: OTP's ``{bad_return_value, V}``."""

    callback: str
    """The callback's qualified name."""
    got: str
    """``repr`` of what it returned."""
    expected: str
    """The shapes it may return."""


@final
@dataclass(frozen=True, slots=True)
class CallFailed(ExitReason):
    """The process died of a call that failed: OTP's ``{Reason, {gen_server, call, Args}}``."""

    reason: ExitReason
    """Why the call failed: `NOPROC`, `TIMEOUT`, `CALLING_SELF`, or the exit reason of the callee."""
    callee: str
    """The process that was called, as text."""


@final
class Frame(NamedTuple):
    """One line of the stack of a crash."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.function}"


@final
@dataclass(frozen=True, slots=True)
class Crash(ExitReason):
    """An exception left a callback.

    The stack is kept as plain triples: formatting a traceback costs a hundred times more, and a crash must be
    cheap, because thousands come at once.
    """

    type: str
    """The exception's qualified class name."""
    message: str
    """``str`` of the exception."""
    stack: tuple[Frame, ...]
    """Outermost call first; at most `_DEEPEST` frames, the innermost ones."""

    def __str__(self) -> str:
        where = f" at {self.stack[-1]}" if self.stack else ""
        return f"{self.type}: {self.message}{where}"


@final
@dataclass(frozen=True, slots=True)
class Runaway(ExitReason):
    """A callback was about to overrun the node's budget without letting others run, and was interrupted.

    The process dies of it whatever its code does with the interruption.
    """

    budget: float
    """Seconds it had."""
    stack: tuple[Frame, ...]
    """Where it was when the budget ran out, outermost call first."""

    def __str__(self) -> str:
        where = f" at {self.stack[-1]}" if self.stack else ""
        return f"did not return within its budget of {self.budget} s{where}"


class ExitProcess(BaseException):
    """Raise it to end the running process with a reason; `regrow.actors.exit_` does.

    It unwinds the stack, running ``finally`` blocks (rule P-5). It is no `Exception`, so that a handler which
    catches those does not keep a process alive that has decided to leave.
    """

    def __init__(self, reason: ExitReason) -> None:
        super().__init__(reason)
        self.reason = reason


class ExitingError(Exception):
    """Base of the errors that say themselves which reason a process dies of when it does not catch them."""

    @property
    def exit_reason(self) -> ExitReason:
        """The reason a process exits with when this error leaves its callback."""
        raise NotImplementedError


CRASHES = (Exception, ExitProcess, BaseExceptionGroup)
"""What to catch where a process's code is called; `reason_of` lets go what belongs to the node instead."""

_DEEPEST = 32


def reason_of(error: BaseException) -> ExitReason:
    """Turn what left a process's code into its exit reason (rule P-4).

    A group with a single member, as an inner nursery makes it, counts as that member.

    Raises:
        BaseExceptionGroup: the error itself, if it holds what belongs to the node: cancellation, KeyboardInterrupt
            or SystemExit.
    """
    if isinstance(error, BaseExceptionGroup):
        return _reason_of_group(cast("BaseExceptionGroup[BaseException]", error))
    if isinstance(error, ExitProcess):
        return error.reason
    if isinstance(error, ExitingError):
        return error.exit_reason
    return crash_of(error)


def crash_of(error: BaseException) -> Crash:
    """The reason of whoever is ended by an exception of any kind, whatever it means elsewhere."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return Crash(name, _text_of(error), _stack_of(error.__traceback__))


def _reason_of_group(group: BaseExceptionGroup[BaseException]) -> ExitReason:
    if group.split((Exception, ExitProcess))[1] is not None:
        raise group
    if len(group.exceptions) == 1:
        return reason_of(group.exceptions[0])
    return crash_of(group)


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 - a __str__ that raises must not hide the crash it describes
        return f"<{type(broken).__name__} while reading the message>"


def bad_return(callback: Callable[..., object], got: object, expected: str) -> BadReturn:
    """The reason of a process whose callback returned ``got``."""
    try:
        text = repr(got)
    except Exception as broken:  # noqa: BLE001 - a __repr__ that raises must not hide the bad return it describes
        text = f"<{type(broken).__name__} while printing a {type(got).__qualname__}>"
    return BadReturn(getattr(callback, "__qualname__", repr(callback)), text, expected)


def _stack_of(traceback: TracebackType | None) -> tuple[Frame, ...]:
    frames: list[Frame] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(Frame(code.co_filename, traceback.tb_lineno, code.co_qualname))
        traceback = traceback.tb_next
    return tuple(frames[-_DEEPEST:])
