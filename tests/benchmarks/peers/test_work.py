from __future__ import annotations

import pytest

from tests.benchmarks.peers.work import (
    ADDRESSEES,
    CRASHING,
    MESSAGES,
    Tally,
    call_sample,
    crash_sample,
    main,
    message_sample,
    scale_sample,
)


def test_a_tally_tells_once_when_its_total_is_reached() -> None:
    told: list[int] = []
    tally = Tally(2, lambda: told.append(tally.count))
    for _ in range(3):
        tally.one()
    assert told == [2]


def test_message_sample_divides_by_the_messages() -> None:
    assert message_sample(ADDRESSEES * MESSAGES) == {"message_us": 1e6}


def test_call_sample_is_the_middle_and_the_tail() -> None:
    assert call_sample([*[1e-6] * 98, 3e-6, 5e-6]) == {"call_us": 1.0, "call_p99_us": pytest.approx(3.0)}


def test_crash_sample_has_a_time_only_if_all_are_back() -> None:
    assert crash_sample(CRASHING, 0.5) == {"back": CRASHING, "recovery_ms": 500}
    assert crash_sample(CRASHING - 1, 0.5) == {"back": CRASHING - 1}


def test_scale_sample_compares_one_of_many_with_one_of_few() -> None:
    assert scale_sample((1.0, 2.0), (2.0, 1.0)) == {
        "start_us": 2e6,
        "stop_us": 1e6,
        "start_ratio": 2.0,
        "stop_ratio": 0.5,
    }


def test_main_prints_the_sample_alone_whatever_the_peer_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def work() -> dict[str, float]:
        print("[peer] I am a log")  # noqa: T201 - it is what peers do
        return {"n": 1.0}

    monkeypatch.setattr("sys.argv", ["program", "inline", "spawn"])
    main({"spawn": work})
    assert capsys.readouterr() == ('{"n": 1.0}\n', "[peer] I am a log\n")
