"""Labels and ancestors: what tells people which of many like processes this one is, and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from regrow.actors._processes._context import current

if TYPE_CHECKING:
    from regrow.actors._processes._pid import Pid
    from regrow.actors._processes._process import Process

__all__ = ["ancestors", "get_label", "initial_call", "put_label", "set_label"]

LONGEST = 200
"""Characters of a label that reports print."""


@final
class _Label:
    """A label, held by its process like anything else that is freed with it: who has none pays nothing."""

    __slots__ = ("initial_call", "value")

    def __init__(self, value: object, initial_call: str) -> None:
        self.value = value
        self.initial_call = initial_call

    def holder_died(self, _pid: Pid, /) -> None:
        """Nothing is left to free."""


def set_label(label: object) -> None:
    """Say what the running process is for, in any value that prints: `process_info` and reports show it.

    It replaces the label there was; None removes it.

    Raises:
        NotAProcessError: the caller is not a process.

    See: OTP ``proc_lib:set_label/1`` (rule R-5).
    """
    put_label(current(), label)


def get_label(pid: Pid) -> Any:
    """The label of a process; None if it has none, or is dead. See: OTP ``proc_lib:get_label/1`` (rule R-5)."""
    process = pid.process
    held = None if process is None else _label_of(process)
    return None if held is None else held.value


def ancestors(pid: Pid) -> tuple[Pid | str, ...]:
    """Who started a process, who started that one, and so on, the nearest first; by name where they have one.

    The row ends with `main`, or with an ancestor that is dead: nothing is kept of the dead, and a process costs no
    memory for it. Empty for a dead pid.

    See: the ``$ancestors`` of OTP's ``proc_lib``, which are a copy made at the start (rule R-5).
    """
    row: list[Pid | str] = []
    process = pid.process
    while process is not None and process.parent is not None:
        parent = process.parent
        process = parent.process
        row.append(parent if process is None or process.name is None else process.name)
    return tuple(row)


def put_label(process: Process, label: object) -> None:
    """Label a process, or take its label away."""
    held = _label_of(process)
    if held is not None:
        process.let_go(held)
        process.label = held.initial_call
    if label is not None:
        held = _Label(label, process.label)
        process.hold(held)
        process.label = f"{process.label} {_text_of(label)}"


def initial_call(process: Process) -> str:
    """The function or class a process was started with, whatever its label."""
    held = _label_of(process)
    return process.label if held is None else held.initial_call


def _label_of(process: Process) -> _Label | None:
    for holding in process.holdings or ():
        if isinstance(holding, _Label):
            return holding
    return None


def _text_of(label: object) -> str:
    try:
        return repr(label)[:LONGEST]
    except Exception as broken:  # noqa: BLE001 - a __repr__ that raises must not end the process it describes
        return f"<{type(broken).__name__} while printing a {type(label).__qualname__}>"
