"""Channel: what a user writes to serve one topic for one client, and what it may say from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regrow.gateway._rooms._rooms import RoomMessage
from regrow.gateway._transport._outbound import Outbound, State

from ._messages import Broadcast
from ._process import ChannelProcess
from ._replies import ReplyRef, reply_to

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from regrow.gateway._presence._presence import NewMeta

__all__ = ["Channel"]


class Channel(ChannelProcess):
    """One client in one topic, served by a process of its own. Instance attributes are its state.

    Subclass it and define the callbacks. If all are plain functions the process is inline; if any is ``async
    def`` it is a trio task. A callback that raises ends the channel, not the connection: the client gets
    ``phx_error`` and, if it is a Phoenix client, joins again; or, if ``rejoin`` says so, the server does.

    See: ``Phoenix.Channel``.
    """

    @property
    def subtopic(self) -> str:
        """What the ``*`` in the pattern of this topic stands for; empty if the pattern has none."""
        route = self.connection.route
        assert route is not None
        return route.handler.subtopic(self.topic)  # type: ignore[attr-defined, no-any-return]  # it is a Socket

    @property
    def assigns(self) -> Mapping[str, Any]:
        """What `Socket.connect` has assigned to the connection; read-only, shared by all its channels.

        What a channel assigns to itself are attributes. See: ``Phoenix.Socket`` ``assigns``, of which every channel
        gets a copy.
        """
        assigns: Mapping[str, Any] = self.connection.session.assigns
        return assigns

    # To this client.

    def push(self, event: str, payload: Any) -> None:
        """Send this client an event."""
        connection = self.connection
        frame = connection.dialect.push(self.join_ref, None, self.topic, event, payload)
        if connection.flows or event not in self.volatile:
            connection.push(frame)
        else:
            connection.push_volatile(frame)

    def reply_ref(self) -> ReplyRef:
        """What it takes to `reply` later to the message that is being handled.

        For `handle_in`, which then returns None.

        Raises:
            RuntimeError: no message is being handled, or the client wants no reply to it.

        See: ``Phoenix.Channel.socket_ref/1``.
        """
        ref = self._ref
        joined = self.connection.session.joined.get(self.topic)
        if ref is None or joined is None:
            raise RuntimeError("there is nothing to reply to: this is not handle_in, or the message has no ref")
        return ReplyRef(self, joined, ref)

    reply = staticmethod(reply_to)

    # To everyone in a topic.

    def broadcast(self, event: str, payload: Any) -> None:
        """Send every client in the topic an event, this one included; it is encoded once for all.

        If it is kept with `Ack.DURABLE` they are sent it once it is stored, and so is the reply to the message that
        is being handled; if it cannot be stored nobody is sent it, and the reply is an error.
        """
        message = Broadcast(self.topic, event, payload)
        if self.history is None or self._may_go_now(message, None):
            self._pubsub.broadcast(self.topic, message, self._pushing(event))

    def broadcast_from(self, event: str, payload: Any) -> None:
        """Send every other client in the topic an event."""
        message = Broadcast(self.topic, event, payload)
        if self.history is None or self._may_go_now(message, self.connection):
            self._pubsub.broadcast_from(self.connection, self.topic, message, self._pushing(event))

    def _pushing(self, event: str) -> Callable[[Outbound, bytes], None]:
        """How an event is pushed to clients that read too slowly."""
        return Outbound.push_volatile if event in self.volatile else Outbound.push

    def broadcast_to(self, topic: str, event: str, payload: Any) -> None:
        """Send every client in another topic an event; this client need not be in it.

        A message to one user is a broadcast to a topic that only this user may join::

            self.broadcast_to(f"user:{name}", "message", {"from": self.assigns["user"], "body": body})

        See: ``Phoenix.Endpoint.broadcast/3``.
        """
        self._pubsub.broadcast(topic, Broadcast(topic, event, payload))

    # Who is here: see `Presence`.

    def track(self, key: str, meta: Mapping[str, Any]) -> str:
        """Show this client in the topic under a key until the channel ends; see `Presence.track`."""
        return self.connection.port.presence.track(self.pid, self.topic, key, meta)

    def untrack(self, key: str) -> None:
        """Show it no more; see `Presence.untrack`."""
        self.connection.port.presence.untrack(self.pid, self.topic, key)

    def update(self, key: str, meta: NewMeta) -> str:
        """Change what is shown of it; see `Presence.update`."""
        return self.connection.port.presence.update(self.pid, self.topic, key, meta)

    def presences(self) -> dict[str, dict[str, Any]]:
        """Everyone in the topic; see `Presence.list`."""
        return self.connection.port.presence.list(self.topic)

    def push_presences(self) -> None:
        """Send this client everyone in the topic as ``presence_state``; it is sent each ``presence_diff`` anyhow.

        A client that was sent both has the server's list at the end of every tick.

        Raises:
            RuntimeError: the client is not subscribed yet, and would miss changes: call it from `joined` on.
        """
        connection = self.connection
        if connection.state is not State.OPEN:
            return
        if not self._pubsub.is_subscribed(self.topic, connection):
            raise RuntimeError(f"{self.topic} is not joined yet: call push_presences in `joined`, or later")
        connection.push(connection.port.presence.state(self.topic, connection.dialect))

    # From other topics.

    def subscribe(self, topic: str) -> None:
        """Have `handle_info` called with each `Broadcast` of another topic. Twice is twice, as in Phoenix.

        See: ``Phoenix.Endpoint.subscribe/2``.
        """
        self._pubsub.subscribe_process(topic, self.pid)

    def unsubscribe(self, topic: str) -> None:
        """Undo every `subscribe` of a topic; none is no error."""
        self._pubsub.unsubscribe_process(topic, self.pid)

    # To the room.

    def hand_on(self, event: str, payload: Any) -> None:
        """Have the room of this topic deal with the message that is being handled: `Room.handle_in` answers it.

        The room takes the messages of all members one after the other.

        Raises:
            RuntimeError: this channel declares no ``room``, or has not joined.
        """
        ref = None if self._ref is None else self.reply_ref()
        self.connection.port.rooms.tell(self, RoomMessage(event, payload, ref))
