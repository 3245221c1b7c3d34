"""Sockets to actors: WebSocket connections served by supervised processes, with Phoenix Channels on top.

A gateway is a value: handlers by path. ``regrow serve module:name`` serves it, and so does a program::

    async with open_node(), open_gateway(Gateway(routes={"/echo": Echo}), port=0) as running:
        print(running.url)
"""

from __future__ import annotations

from regrow.gateway._auth._tokens import Claims, Tokens
from regrow.gateway._channels._callbacks import Rejoin
from regrow.gateway._channels._channel import Channel
from regrow.gateway._channels._messages import Broadcast
from regrow.gateway._channels._outcomes import Error, JoinRefusedError, Ok, Stop
from regrow.gateway._channels._replies import ReplyRef
from regrow.gateway._channels._socket import Session, Socket
from regrow.gateway._handlers._handler import Handler, RefuseError
from regrow.gateway._history._history import Ack, History
from regrow.gateway._history._memory_store import MemoryStore
from regrow.gateway._history._position import Position
from regrow.gateway._history._sqlite_store import SqliteStore
from regrow.gateway._history._store import Head, HistoryStore, Record, TopicState
from regrow.gateway._http._origin import AnyOrigin, OneOf, OriginCheck, OriginPolicy, SameHost, SameOrigin
from regrow.gateway._http._request import BadRequestError, Request
from regrow.gateway._lobby._lobby import Echo, Lobby, LobbyChannel, lobby
from regrow.gateway._operations._metrics import Metrics, Refusal
from regrow.gateway._operations._secrets import ParameterFilter
from regrow.gateway._presence._presence import FetchPresences, Presence
from regrow.gateway._pubsub._pubsub import PubSub
from regrow.gateway._rooms._member import Member
from regrow.gateway._rooms._room import Room
from regrow.gateway._serving._load import load_gateway
from regrow.gateway._serving._route import Gateway, Page, View
from regrow.gateway._serving._running import RunningGateway, open_gateway
from regrow.gateway._serving._serve import serve
from regrow.gateway._settings._settings import Settings
from regrow.gateway._settings._sources import load_settings
from regrow.gateway._transport._addresses import Address, Tcp, Tls, Unix, parse_address
from regrow.gateway._transport._choice import TransportName
from regrow.gateway._transport._connection import Connection
from regrow.gateway._transport._descriptors import room_for
from regrow.gateway._transport._outbound import State

from ._errors import (
    AlreadyTrackedError,
    BadAddressError,
    ExpiredTokenError,
    ForeignTokenError,
    ForgedTokenError,
    GatewayError,
    HistoryBehindError,
    HistoryFileError,
    InvalidTokenError,
    MalformedTokenError,
    NotTrackedError,
    SettingsError,
    UnknownGatewayError,
)

__all__ = [
    "Ack",
    "Address",
    "AlreadyTrackedError",
    "AnyOrigin",
    "BadAddressError",
    "BadRequestError",
    "Broadcast",
    "Channel",
    "Claims",
    "Connection",
    "Echo",
    "Error",
    "ExpiredTokenError",
    "FetchPresences",
    "ForeignTokenError",
    "ForgedTokenError",
    "Gateway",
    "GatewayError",
    "Handler",
    "Head",
    "History",
    "HistoryBehindError",
    "HistoryFileError",
    "HistoryStore",
    "InvalidTokenError",
    "JoinRefusedError",
    "Lobby",
    "LobbyChannel",
    "MalformedTokenError",
    "Member",
    "MemoryStore",
    "Metrics",
    "NotTrackedError",
    "Ok",
    "OneOf",
    "OriginCheck",
    "OriginPolicy",
    "Page",
    "ParameterFilter",
    "Position",
    "Presence",
    "PubSub",
    "Record",
    "Refusal",
    "RefuseError",
    "Rejoin",
    "ReplyRef",
    "Request",
    "Room",
    "RunningGateway",
    "SameHost",
    "SameOrigin",
    "Session",
    "Settings",
    "SettingsError",
    "Socket",
    "SqliteStore",
    "State",
    "Stop",
    "Tcp",
    "Tls",
    "Tokens",
    "TopicState",
    "TransportName",
    "Unix",
    "UnknownGatewayError",
    "View",
    "load_gateway",
    "load_settings",
    "lobby",
    "open_gateway",
    "parse_address",
    "room_for",
    "serve",
]
