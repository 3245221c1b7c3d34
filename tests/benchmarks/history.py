"""The lobby with a store for its history: what it costs to keep what is said."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Final

from regrow.gateway import MemoryStore, SqliteStore, lobby

memory: Final = dataclasses.replace(lobby, history=MemoryStore())
sqlite: Final = dataclasses.replace(lobby, history=SqliteStore(Path(tempfile.mkdtemp()) / "history.db"))
