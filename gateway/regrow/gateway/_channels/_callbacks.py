"""What a user defines of a channel: its callbacks, and the declarations that are checked when its class is made."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from regrow.actors import are_plain

from ._outcomes import Error

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from regrow.actors import ExitReason
    from regrow.gateway._history._history import History
    from regrow.gateway._rooms._room import Room

    from ._payloads import PayloadDecoder

__all__ = ["Callbacks", "Rejoin"]


class Rejoin(enum.StrEnum):
    """Who joins again after a channel has crashed."""

    CLIENT = "client"
    """The client: it gets ``phx_error``, and Phoenix's clients join again by themselves. As in Phoenix."""
    SERVER = "server"
    """The server: a new process runs `Channel.join` with the params of the client's join, and the client notices
    nothing but an error reply, ``channel crashed``, to the message the channel died of.

    What the client said meanwhile waits and is handled in order; the subscription goes on, so no broadcast is
    missed. Messages of other processes to the dead one are lost with it. A join that is refused or crashes the second
    time, or more crashes than `Settings.channel_restarts`, end it with ``phx_error``.
    """


class Callbacks:
    """What `Channel` calls. See there."""

    events: ClassVar[Mapping[str, Any]] = {}
    """The type of an event's payload, ``{"new_msg": NewMsg, "ping": msgspec.Raw}``; anything if it is not here.

    A payload that does not fit is answered with an error reply and not handed to `handle_in`. A `msgspec.Raw` is
    JSON whatever the client sent. The payload of a binary message is ``bytes``, and fits what admits bytes.
    """
    intercepts: ClassVar[Collection[str]] = ()
    """Events broadcast in the topic that go to `handle_out` instead of to the client. See: Phoenix ``intercept/1``."""
    history: ClassVar[History | None] = None
    """Which broadcasts are kept for those who come back, if the gateway has a `Gateway.history`."""
    volatile: ClassVar[frozenset[str]] = frozenset()
    """Events that soon mean nothing, like ``typing``: while a client reads too slowly the oldest of them are dropped.

    They make room for other events, which are never dropped: a client that does not even read those is closed with
    1013. The metric ``regrow_messages_dropped_total`` counts them.
    """
    rejoin: ClassVar[Rejoin] = Rejoin.CLIENT
    """Who joins again after a crash."""
    room: ClassVar[type[Room] | None] = None
    """The process that all members of the topic share, started with the first join; see `Room`."""

    _decoders: ClassVar[dict[str, PayloadDecoder | None]] = {}
    _inline: ClassVar[bool] = True
    _intercepts: ClassVar[frozenset[str]] = frozenset()
    _welcomes: ClassVar[bool] = False
    """Whether `joined` does anything."""

    def __init_subclass__(cls) -> None:
        """Check what is declared, choose the driver, and make a decoder for each event.

        Raises:
            TypeError: a declaration cannot be meant; the message says which.
        """
        super().__init_subclass__()
        _check(cls)
        cls._inline = are_plain(cls, _CALLBACKS)
        cls._welcomes = cls.joined is not Callbacks.joined
        cls._intercepts = frozenset(cls.intercepts)
        cls._decoders = {
            event: None if kind is msgspec.Raw else msgspec.json.Decoder(kind) for event, kind in cls.events.items()
        }

    @classmethod
    def is_inline(cls) -> bool:
        """Whether every callback is a plain function, so that the process runs inside the tick."""
        return cls._inline

    def join(self, params: Any) -> Any:
        """The client joins. What it returns is the response of the ok reply; None for an empty one.

        Raises:
            JoinRefusedError: the client gets an error reply.
        """

    def joined(self) -> Any:
        """The client has its ok reply and is subscribed. None or `Stop`. Runs before any `handle_in`.

        The place to `track` it and to `push_presences`. What it raises is a crash of the channel, not of the join.
        See: the ``:after_join`` that channels of Phoenix send themselves.
        """

    def handle_in(self, event: str, payload: Any) -> Any:  # noqa: ARG002 - overridden
        """The client sent a message. `Ok`, `Error`, `Stop`, or None for no reply, or for one that comes later."""
        return Error({"reason": f"unmatched event: {event}"})

    def handle_out(self, event: str, payload: Any) -> Any:
        """An event of `intercepts` was broadcast: `push` it, changed or not, or do not. None or `Stop`.

        The payload is what was given to ``broadcast``, or what its JSON says if the event is kept in the history; all
        members share it, so it must not be changed in place.
        """

    def handle_info(self, message: Any) -> Any:
        """Another process sent a message, or it is a `Broadcast` of a topic subscribed to. None or `Stop`."""

    def terminate(self, reason: ExitReason) -> Any:
        """The channel ends: the client left, the connection closed, or a callback crashed."""


_CALLBACKS = ("join", "joined", "handle_in", "handle_out", "handle_info", "terminate")


def _check(channel: type[Callbacks]) -> None:
    name = channel.__qualname__
    if isinstance(channel.intercepts, str):
        raise TypeError(f"{name}.intercepts is a collection of events: write ({channel.intercepts!r},)")
    if channel.intercepts and channel.handle_out is Callbacks.handle_out:
        raise TypeError(f"{name} intercepts {', '.join(channel.intercepts)} but has no handle_out: define one")
    if not isinstance(channel.rejoin, Rejoin):  # pyright: ignore[reportUnnecessaryIsInstance] - not all run a checker
        raise TypeError(f"{name}.rejoin is {channel.rejoin!r}: it must be Rejoin.CLIENT or Rejoin.SERVER")
    reserved = [event for event in channel.events if event.startswith("phx_")]
    if reserved:
        raise TypeError(f"{name}.events has {', '.join(reserved)}: events of the protocol itself have no type here")
