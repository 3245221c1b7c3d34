"""Testing channels without sockets, after ``Phoenix.ChannelTest``.

::

    async with joined(RoomChannel, "room:1", {"name": "Ann"}) as channel:
        ref = channel.push("new_msg", {"body": "hello"})
        await channel.assert_reply(ref, "ok")
        await channel.assert_broadcast("new_msg", {"body": "hello"})

Channels run as the processes they are, under the supervisors they have; only the kernel is left out. No claim waits for
time to pass: it waits until no process has anything to do.
"""

from __future__ import annotations

from ._testing._claims import Received
from ._testing._client import ChannelClient, JoinedChannel, JoinError
from ._testing._gateway import ChannelGateway, ConnectError, channel_gateway, connected, joined

__all__ = [
    "ChannelClient",
    "ChannelGateway",
    "ConnectError",
    "JoinError",
    "JoinedChannel",
    "Received",
    "channel_gateway",
    "connected",
    "joined",
]
