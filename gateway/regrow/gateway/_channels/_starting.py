"""Starting the process of a channel under its supervisor, and giving it up."""

from __future__ import annotations

import zlib
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from regrow.actors import demonitor, exit_signal, self_, send, start_inline, start_task
from regrow.gateway._transport._outbound import State
from regrow.supervisors import ChildSpec, Restart, RestartLimit, start_child_soon

from ._backpressure import caught_up
from ._callbacks import Rejoin
from ._joined import Joined, Mail
from ._outcomes import DUPLICATE_JOIN, ENDED

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from regrow.actors import Pid
    from regrow.gateway._transport._connection import Connection

    from ._channel import Channel

__all__ = ["channel_supervisor", "give_up", "refuse_join", "start_channel_soon"]


_READ = msgspec.Raw(b"null")


def channel_supervisor(partition: int) -> str:
    """The name of the supervisor of one partition of the channels."""
    return f"regrow.channels.{partition}"


def start_channel_soon(kind: type[Channel], connection: Connection, joined: Joined) -> None:
    """Have a supervisor start the channel of a topic; all channels of one topic have the same."""
    settings = connection.port.settings
    if kind.rejoin is Rejoin.CLIENT:
        spec = ChildSpec(
            id=joined.topic,
            start=_start_channel,
            args=(kind, connection, joined),
            restart=Restart.TEMPORARY,
        )
    else:
        joined.waiting = Mail(connection, joined)
        spec = ChildSpec(
            id=joined.topic,
            start=_start_channel,
            args=(kind, connection, joined),
            restart=Restart.TRANSIENT,
            limit=RestartLimit(settings.channel_restarts, settings.channel_restart_period),
            given_up=partial(give_up, connection, joined),
        )
    partition = zlib.crc32(joined.topic.encode()) % settings.partitions
    start_child_soon(channel_supervisor(partition), spec)


def _start_channel(kind: type[Channel], connection: Connection, joined: Joined) -> Pid | Awaitable[Pid | None] | None:
    """Start a channel process, as its supervisor does. None if the client has left in the meantime."""
    mail = joined.mail
    if connection.state is not State.OPEN or connection.session.joined.get(joined.topic) is not joined:
        return None
    if mail is not None and mail.reason is not None:
        return None  # it died while it joined
    try:
        channel = kind()
    except Exception:
        if mail is None or not mail.has_joined:
            refuse_join(connection, joined, "join crashed")
        raise
    channel.connection = connection
    channel.topic = joined.topic
    channel.join_ref = joined.join.join_ref
    if kind.is_inline():
        return _started(start_inline(channel, linked=True, port=joined if mail is None else mail), connection, joined)
    return _start_task(channel, connection, joined)


async def _start_task(channel: Channel, connection: Connection, joined: Joined) -> Pid | None:
    mail = joined.mail
    port = joined if mail is None else mail  # an empty one is false
    return _started(await start_task(channel, linked=True, port=port), connection, joined)


def _started(pid: Pid | None, connection: Connection, joined: Joined) -> Pid | None:
    """Let the channel have its join and what came behind it, and the socket know whom to watch."""
    if pid is not None and connection.session.joined.get(joined.topic) is not joined:
        # The client has joined again or is gone: nobody waits for a channel that has done nothing yet.
        exit_signal(pid, DUPLICATE_JOIN if connection.state is State.OPEN else ENDED)
    elif pid is not None:
        joined.pid = pid
        if connection.pid is not None:
            send(connection.pid, joined)
        waiting = joined.waiting
        if isinstance(waiting, Mail):
            waiting.supervisor = self_()
            if waiting.watch is not None:
                demonitor(waiting.watch)
                waiting.watch = None
            waiting.attach(pid)
        else:
            send(pid, joined.join)
            for message in waiting or ():
                send(pid, message)
            joined.waiting = None
            # The parameters were wanted once; they would keep the whole frame they came in for as long as the join.
            joined.join = msgspec.structs.replace(joined.join, payload=_READ)
    return pid


def give_up(connection: Connection, joined: Joined) -> None:
    """A channel that the server was to rejoin does not come back: the client may join again."""
    if connection.session.joined.get(joined.topic) is not joined:
        return
    del connection.session.joined[joined.topic]
    connection.port.pubsub.unsubscribe(joined.topic, connection)
    caught_up(joined)
    if joined.mail is not None:
        joined.mail.give_up()
    join_ref = joined.join.join_ref
    reason = {"reason": "channel_crash"}
    connection.push(connection.dialect.push(join_ref, join_ref, joined.topic, "phx_error", reason))


def refuse_join(connection: Connection, joined: Joined, reason: str) -> None:
    """Undo a join that no process serves, and say why; Phoenix clients try again by themselves."""
    topics = connection.session.joined
    if topics.get(joined.topic) is joined:
        del topics[joined.topic]
        caught_up(joined)
        join = joined.join
        connection.push(connection.dialect.reply(join.join_ref, join.ref, joined.topic, "error", {"reason": reason}))
