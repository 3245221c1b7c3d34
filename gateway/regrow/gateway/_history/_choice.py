"""Which store a setting names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ._memory_store import MemoryStore
from ._sqlite_store import SqliteStore

if TYPE_CHECKING:
    from ._store import HistoryStore

__all__ = ["store_named"]

_MEMORY: Final = "memory"
_OFF: Final = "off"


def store_named(path: str) -> HistoryStore | None:
    """The store that `Settings.history_path` names. It is opened by the first join of a channel with a history."""
    if path == _OFF:
        return None
    return MemoryStore() if path == _MEMORY else SqliteStore(path)
