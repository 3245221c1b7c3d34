from __future__ import annotations

from tests.benchmarks.measurements import Noise
from tests.benchmarks.peers.catalogue import (
    OTPYLIB,
    PYKKA,
    REGROW_INLINE,
    REGROW_TASK,
    TRIOTP,
    WORKS,
    Peer,
)
from tests.benchmarks.peers.table import Measurement, footnotes, markdown, plain, rows, troubles

SPAWN, MESSAGES, CALL, CRASH, SCALE = WORKS
QUIET = Noise(0, 0)


def message(peer: Peer, microseconds: float, repetition: int = 0) -> Measurement:
    return Measurement(MESSAGES, peer, repetition, {"message_us": microseconds}, QUIET)


def cells(peers: list[Peer], *runs: Measurement) -> list[tuple[str, ...]]:
    """The rows below the header, without the work and the label."""
    return [row[2:] for row in rows([runs[0].work], peers, runs)[1:]]


def test_a_cell_is_the_median_and_how_many_times_ours_it_is() -> None:
    peers = [REGROW_INLINE, REGROW_TASK, OTPYLIB]
    runs = [message(REGROW_INLINE, 2), message(REGROW_TASK, 4), *(message(OTPYLIB, n, n) for n in (1, 10, 8))]
    assert cells(peers, *runs) == [("2", "4", "8 (4x, 2x)")]


def test_without_ours_there_is_nothing_to_compare_with() -> None:
    assert cells([REGROW_INLINE, OTPYLIB], message(REGROW_INLINE, 2), message(OTPYLIB, 8)) == [("2", "8 (4x, ?)")]


def test_a_work_without_means_is_told_from_one_that_failed_and_from_one_never_seen() -> None:
    runs = [
        Measurement(CRASH, REGROW_INLINE, 0, {"back": 1000, "recovery_ms": 50}, QUIET),
        Measurement(CRASH, TRIOTP, 0, {}, QUIET, "it exited with 1"),
        Measurement(CRASH, OTPYLIB, 0, {"back": 312}, QUIET),
    ]
    assert cells([REGROW_INLINE, TRIOTP, OTPYLIB, PYKKA], *runs) == [
        ("1000", "failed [1]", "312 [2]", "cannot [3]"),
        ("50", "failed", "not seen", "cannot"),
    ]
    assert troubles(runs) == ["Trouble: crash, triotp, repetition 1: it exited with 1"]


def test_what_was_not_seen_in_every_repetition_has_no_median() -> None:
    runs = [
        Measurement(CRASH, REGROW_INLINE, 0, {"back": 1000, "recovery_ms": 50}, QUIET),
        Measurement(CRASH, REGROW_INLINE, 1, {"back": 999}, QUIET),
    ]
    assert cells([REGROW_INLINE], *runs) == [("1000",), ("not seen",)]


def test_a_cell_says_if_the_system_allowed_fewer_actors() -> None:
    run = Measurement(SPAWN, PYKKA, 0, {"actors": 4000, "spawn_us": 100, "resident_bytes_each": 2048}, QUIET)
    assert cells([PYKKA], run) == [
        ("100 (?, ?) for 4,000 actors [1]",),
        ("2 (?, ?) for 4,000 actors",),
    ]


def test_footnotes_are_numbered_as_the_cells_refer_to_them() -> None:
    assert [note.split(":")[0] for note in footnotes([CALL, CRASH], [TRIOTP, OTPYLIB, PYKKA])] == [
        "[1] triotp",
        "[2] otpylib",
        "[3] pykka",
    ]
    assert footnotes([CALL], [REGROW_INLINE, PYKKA]) == []


def test_tables_name_the_work_once() -> None:
    run = Measurement(SCALE, REGROW_INLINE, 0, dict.fromkeys(("start_us", "start_ratio"), 1.0), QUIET)
    table = rows([SCALE], [REGROW_INLINE], [run])
    assert plain(table).count(SCALE.text) == 1
    assert markdown(table).splitlines()[:3] == [
        "| work | figure | regrow, inline |",
        "| --- | --- | --: |",
        f"| {SCALE.text} | µs to start one | 1 |",
    ]
