"""Presence: processes tracked in topics, and their clients told once a tick of who came and who went.

A tracked process is gone from every list before anyone hears of its death, however it died: the entry is one of its
holdings. What a tick changed in a topic is broadcast as one ``presence_diff`` when the tick ends.

See: ``Phoenix.Presence``, ``Phoenix.Tracker``.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from regrow.gateway._channels._messages import Broadcast
from regrow.gateway._errors import AlreadyTrackedError, NotTrackedError

from ._meta import copied, plain
from ._topic import PresentTopic

if TYPE_CHECKING:
    from regrow.actors import Pid
    from regrow.gateway._pubsub._dialect import Dialect
    from regrow.gateway._transport._transport import Transport

    from ._changes import Presences
    from ._topic import Entry

__all__ = ["FetchPresences", "NewMeta", "Presence"]

logger = logging.getLogger("regrow.gateway")

FetchPresences: TypeAlias = Callable[[str, dict[str, dict[str, Any]]], Mapping[str, Mapping[str, Any]]]
"""Extends presences of a topic before they are told: by user records, for instance.

Called with the topic and ``{key: {"metas": [...]}}``; returns the same keys, each with its ``metas`` and whatever is
to be told beside them. Called once a list and once for each half of a diff, not once a process. Runs in the tick: it
must not block. See: ``Phoenix.Presence`` ``fetch/2``.
"""

NewMeta: TypeAlias = Mapping[str, Any] | Callable[[dict[str, Any]], Mapping[str, Any]]
"""A meta, or what makes one of the present one."""

_EXACT: Final = 100
"""Metas up to which a state is encoded anew whenever something has changed: it costs less than 50 µs."""


@final
class Presence:
    """Who is in which topic of one gateway."""

    def __init__(self, transport: Transport) -> None:
        self.fetch: FetchPresences | None = None
        self._transport = transport
        self._topics: dict[str, PresentTopic] = {}
        self._changed: dict[PresentTopic, None] = {}
        """Topics with something to tell at the end of this tick."""
        self._states: dict[tuple[str, Dialect], tuple[int, bytes]] = {}
        """Frames of ``presence_state`` made in this tick, each with the version of its topic."""
        self._is_due = False
        """Whether `_tell` is going to be called at the end of this tick."""
        prefix = secrets.token_urlsafe(6)  # no ref of another node, or of this one before it was restarted, is the same
        numbers = count(1)
        self._next_ref = lambda: f"{prefix}{next(numbers):x}"

    def track(self, pid: Pid, topic: str, key: str, meta: Mapping[str, Any]) -> str:
        """Show a process in a topic under a key, until it dies or is untracked. Its ``phx_ref``.

        The meta is copied; several processes under one key are one presence with several metas. A process that is
        dead is not shown.

        Raises:
            AlreadyTrackedError: the process is shown there under this key; `update` changes its meta.
            TypeError: the meta is no map that JSON and msgpack can carry, or the key no text.
        """
        meta = plain(key, meta)
        here = self._topics.get(topic)
        if here is None:
            here = self._topics[topic] = PresentTopic(topic, self._next_ref, self._topic_changed)
        elif here.find(key, pid) is not None:
            raise AlreadyTrackedError(f"{pid} is tracked in {topic!r} as {key!r} already: update its meta instead")
        entry = here.add(key, pid, meta)
        if pid.process is None:
            here.remove(entry)
        else:
            pid.process.hold(entry)
        return entry.meta["phx_ref"]  # type: ignore[no-any-return]

    def untrack(self, pid: Pid, topic: str, key: str) -> None:
        """Show a process under a key no more. One that is not shown is no error."""
        here = self._topics.get(topic)
        entry = None if here is None else here.find(key, pid)
        if here is not None and entry is not None:
            here.remove(entry)
            if pid.process is not None:
                pid.process.let_go(entry)

    def update(self, pid: Pid, topic: str, key: str, meta: NewMeta) -> str:
        """Give a process another meta, or what a function makes of a copy of the present one. Its new ``phx_ref``.

        Clients hear of it as a leave and a join in one diff; ``phx_ref_prev`` of the new meta names the one they know.

        Raises:
            NotTrackedError: the process is not shown there under this key.
            TypeError: the meta is no map that JSON and msgpack can carry.
        """
        if callable(meta):
            meta = meta(plain(key, self._tracked(pid, topic, key)[1].meta))
        meta = plain(key, meta)
        here, entry = self._tracked(pid, topic, key)
        here.replace(entry, meta)
        return entry.meta["phx_ref"]  # type: ignore[no-any-return]

    def list(self, topic: str) -> Presences:
        """Everyone in a topic, ``{key: {"metas": [...]}}``, extended by `fetch`. It costs a step for each of them."""
        here = self._topics.get(topic)
        return {} if here is None else self._fetched(topic, copied(here.list()))

    def get_by_key(self, topic: str, key: str) -> dict[str, Any] | None:
        """Everyone under one key of a topic, ``{"metas": [...]}``, extended by `fetch`; None if there is nobody."""
        here = self._topics.get(topic)
        found = None if here is None else here.under(key)
        return None if found is None else self._fetched(topic, copied({key: found})).get(key)

    def state(self, topic: str, dialect: Dialect) -> bytes:
        """The frame of a ``presence_state`` for a client that is subscribed to the topic.

        The list is that of a moment of this tick, so that a thousand who join at once make it once; what has changed
        in the tick since is in the diff at the end of it.
        """
        here = self._topics.get(topic)
        if here is None:
            return dialect.broadcast(Broadcast(topic, "presence_state", {}))
        made = self._states.get((topic, dialect))
        if made is not None and (made[0] == here.version or here.size > _EXACT):
            return made[1]
        presences = here.list()
        if self.fetch is not None:
            presences = self._fetched(topic, copied(presences))
        frame = dialect.broadcast(Broadcast(topic, "presence_state", presences))
        self._states[topic, dialect] = (here.version, frame)
        self._come_due()
        return frame

    def _tracked(self, pid: Pid, topic: str, key: str) -> tuple[PresentTopic, Entry]:
        here = self._topics.get(topic)
        entry = None if here is None else here.find(key, pid)
        if here is None or entry is None:
            raise NotTrackedError(f"{pid} is not tracked in {topic!r} as {key!r}: track it first")
        return here, entry

    def _topic_changed(self, topic: PresentTopic) -> None:
        self._changed[topic] = None
        self._come_due()

    def _come_due(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._transport.before_flush(self._tell)
            self._transport.node.wake()

    def _tell(self) -> None:
        """Broadcast what this tick has changed, one diff for each topic."""
        self._is_due = False
        self._states.clear()
        changed, self._changed = self._changed, {}
        for topic in changed:
            diff = topic.take_diff()
            if not topic.size and self._topics.get(topic.name) is topic:
                del self._topics[topic.name]
            if diff is not None:
                self._transport.pubsub.broadcast(
                    topic.name, Broadcast(topic.name, "presence_diff", self._fetched_diff(topic.name, diff))
                )

    def _fetched(self, topic: str, presences: Presences) -> Presences:
        if self.fetch is None or not presences:
            return presences
        return {key: plain(key, presence) for key, presence in self.fetch(topic, presences).items()}

    def _fetched_diff(self, topic: str, diff: dict[str, Presences]) -> dict[str, Presences]:
        if self.fetch is None:
            return diff
        try:
            return {half: self._fetched(topic, copied(presences)) for half, presences in diff.items()}
        except Exception:  # no process of the user's is here to crash, and the lists of clients must not go wrong
            logger.exception("fetch failed for a presence_diff of %s, which is told without it", topic)
            return diff
