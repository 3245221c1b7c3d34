"""Who is in one topic: keys with the metas of all processes under them. Knows no connection and no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from ._changes import Changes, Meta, Presences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from regrow.actors import Pid

__all__ = ["Entry", "PresentTopic"]


@final
class Entry:
    """One process in one topic under one key. A holding of that process, so that it is gone before any ``Down``."""

    __slots__ = ("_topic", "key", "meta", "pid")

    meta: Meta
    """Never changed, only replaced: lists and diffs share it."""

    def __init__(self, topic: PresentTopic, key: str, pid: Pid, meta: Meta) -> None:
        self._topic = topic
        self.key = key
        self.pid = pid
        self.meta = meta

    def holder_died(self, _pid: Pid, /) -> None:
        """Leave the topic."""
        self._topic.remove(self)


@final
class PresentTopic:
    """Everyone in one topic, and what its clients have not been told of yet."""

    __slots__ = ("_changed", "_changes", "_entries", "_next_ref", "name", "size", "version")

    size: int
    """Entries; as many as there are metas."""
    version: int
    """Grows with every change."""

    def __init__(self, name: str, next_ref: Callable[[], str], changed: Callable[[PresentTopic], None]) -> None:
        """Begin empty. ``changed`` is called with the first change after each diff."""
        self.name = name
        self.size = 0
        self.version = 0
        self._next_ref = next_ref
        self._changed = changed
        self._changes = Changes()
        # Most keys have one process; it is kept bare, because a dict costs 184 bytes.
        self._entries: dict[str, Entry | dict[Pid, Entry]] = {}

    def find(self, key: str, pid: Pid) -> Entry | None:
        """What a process is tracked as under a key."""
        here = self._entries.get(key)
        if isinstance(here, dict):
            return here.get(pid)
        return here if here is not None and here.pid is pid else None

    def add(self, key: str, pid: Pid, meta: Mapping[str, object]) -> Entry:
        """Track a process that is not tracked under this key."""
        entry = Entry(self, key, pid, {**meta, "phx_ref": self._next_ref()})
        entry.meta.pop("phx_ref_prev", None)
        here = self._entries.get(key)
        if here is None:
            self._entries[key] = entry
        elif isinstance(here, dict):
            here[pid] = entry
        else:
            self._entries[key] = {here.pid: here, pid: entry}
        self.size += 1
        self._change().joined(key, entry.meta)
        return entry

    def remove(self, entry: Entry) -> None:
        """Track it no more. It must be here."""
        key = entry.key
        here = self._entries[key]
        if isinstance(here, dict):
            del here[entry.pid]
            if len(here) == 1:
                (self._entries[key],) = here.values()
        else:
            del self._entries[key]
        self.size -= 1
        self._change().left(key, entry.meta)

    def replace(self, entry: Entry, meta: Mapping[str, object]) -> None:
        """Give an entry another meta: the old one leaves and the new one joins, in the same diff.

        ``phx_ref_prev`` names the meta it takes the place of. One that nobody can know of yet is not named: the new
        one takes the place of what that one took the place of, or joins like any other.
        """
        before = entry.meta
        changes = self._change()
        after = dict(meta)
        after["phx_ref"] = self._next_ref()
        previous = before["phx_ref"] if changes.left(entry.key, before) else before.get("phx_ref_prev")
        if previous is None:
            after.pop("phx_ref_prev", None)
        else:
            after["phx_ref_prev"] = previous
        entry.meta = after
        changes.joined(entry.key, after)
        here = self._entries[entry.key]
        if isinstance(here, dict):  # behind the others, where clients put it
            del here[entry.pid]
            here[entry.pid] = entry

    def list(self) -> Presences:
        """Everyone."""
        self._changes.listed()
        return {
            key: {"metas": [here.meta] if isinstance(here, Entry) else _metas(here.values())}
            for key, here in self._entries.items()
        }

    def under(self, key: str) -> dict[str, object] | None:
        """Everyone under one key; None if there is nobody."""
        here = self._entries.get(key)
        if here is None:
            return None
        self._changes.listed()
        return {"metas": [here.meta] if isinstance(here, Entry) else _metas(here.values())}

    def take_diff(self) -> dict[str, Presences] | None:
        """What has changed since it was asked last; None if there is nothing to tell."""
        changes, self._changes = self._changes, Changes()
        return changes.diff() if changes else None

    def _change(self) -> Changes:
        """What a change is to be written into."""
        changes = self._changes
        self.version += 1
        if not changes:
            self._changed(self)
        return changes


def _metas(entries: Iterable[Entry]) -> list[Meta]:
    return [entry.meta for entry in entries]
