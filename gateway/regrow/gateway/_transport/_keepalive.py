"""Keepalive: asking clients that say nothing whether they are there, and ending those that do not answer.

A connection has no timer. Reading leaves a mark on it, and rounds are made over all connections, some of them with
each sweep, so that every one is looked at several times within the shortest deadline. A round turns the mark into a
time. So a deadline is met or exceeded by at most two rounds, and what it costs does not depend on the traffic.
"""

from __future__ import annotations

import enum
from math import ceil, inf
from typing import TYPE_CHECKING, Final, final

from ._outbound import State

if TYPE_CHECKING:
    from ._connection import Connection
    from ._transport import Transport

__all__ = ["HEARD", "PINGED", "SILENT", "SPOKE", "Keepalive", "Verdict", "judge"]

SPOKE: Final = 2
"""Its client sent a message since the last round."""
HEARD: Final = 1
"""Its client sent something since the last round, but no message."""
SILENT: Final = 0
"""Its client sent nothing since the last round."""
PINGED: Final = -1
"""Its client was asked whether it is there and sent nothing since."""

_ROUNDS: Final = 4
"""Rounds within the shortest deadline."""

_CARELESS: Final = 1e-6
"""A connection may be looked at this part of a step early: sums of times are not exact."""

_NO_PONG: Final = 1011
_IDLE: Final = 1001
_ANYONE: Final = b"?"


class Verdict(enum.Enum):
    """What is to be done about a connection that is open."""

    NOTHING = enum.auto()
    PING = enum.auto()
    END_SILENT = enum.auto()
    END_IDLE = enum.auto()


def judge(mark: int, silence: float, idleness: float, deadlines: tuple[float, float, float]) -> Verdict:
    """Decide about a connection.

    Args:
        mark: what was heard since the last round.
        silence: seconds since something was heard or, behind a ping, since that.
        idleness: seconds since its last message.
        deadlines: after how much silence to ping, how long to wait behind a ping, how long it may be idle.
    """
    ping_after, answer_within, idle_for = deadlines
    if idleness >= idle_for:
        return Verdict.END_IDLE
    if mark == PINGED:
        return Verdict.END_SILENT if silence >= answer_within else Verdict.NOTHING
    return Verdict.PING if silence >= ping_after else Verdict.NOTHING


@final
class Keepalive:
    """Makes the rounds of one transport."""

    def __init__(self, transport: Transport) -> None:
        settings = transport.settings
        self._transport = transport
        # Who is switched off by the first never gets to the second.
        waits = (settings.ping_interval, settings.ping_timeout if settings.ping_interval < inf else inf)
        self._round = min(*waits, settings.idle_timeout) / _ROUNDS
        # Something was heard up to a round before the round that found the mark.
        self._ping_after = settings.ping_interval - self._round
        self._answer_within = settings.ping_timeout
        self._idle_for = settings.idle_timeout
        self._left: list[Connection] = []
        """Those this round has still to look at."""
        self._begun = 0
        """How many there were when it began."""
        self._due = 0.0
        """How many of them should have been looked at by now."""
        self._last: float | None = None

    def walk(self) -> None:
        """Look at as many connections as the time since the last call calls for."""
        if self._round == inf:
            return
        now = self._transport.now()
        if self._last is not None:
            self._due += (now - self._last) / self._round * self._begun
        self._last = now
        first = max(0, self._begun - ceil(self._due - _CARELESS))
        turn = self._left[first:]
        del self._left[first:]
        for connection in turn:
            if connection.state is State.OPEN:
                self._look_at(connection, now)
        if self._due >= self._begun - _CARELESS:
            self._left = list(self._transport.connections.values())
            self._left.reverse()  # taken from the end
            self._begun = len(self._left)
            self._due = 0.0

    def _look_at(self, connection: Connection, now: float) -> None:
        mark = connection.heard
        if mark > SILENT:
            connection.heard = SILENT
            connection.silent_since = now
            if mark == SPOKE:
                connection.idle_since = now
            return
        # What is not read says nothing about its client, nor does silence behind a full socket, which has a deadline
        # of its own. It is pinged all the same: a client that is gone answers with a reset, seen without reading.
        is_read = connection.unread is None and not connection.paused
        if not is_read:
            connection.idle_since = now
        deadlines = (
            self._ping_after,
            self._answer_within if is_read and connection.flows else inf,
            self._idle_for if _is_to_speak(connection) else inf,
        )
        verdict = judge(mark, now - connection.silent_since, now - connection.idle_since, deadlines)
        if verdict is Verdict.PING:
            if connection.flows:
                connection.ping(_ANYONE)
                connection.heard = PINGED if is_read else SILENT
            connection.silent_since = now
        elif verdict is Verdict.END_SILENT:
            self._transport.metrics.silent += 1
            connection.close(_NO_PONG, "you did not answer a ping")
        elif verdict is Verdict.END_IDLE:
            self._transport.metrics.idle += 1
            connection.close(_IDLE, "you were idle for too long")


def _is_to_speak(connection: Connection) -> bool:
    """Whether its client has promised to say something now and then."""
    return connection.route is not None and connection.route.handler.has_heartbeats
