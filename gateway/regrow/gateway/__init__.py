"""Sockets to actors: WebSocket connections served by supervised processes, with Phoenix Channels on top.

A gateway is a value: handlers by path. ``regrow serve module:name`` serves it, and so does a program::

    async with open_node(), open_gateway(Gateway(routes={"/echo": Echo}), port=0) as running:
        print(running.url)
"""

from __future__ import annotations

from ._channel import Channel, Error, JoinRefusedError, Ok, Stop
from ._connection import Connection
from ._descriptors import room_for
from ._errors import GatewayError, UnknownGatewayError
from ._handler import Handler, RefuseError
from ._load import load_gateway
from ._lobby import Echo, Lobby, Room, lobby
from ._metrics import Metrics
from ._origin import AnyOrigin, OneOf, OriginPolicy, SameHost
from ._outbound import State
from ._pubsub import PubSub
from ._request import Request
from ._route import Gateway, Page, View
from ._running import RunningGateway, open_gateway
from ._serve import serve
from ._settings import Settings
from ._socket import Session, Socket

__all__ = [
    "AnyOrigin",
    "Channel",
    "Connection",
    "Echo",
    "Error",
    "Gateway",
    "GatewayError",
    "Handler",
    "JoinRefusedError",
    "Lobby",
    "Metrics",
    "Ok",
    "OneOf",
    "OriginPolicy",
    "Page",
    "PubSub",
    "RefuseError",
    "Request",
    "Room",
    "RunningGateway",
    "SameHost",
    "Session",
    "Settings",
    "Socket",
    "State",
    "Stop",
    "UnknownGatewayError",
    "View",
    "load_gateway",
    "lobby",
    "open_gateway",
    "room_for",
    "serve",
]
