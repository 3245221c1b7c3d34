"""Which topic's batches may grow in a tick."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from regrow.gateway._transport._outbox import Batch

if TYPE_CHECKING:
    from regrow.gateway._transport._connection import Connection
    from regrow.gateway._transport._transport import Transport

    from ._groups import Group, Topic

__all__ = ["Cork"]


@final
class Cork:
    """All topics of a transport share one: at most one has open batches, which is what keeps their order."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.metrics = transport.metrics
        self.topic: Topic | None = None

    def pull(self, topic: Topic) -> None:
        """Let the batches of a topic grow from now on, and those of no other."""
        if self.topic is None:
            self._transport.before_flush(self._close)
        else:
            self.topic.close_batches()
        self.topic = topic

    def open_batch(self, group: Group) -> Batch:
        """Put one batch into the outbox of every member of a group."""
        batch = group.batch = Batch()
        blocked: list[Connection] = []
        group.blocked = blocked
        dirty = self._transport.dirty
        if not dirty:
            self._transport.node.wake()
        before = len(dirty)
        for connection in group.members:  # the longest loop there is: nothing is called for most members
            if not connection.flows:
                blocked.append(connection)
            elif connection.outbox is None:
                connection.outbox = batch
                dirty.append(connection)
            else:
                connection.push_batch(batch)
        self.metrics.dirtied_by_batches += len(dirty) - before
        return batch

    def _close(self) -> None:
        if self.topic is not None:
            self.topic.close_batches()
            self.topic = None
