"""What every process has, however it is driven: identity, mailbox, links, monitors, and a death.

Two drivers run processes, `InlineProcess` inside the tick and `TaskProcess` as a trio task. This file holds
what they share and the one place where a process dies.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Protocol

from regrow.actors._preemption._safe_points import CRITICAL
from regrow.actors._processes._exit import KILL, KILLED, NOPROC, NORMAL, ExitReason
from regrow.actors._processes._pid import Pid
from regrow.actors._processes._signals import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from regrow.actors._processes._node import Node

__all__ = ["Holding", "Origin", "PortOwner", "Process", "Watch", "bind", "bury", "exit_arrives"]


class Watch(Protocol):
    """Something told once when a process dies: a monitor, or a call waiting for its reply."""

    def fire(self, reason: ExitReason, /) -> None:
        """The watched process died of ``reason``, or was dead already."""


class HeldWatch(Protocol):
    """A watch that the watching process may outlive or not: it ends with the watcher."""

    def forget(self) -> None:
        """The watching process is dead or no longer interested."""


class Holding(Protocol):
    """Something a process owns that must be free before anyone hears of its death: a table, an entry in a registry."""

    def holder_died(self, pid: Pid, /) -> None:
        """The process that held this is dead. Runs inside the dying: it must neither block nor raise."""


class PortOwner(Protocol):
    """The end of a port that a process serves, told of that process's death like a linked Erlang port."""

    def process_exited(self, pid: Pid, reason: ExitReason, /) -> None:
        """The process that served this port is dead. Runs inside the dying: it must neither block nor raise."""


class Process:
    """The runtime's record of one living process. Users hold its `Pid`."""

    __slots__ = (
        "doom",
        "holdings",
        "label",
        "links",
        "name",
        "node",
        "parent",
        "pid",
        "port",
        "server",
        "trap_exit",
        "watchers",
        "watching",
    )

    doom: ExitReason | None
    """The reason it will die of as soon as the callback that is running returns."""
    holdings: set[Holding] | None
    """What it owns and is freed with it; see `hold`."""
    links: Process | set[Process] | None
    """Linked processes. Invariant: ``all(self in linked(peer) for peer in linked(self))``.

    Most processes have a single link, their supervisor; it is kept bare, because a set costs 216 bytes.
    """
    server: object | None
    """The behaviour whose callbacks it runs; None for a process that runs a function, or is dead."""
    watchers: set[Watch] | None
    """Whoever is to be told of this process's death."""
    watching: set[HeldWatch] | None
    """The monitors this process holds on others."""

    def __init__(self, node: Node, label: str, parent: Pid | None) -> None:
        self.node = node
        self.label = label
        self.parent = parent
        self.pid = Pid(node.next_number(), self)
        self.doom = None
        self.holdings = None
        self.links = None
        self.name: str | None = None
        self.port: PortOwner | None = None
        self.server = None
        self.trap_exit = False
        self.watchers = None
        self.watching = None
        node.admit(self)

    def __repr__(self) -> str:
        return f"<{self.label} {self.pid}>"

    def post(self, message: object) -> None:
        """Put a message into the mailbox and see to it that the process runs. Never blocks, never fails."""
        raise NotImplementedError

    def pending(self) -> int:
        """How many messages wait in the mailbox."""
        raise NotImplementedError

    def waiting(self) -> list[object]:
        """The messages that wait in the mailbox, in order."""
        raise NotImplementedError

    def discard(self, unwanted: Callable[[object], bool]) -> None:
        """Drop the first message waiting in the mailbox that is unwanted, if there is one."""
        raise NotImplementedError

    def is_running(self) -> bool:
        """Whether this process's own code is on the stack and cannot be taken away from under it."""
        raise NotImplementedError

    def halt(self, reason: ExitReason, /) -> None:
        """Drop the mailbox and stop running: the process is dead."""
        raise NotImplementedError

    def hold(self, holding: Holding) -> None:
        """Own something until death, when it is freed before anyone hears of the death (rule P-7)."""
        if self.holdings is None:
            self.holdings = set()
        self.holdings.add(holding)

    def let_go(self, holding: Holding) -> None:
        """Own it no more; no error if it was not owned."""
        if self.holdings is not None:
            self.holdings.discard(holding)

    def is_condemned(self) -> bool:
        """Whether it is dead already, or will be when its callback returns: its code shall do no more."""
        return self.pid.process is None or self.doom is not None

    def linked(self) -> Iterable[Process]:
        """The processes linked to this one."""
        links = self.links
        if links is None:
            return ()
        if isinstance(links, Process):
            return (links,)
        return links

    def join(self, peer: Process) -> None:
        """Add one direction of a link; idempotent (rule L-3)."""
        links = self.links
        if links is None:
            self.links = peer
        elif isinstance(links, set):
            links.add(peer)
        elif links is not peer:
            self.links = {links, peer}

    def part(self, peer: Process) -> None:
        """Remove one direction of a link, if there is one."""
        links = self.links
        if links is peer:
            self.links = None
        elif isinstance(links, set):
            links.discard(peer)


class _Fate(enum.Enum):
    IGNORE = enum.auto()
    MESSAGE = enum.auto()
    DIE = enum.auto()


class Origin(enum.Enum):
    """Where an exit signal comes from: it decides what `KILL` and `NORMAL` do."""

    LINK = enum.auto()
    """A linked process died."""
    OTHER = enum.auto()
    """Another process called `exit_signal`."""
    SELF = enum.auto()
    """The process called `exit_signal` on itself."""


def _fate(origin: Origin, reason: ExitReason, *, trapping: bool) -> tuple[_Fate, ExitReason]:
    """What an exit signal does to its target, and with which reason.

    See: Erlang reference manual, "Processes", *Receiving Exit Signals*.
    """
    if reason is KILL and origin is not Origin.LINK:
        return _Fate.DIE, KILLED
    if trapping:
        return _Fate.MESSAGE, reason
    if reason is NORMAL and origin is not Origin.SELF:
        return _Fate.IGNORE, reason
    return _Fate.DIE, reason


def bind(process: Process, peer: Process) -> None:
    """Link two processes, of which ``process`` asked for it.

    If it is dead and only unwinds, the peer gets the exit signal that a link to the dead sends: it must not
    live on believing in a link that will never break.
    """
    if process.pid.process is None:
        exit_arrives(peer, process.pid, NOPROC, Origin.LINK)
        return
    process.join(peer)
    peer.join(process)


def exit_arrives(process: Process, sender: Pid, reason: ExitReason, origin: Origin) -> None:
    """Deliver an exit signal that comes from a living process, or instead of a link."""
    fate, reason = _fate(origin, reason, trapping=process.trap_exit)
    if fate is _Fate.MESSAGE:
        process.post(Exit(sender, reason))
    elif fate is _Fate.DIE:
        bury(process, reason)


def bury(process: Process, reason: ExitReason) -> None:
    """End a process: free what it held, then tell its watchers, then its links, and theirs in turn.

    Names are free before anyone hears of the death (rule P-7), so that a restart may take them at once. A chain
    of links is walked, not recursed: it may be as long as there are processes. A process whose callback is on
    the stack is doomed and dies when that returns.
    """
    dying = [(process, reason)]
    for victim, cause in dying:  # grows while it is walked
        pid = victim.pid
        if pid.process is None:
            continue
        if victim.is_running():
            if victim.doom is None:
                victim.doom = cause
            continue
        for peer in _release(victim, cause):
            peer.part(victim)
            fate, peer_reason = _fate(Origin.LINK, cause, trapping=peer.trap_exit)
            if fate is _Fate.MESSAGE:
                peer.post(Exit(pid, cause))
            elif fate is _Fate.DIE:
                dying.append((peer, peer_reason))


def _release(process: Process, reason: ExitReason) -> list[Process]:
    """Make a process dead for the system and fire its monitors; what it was linked to is returned."""
    node = process.node
    pid = process.pid
    pid.process = None
    node.processes.discard(process)
    if process.name is not None:
        node.names.release(process)
    holdings, process.holdings = process.holdings, None
    for holding in holdings or ():
        holding.holder_died(pid)
    process.halt(reason)
    process.server = None
    watching, watchers = process.watching, process.watchers
    process.watching = process.watchers = None
    for held in watching or ():
        held.forget()
    for watch in watchers or ():
        watch.fire(reason)  # a starter that still waits cuts its link here and hears of the death as an error
    peers, process.links = list(process.linked()), None
    if process.port is not None:
        process.port.process_exited(pid, reason)
    node.process_died()
    return peers


CRITICAL.add(bury.__code__)
