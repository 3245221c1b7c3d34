"""Identities: of one incarnation of a process, and of one relation between processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from regrow.actors._processes._process import Process

__all__ = ["Pid", "Ref"]


@final
class Pid:
    """The identity of one incarnation of one process; never reused.

    Two pids are equal only if they are the same object. A pid kept after its process died holds nothing of it.
    Pids are handed out by `spawn` and the behaviours' ``start`` functions.
    """

    __slots__ = ("number", "process")

    number: int
    """The position in the order of birth on this node."""
    process: Process | None
    """The runtime's record of the living process; None once it is dead.

    Invariant: ``pid.process is None or pid.process.pid is pid``.
    """

    def __init__(self, number: int, process: Process) -> None:
        self.number = number
        self.process = process

    def __repr__(self) -> str:
        return f"<0.{self.number}>"

    def __lt__(self, other: Pid) -> bool:
        return self.number < other.number

    @property
    def is_alive(self) -> bool:
        """Whether the process was alive at this moment; it may be dead at the next."""
        return self.process is not None


class Ref:
    """A unique reference: the identity of one monitor, alias or timer. See: Erlang ``make_ref/0``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"#Ref<{id(self):x}>"
