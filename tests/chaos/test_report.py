import io

from rich.console import Console

from regrow.chaos._expectations import judge
from regrow.chaos._figures import measure
from regrow.chaos._load_protocol import ChannelEvent, Drop
from regrow.chaos._report import report
from regrow.chaos._run import Run

from .runs import FAULT, good_run, run, victim


def printed(result: Run) -> str:
    figures = measure(result)
    paper = io.StringIO()
    Console(width=120, file=paper).print(report(result, figures, judge(figures)))
    return paper.getvalue()


def test_the_report_tells_the_recovery_with_k_of_n_and_the_verdict() -> None:
    text = printed(good_run())

    assert "1 of 4 connections crashed" in text
    assert "50.0 ms" in text
    assert "1 of 1" in text
    assert "held (exit status 0)" in text


def test_zero_seen_is_printed_with_its_upper_bound() -> None:
    assert "≤ 75.00%" in printed(good_run())


def test_a_victim_that_never_recovered_is_shown_as_such() -> None:
    text = printed(run(victims=[victim(0, serving=None)]))

    assert "never" in text
    assert "0 of 1" in text


def test_close_codes_and_channel_errors_are_shown_when_there_are_any() -> None:
    text = printed(run(drops=[Drop(2, FAULT, 1011)], channel_events=[ChannelEvent(0, FAULT, "phx_error")]))

    assert "closed with 1011" in text
    assert "phx_error seen" in text


def test_the_worst_victims_are_shown_last_to_recover_first() -> None:
    victims = [victim(client, serving=FAULT + client / 10) for client in range(20)]
    text = printed(run(victims=victims, selected=tuple(range(20))))
    rows = [line.split()[1] for line in text.splitlines() if line.startswith("│") and line.split()[1].isdigit()]

    assert rows == ["0", "1", "2", "19", "18", "17", "16", "15"]
