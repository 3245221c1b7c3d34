"""What has changed in one topic since its clients were told last, squeezed into one diff.

A client merges by ``phx_ref``: the joins of a diff first, then its leaves. So what came and went between two diffs
need not be told at all, unless somebody was given the list in between: their list shows it, and must be told that it
is gone.

See: ``Presence.syncDiff`` of the JavaScript client.
"""

from __future__ import annotations

from typing import Any, TypeAlias, final

__all__ = ["Changes", "Meta", "Presences", "grouped"]

Meta: TypeAlias = dict[str, Any]
"""What is told of one process; ``phx_ref`` is unique among all there ever were."""

Presences: TypeAlias = dict[str, dict[str, Any]]
"""Metas by key: ``{"ann": {"metas": [{"phx_ref": ...}, ...]}, ...}``."""


@final
class Changes:
    """What joined and left since the last diff, by ``phx_ref``."""

    __slots__ = ("_fresh", "_joins", "_leaves")

    def __init__(self) -> None:
        self._fresh: dict[str, tuple[str, Meta]] = {}
        """Joined since the last list: nobody knows of it yet."""
        self._joins: dict[str, tuple[str, Meta]] = {}
        """Joined before the last list. Every one of them joined before any of `_fresh`."""
        self._leaves: dict[str, tuple[str, Meta]] = {}

    def __bool__(self) -> bool:
        return bool(self._fresh or self._joins or self._leaves)

    def joined(self, key: str, meta: Meta) -> None:
        """Somebody joined."""
        self._fresh[meta["phx_ref"]] = (key, meta)

    def left(self, key: str, meta: Meta) -> bool:
        """Somebody left. Whether anybody may have known of them."""
        ref = meta["phx_ref"]
        if self._fresh.pop(ref, None) is not None:
            return False
        self._leaves[ref] = (key, meta)
        return True

    def listed(self) -> None:
        """A list of everyone is given away."""
        if self._fresh:
            self._joins.update(self._fresh)
            self._fresh.clear()

    def diff(self) -> dict[str, Presences]:
        """The payload of a ``presence_diff``. Costs as much as has changed, however many are there."""
        return {
            "joins": grouped([*self._joins.values(), *self._fresh.values()]),
            "leaves": grouped(list(self._leaves.values())),
        }


def grouped(metas: list[tuple[str, Meta]]) -> Presences:
    """Metas by their keys, in order."""
    presences: Presences = {}
    for key, meta in metas:
        known = presences.get(key)
        if known is None:
            presences[key] = {"metas": [meta]}
        else:
            known["metas"].append(meta)
    return presences
