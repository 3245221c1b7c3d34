"""What every store of histories promises, and what the file does."""

from __future__ import annotations

import math
import sqlite3
from typing import TYPE_CHECKING

import pytest

from regrow.gateway import Ack, Head, History, HistoryFileError, HistoryStore, MemoryStore, Record, SqliteStore
from regrow.gateway._history._choice import store_named

if TYPE_CHECKING:
    from pathlib import Path

SENT = History(count=3, age=100)
DURABLE = History(count=3, age=100, ack=Ack.DURABLE)


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path, time: Time) -> HistoryStore:
    return MemoryStore(clock=time) if request.param == "memory" else SqliteStore(tmp_path / "h.db", clock=time)


def record(offset: int, topic: str = "t", payload: bytes = b"{}", at: float = 1000.0, age: float = 100) -> Record:
    return Record(topic, offset, "new_msg", payload, is_binary=False, at=at, expires=at + age)


def head(offset: int, epoch: str = "e", first: int = 1, ack: Ack = Ack.SENT, topic: str = "t") -> Head:
    return Head(topic, epoch, offset, first, ack)


def loaded(store: HistoryStore, history: History = SENT, topic: str = "t") -> tuple[str, int, list[int]]:
    state = store.load(topic, history)
    return state.epoch, state.head, [one.offset for one in state.records]


def test_a_topic_nobody_knows_begins_an_epoch_of_its_own_at_0(store: HistoryStore) -> None:
    store.open()
    first, second = store.load("a", SENT), store.load("b", SENT)
    assert (first.head, list(first.records)) == (0, [])
    assert first.epoch != second.epoch


def test_what_is_stored_is_loaded_as_it_was(store: HistoryStore) -> None:
    store.open()
    records = [
        Record("t", 1, "new_msg", '{"é": "\u2028"}'.encode(), is_binary=False, at=999.5, expires=2000.25),
        Record("t", 2, "other", b"\x00\xff", is_binary=True, at=1000.0, expires=math.inf),
    ]
    store.append(records, [head(2)])
    state = store.load("t", SENT)
    assert (state.epoch, state.head, list(state.records)) == ("e", 2, records)


def test_a_batch_is_of_many_topics(store: HistoryStore) -> None:
    store.open()
    store.append([record(1), record(1, "u"), record(2)], [head(2), head(1, "f", topic="u")])
    assert loaded(store) == ("e", 2, [1, 2])
    assert loaded(store, topic="u") == ("f", 1, [1])


def test_only_the_last_messages_are_loaded_and_those_before_the_first_are_gone(store: HistoryStore) -> None:
    store.open()
    store.append([record(offset) for offset in range(1, 6)], [head(5)])
    assert loaded(store) == ("e", 5, [3, 4, 5])
    store.append([], [head(5, first=5)])
    assert loaded(store, History(count=100)) == ("e", 5, [5])


def test_what_is_too_old_is_not_loaded_and_deleted_in_time(store: HistoryStore, time: Time) -> None:
    store.open()
    store.append([record(1), record(2, at=1050)], [head(2)])
    time.now = 1100
    assert loaded(store) == ("e", 2, [2])
    store.expire()
    time.now = 1200
    store.expire()
    assert loaded(store) == ("e", 2, [])


def test_a_message_that_is_missing_counts_as_too_old_and_so_do_those_before_it(store: HistoryStore) -> None:
    store.open()
    store.append([record(1), record(2)], [head(2)])
    store.append([record(5), record(6)], [head(6)])
    assert loaded(store, History(count=100)) == ("e", 6, [5, 6])
    store.append([], [head(8)])
    assert loaded(store, History(count=100)) == ("e", 8, [])


def test_a_message_whose_offset_is_taken_takes_its_place_and_what_is_ahead_of_the_head_is_gone(
    store: HistoryStore,
) -> None:
    store.open()
    store.append([record(1), record(2, payload=b"1"), record(3, payload=b"1")], [head(3, ack=Ack.DURABLE)])
    store.append([record(2, payload=b"2")], [head(2, ack=Ack.DURABLE)])
    assert [one.payload for one in store.load("t", DURABLE).records] == [b"{}", b"2"]
    store.append([], [head(3, ack=Ack.DURABLE)])
    assert loaded(store, DURABLE) == ("e", 3, [])


@pytest.mark.parametrize("ack", Ack)
def test_after_it_was_closed_every_topic_goes_on_in_its_epoch(store: HistoryStore, ack: Ack) -> None:
    store.open()
    store.append([record(1)], [head(1, ack=ack)])
    store.close()
    store.open()
    assert loaded(store) == ("e", 1, [1])


def test_after_it_was_abandoned_topics_that_are_not_durable_begin_an_epoch_with_the_messages_they_have(
    store: HistoryStore,
) -> None:
    store.open()
    store.append([record(1), record(1, "d")], [head(1), head(1, topic="d", ack=Ack.DURABLE)])
    store.abandon()
    store.open()
    epoch, offset, records = loaded(store)
    assert epoch != "e"
    assert (offset, records) == (1, [1])
    assert loaded(store, DURABLE, "d") == ("e", 1, [1])


def test_a_durable_topic_that_is_loaded_as_one_that_is_not_counts_as_such_from_then_on(store: HistoryStore) -> None:
    store.open()
    store.append([record(1)], [head(1, ack=Ack.DURABLE)])
    assert loaded(store, SENT) == ("e", 1, [1])
    store.abandon()
    store.open()
    assert loaded(store, SENT)[0] != "e"


def test_it_may_be_abandoned_before_it_was_opened_and_twice(store: HistoryStore) -> None:
    store.abandon()
    store.open()
    store.abandon()
    store.abandon()
    store.open()
    store.close()


# The file.


def test_a_batch_that_fails_leaves_nothing_behind(tmp_path: Path, time: Time) -> None:
    store = SqliteStore(tmp_path / "h.db", clock=time)
    store.open()
    store.append([record(1)], [head(1)])
    with pytest.raises(sqlite3.IntegrityError):
        store.append([record(2), Record("t", 3, None, b"", is_binary=False, at=0, expires=9e9)], [head(3)])  # type: ignore[arg-type]
    assert loaded(store) == ("e", 1, [1])
    store.append([record(2)], [head(2)])
    assert loaded(store) == ("e", 2, [1, 2])


def test_a_second_gateway_cannot_open_the_file(tmp_path: Path) -> None:
    first, second = SqliteStore(tmp_path / "h.db"), SqliteStore(tmp_path / "h.db")
    first.open()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        second.open()
    second.abandon()
    first.append([record(1, age=9e9)], [head(1)])
    first.close()
    second.open()
    assert loaded(second) == ("e", 1, [1])


def test_another_database_and_a_file_that_is_none_are_left_alone(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE mine (x)")
    connection.close()
    (tmp_path / "text.db").write_text("this is no database, whatever its name says, and it is long enough" * 100)
    for name in ("other.db", "text.db"):
        before = (tmp_path / name).read_bytes()
        store = SqliteStore(tmp_path / name)
        with pytest.raises(HistoryFileError, match="is not a history"):
            store.open()
        store.abandon()
        assert (tmp_path / name).read_bytes() == before


def test_a_folder_that_is_not_there_is_an_error_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        SqliteStore(tmp_path / "nosuch" / "h.db").open()
    assert not (tmp_path / "nosuch").exists()


@pytest.mark.parametrize(("ack", "level"), [(Ack.SENT, 1), (Ack.DURABLE, 2)])
def test_a_batch_that_somebody_waits_for_is_flushed_to_the_disk_and_others_are_not(
    tmp_path: Path, ack: Ack, level: int
) -> None:
    store = SqliteStore(tmp_path / "h.db")
    store.open()
    store.append([record(1)], [head(1, ack=ack)])
    connection = store._connection
    assert connection is not None
    assert connection.execute("PRAGMA synchronous").fetchone() == (level,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_topic_that_was_silent_for_a_month_is_forgotten(tmp_path: Path, time: Time) -> None:
    store = SqliteStore(tmp_path / "h.db", clock=time)
    store.open()
    store.append([record(1)], [head(1)])
    time.now += 29 * 86_400
    store.expire()
    assert loaded(store) == ("e", 1, [])
    time.now += 2 * 86_400
    store.expire()
    epoch, offset, _ = loaded(store)
    assert (epoch != "e", offset) == (True, 0)


def test_a_setting_names_a_store(tmp_path: Path) -> None:
    assert store_named("off") is None
    assert isinstance(store_named("memory"), MemoryStore)
    store = store_named(str(tmp_path / "h.db"))
    assert isinstance(store, SqliteStore)
    assert list(tmp_path.iterdir()) == []
