"""The gateway's supervision tree.

::

    regrow.gateway (rest_for_one)
     ├── connections (one_for_one)      one dynamic supervisor a partition, a connection actor each client
     ├── rooms                          a dynamic supervisor, a process each topic that has a room
     ├── channels (one_for_one)         one dynamic supervisor a partition, a channel process each joined topic
     ├── transport                      polls the sockets, sweeps what has waited too long
     └── history                        stores what is broadcast; last, so that its crash takes none along

With processes of the program there is a supervisor above it, ``regrow.program`` (one_for_one): they begin before the
gateway and end after it, and when they crash too often no connection is closed for it.

The channels stand behind the rooms because a member that has lost its room for good has to join again.

The sockets belong to the port, not to a process: whatever crashes in the tree, they stay open until someone decides
otherwise.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import trio

from regrow.actors import current_node, spawn_link
from regrow.gateway._channels._starting import channel_supervisor
from regrow.gateway._operations._ticks import TimedPort, watch_lag
from regrow.gateway._rooms._rooms import ROOM_SUPERVISOR
from regrow.supervisors import ChildSpec, ChildType, DynamicSupervisor, RestartLimit, Strategy, Supervisor

from ._gate import connection_supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from regrow.actors import Pid
    from regrow.gateway._history._writer import Writer
    from regrow.gateway._settings._settings import Settings
    from regrow.gateway._transport._transport import Transport

__all__ = ["part_names", "start_tree"]

_SWEEP_EVERY = 1.0
"""Seconds."""

_CRASHES = 100_000
"""Restarts a partition's supervisor may make in a second: each connection has a limit of its own, so that a storm
of crashes on many connections takes down none of them."""


_PATIENT = RestartLimit(_CRASHES, 1)
"""Of the history writer: a store that fails for a day is tried for a day. It pauses between two tries itself."""


def part_names(settings: Settings) -> list[str]:
    """The names of the supervisors that serve connections and channels: a part is down while nobody has its name."""
    return [name(part) for name in (connection_supervisor, channel_supervisor) for part in range(settings.partitions)]


async def start_tree(port: Transport, children: Sequence[ChildSpec] = (), writer: Writer | None = None) -> Pid:
    """Start the tree of a gateway, and before it the processes of the program, linked to the caller."""
    if not children:
        return await _start_gateway(port, writer)
    of_the_program = partial(Supervisor.start_link, name="regrow.children")
    return await Supervisor.start_link(
        [
            ChildSpec("children", of_the_program, (children,), type=ChildType.SUPERVISOR),
            ChildSpec("gateway", _start_gateway, (port, writer), type=ChildType.SUPERVISOR),
        ],
        name="regrow.program",
    )


async def _start_gateway(port: Transport, writer: Writer | None) -> Pid:
    partitions = port.settings.partitions
    return await Supervisor.start_link(
        [
            _partitioned("connections", connection_supervisor, partitions),
            ChildSpec(
                "rooms",
                partial(DynamicSupervisor.start_link, intensity=_CRASHES, period=1, name=ROOM_SUPERVISOR),
                type=ChildType.SUPERVISOR,
            ),
            _partitioned("channels", channel_supervisor, partitions),
            ChildSpec("transport", spawn_link, (_transport, port)),
            *([] if writer is None else [ChildSpec("history", spawn_link, (writer.run,), limit=_PATIENT)]),
        ],
        strategy=Strategy.REST_FOR_ONE,
        name="regrow.gateway",
    )


def _partitioned(id: str, name: Callable[[int], str], partitions: int) -> ChildSpec:  # noqa: A002 - a spec's own word
    """A supervisor of as many dynamic supervisors as there are partitions, each found by its name."""
    children = [
        ChildSpec(
            partition,
            partial(DynamicSupervisor.start_link, intensity=_CRASHES, period=1, name=name(partition)),
            type=ChildType.SUPERVISOR,
        )
        for partition in range(partitions)
    ]
    return ChildSpec(id, partial(Supervisor.start_link, name=f"regrow.{id}"), (children,), type=ChildType.SUPERVISOR)


async def _transport(port: Transport) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(port.run)
        nursery.start_soon(current_node().serve_port, TimedPort(port, port.metrics.ticks))
        nursery.start_soon(watch_lag, port.metrics.lag)
        while True:
            await trio.sleep(_SWEEP_EVERY)
            port.sweep()
