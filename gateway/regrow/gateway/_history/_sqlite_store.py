"""SqliteStore: histories in one file, by the SQLite of the standard library.

What the file promises. It is in WAL mode: a transaction that was committed survives ``kill -9`` of the program
whatever ``synchronous`` says, because the kernel has it. Power loss is another matter: only with
``synchronous=FULL`` is the log flushed to the disk before COMMIT returns. So a batch with a message whose sender
waits for it (`Ack.DURABLE`) is committed with FULL, and takes what was committed before with it; a batch without is
committed with NORMAL, which flushes at checkpoints only, and power loss may undo the last of them.

Why an epoch may have to change. A message with `Ack.SENT` is broadcast before it is stored: if the program dies in
between, somebody may know offset 17 while the file ends at 16, and the next message would be a second 17. The file
therefore says whether it was closed in order. If not, every topic of `Ack.SENT` begins a new epoch when it is
opened; its messages stay and carry the new epoch from then on, so that a newcomer still sees them, and who comes
back with a position of the old epoch is told that it cannot be recovered. Topics of `Ack.DURABLE` keep their epoch:
what nobody was sent before it was committed leaves no second 17 to be feared. The mark is set, flushed to the disk,
before anything else.

See: https://www.sqlite.org/wal.html; https://www.sqlite.org/pragma.html#pragma_synchronous
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, final

from regrow.gateway._errors import HistoryFileError

from ._history import Ack
from ._position import new_epoch
from ._store import Record, TopicState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ._history import History
    from ._store import Head

__all__ = ["SqliteStore"]

_APPLICATION: Final = 0x5265_6772
"""``application_id`` of the file: "Regr"."""
_VERSION: Final = 1
"""``user_version`` of the file: that of the tables below."""

_SCHEMA: Final = (
    """CREATE TABLE owner (is_clean INTEGER NOT NULL)""",
    """CREATE TABLE topics (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch TEXT NOT NULL,
        head INTEGER NOT NULL, ack TEXT NOT NULL, used REAL NOT NULL)""",
    """CREATE INDEX topics_used ON topics (used)""",
    """CREATE TABLE messages (
        topic INTEGER NOT NULL, position INTEGER NOT NULL, event TEXT NOT NULL, payload BLOB NOT NULL,
        is_binary INTEGER NOT NULL, at REAL NOT NULL, expires REAL NOT NULL,
        PRIMARY KEY (topic, position)) WITHOUT ROWID""",
    """CREATE INDEX messages_expires ON messages (expires)""",
    """INSERT INTO owner VALUES (1)""",
)

_AT_ONCE: Final = 10_000
"""Rows one `SqliteStore.expire` deletes of each table: more would keep the messages that come meanwhile waiting."""

_NUMBERING_KEPT: Final = 30 * 86_400.0
"""Seconds a topic without messages keeps its epoch and head, so that who saw its last message can recover."""


@final
class SqliteStore:
    """A `HistoryStore` in a file, which is made if it is not there, and locked while it is open.

    ``clock`` tells Unix time in seconds.
    """

    def __init__(self, path: str | Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._connection: sqlite3.Connection | None = None

    def __repr__(self) -> str:
        return f"SqliteStore({str(self._path)!r})"

    def open(self) -> None:
        """Open the file; see `HistoryStore.open`.

        Raises:
            HistoryFileError: it is not a history of Regrow's, or of another version.
            sqlite3.Error: it cannot be opened, or another program has it open.
        """
        self.abandon()
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=1.0)
        self._connection = connection
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA synchronous=FULL")
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            raise HistoryFileError(f"{self._path} is not a history: {error}") from error
        if tables and (application, version) != (_APPLICATION, _VERSION):
            raise HistoryFileError(
                f"{self._path} is not a history of Regrow's, or one of another version: move it away"
            )
        connection.execute("PRAGMA journal_mode=WAL")
        with _Transaction(connection):
            if not tables:
                for statement in _SCHEMA:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id={_APPLICATION}")
                connection.execute(f"PRAGMA user_version={_VERSION}")
            (is_clean,) = connection.execute("SELECT is_clean FROM owner").fetchone()
            if not is_clean:
                for (topic,) in connection.execute("SELECT id FROM topics WHERE ack = ?", (Ack.SENT,)).fetchall():
                    connection.execute("UPDATE topics SET epoch = ? WHERE id = ?", (new_epoch(), topic))
            connection.execute("UPDATE owner SET is_clean = 0")

    def load(self, topic: str, history: History) -> TopicState:
        """What is stored of a topic."""
        connection = self._opened
        row = connection.execute("SELECT id, epoch, head, ack FROM topics WHERE name = ?", (topic,)).fetchone()
        if row is None:
            return TopicState(new_epoch(), 0, ())
        number, epoch, head, ack = row
        if ack != history.ack:  # before a message is broadcast under the other rule
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("UPDATE topics SET ack = ? WHERE id = ?", (history.ack, number))
        rows = connection.execute(
            "SELECT position, event, payload, is_binary, at, expires FROM messages"
            " WHERE topic = ? AND position <= ? ORDER BY position DESC LIMIT ?",
            (number, head, history.count),
        )
        now = self._clock()
        tail: list[Record] = []
        for offset, event, payload, is_binary, at, expires in rows:
            if offset != head - len(tail) or expires <= now:
                break
            tail.append(Record(topic, offset, event, payload, bool(is_binary), at, expires))
        tail.reverse()
        return TopicState(epoch, head, tail)

    def append(self, records: Sequence[Record], heads: Sequence[Head]) -> None:
        """Store messages in one transaction."""
        connection = self._opened
        is_durable = any(head.ack is Ack.DURABLE for head in heads)
        connection.execute(f"PRAGMA synchronous={'FULL' if is_durable else 'NORMAL'}")
        now = self._clock()
        with _Transaction(connection):
            numbers: dict[str, int] = {}
            for head in heads:
                (numbers[head.topic],) = connection.execute(
                    "INSERT INTO topics (name, epoch, head, ack, used) VALUES (?, ?, ?, ?, ?)"
                    " ON CONFLICT (name) DO UPDATE SET"
                    " epoch = excluded.epoch, head = excluded.head, ack = excluded.ack, used = excluded.used"
                    " RETURNING id",
                    (head.topic, head.epoch, head.offset, head.ack, now),
                ).fetchone()
            connection.executemany(
                "INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (numbers[one.topic], one.offset, one.event, one.payload, one.is_binary, one.at, one.expires)
                    for one in records
                ],
            )
            connection.executemany(
                "DELETE FROM messages WHERE topic = ? AND (position < ? OR position > ?)",
                [(numbers[head.topic], head.first, head.offset) for head in heads],
            )

    def expire(self) -> None:
        """Delete messages that are too old, and topics that nobody has spoken in for 30 days."""
        connection = self._opened
        now = self._clock()
        connection.execute("PRAGMA synchronous=NORMAL")
        with _Transaction(connection):
            connection.execute(
                "DELETE FROM messages WHERE (topic, position) IN"
                " (SELECT topic, position FROM messages WHERE expires <= ? ORDER BY expires LIMIT ?)",
                (now, _AT_ONCE),
            )
            connection.execute(
                "DELETE FROM topics WHERE id IN (SELECT id FROM topics WHERE used <= ? AND NOT EXISTS"
                " (SELECT 1 FROM messages WHERE messages.topic = topics.id) ORDER BY used LIMIT ?)",
                (now - _NUMBERING_KEPT, _AT_ONCE),
            )

    def close(self) -> None:
        """Say in the file that nothing is missing, and close it."""
        connection = self._opened
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("UPDATE owner SET is_clean = 1")
        connection.close()
        self._connection = None

    def abandon(self) -> None:
        """Close the file as it is."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    @property
    def _opened(self) -> sqlite3.Connection:
        assert self._connection is not None, "the store is not open"
        return self._connection


@final
class _Transaction:
    """``BEGIN`` and ``COMMIT``, or ``ROLLBACK`` if the block raises."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            try:
                self._connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
        else:
            self._roll_back()

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):  # SQLite may have rolled back by itself
            self._connection.execute("ROLLBACK")
